//! The main job in other ways: a GPU's shaders with guards, or without native 64-bit products, or its episodes added up here
//! or there, and `cpu` in narrower registers.

use super::cases::Case;
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::rollouts::Rollout;
use super::spread::Spread;
use super::timing::{Lap, Work, measure};
use crate::backend::cpu::InstructionSet;
use crate::backend::gpu::{GpuBackend, GpuOptions};
use serde::Serialize;

/// One way to run it.
#[derive(Debug, Serialize)]
pub(super) struct AblationRow {
    #[serde(flatten)]
    of: Of,
    variant: &'static str,
    /// By the rate of the default.
    ratio: f64,
    user_steps_per_second: Spread,
}

fn variants(gpu: &GpuBackend) -> [(&'static str, GpuBackend); 5] {
    let default = gpu.options().clone();
    // 16-bit limbs; nothing changes where the adapter has no 64-bit integers.
    let limbs = GpuOptions {
        avoids_native_u64: true,
        ..default.clone()
    };
    // Bounds of arrays and of loops are checked; a debug build always does that.
    let checked = GpuOptions {
        is_checked: true,
        ..default.clone()
    };
    // Every episode is read back, and added up by the host; or by the device, however few there are.
    let tallies = |tallies| GpuOptions {
        tallies: Some(tallies),
        ..default.clone()
    };
    [
        ("default", default.clone()),
        ("limbs", limbs),
        ("checked", checked),
        ("sums by host", tallies(false)),
        ("sums by device", tallies(true)),
    ]
    .map(|(name, options)| (name, gpu.with_options(options)))
}

/// A rollout in no wider registers than those of an instruction set.
struct Limited<'a> {
    set: InstructionSet,
    rollout: Rollout<'a>,
}

impl Work for Limited<'_> {
    fn run(&mut self, size: u64) -> anyhow::Result<Option<Lap>> {
        InstructionSet::limit(self.set);
        let lap = self.rollout.run(size);
        InstructionSet::limit(InstructionSet::widest());
        lap
    }

    fn least(&self) -> u64 {
        self.rollout.least()
    }

    fn first(&self) -> u64 {
        self.rollout.first()
    }
}

/// Tells whether there is another way than the default.
fn has_variants(opened: &Opened) -> bool {
    let is_cpu = opened.gpu().is_none() && !opened.is_oracle();
    opened.gpu().is_some() || (is_cpu && InstructionSet::widest() > InstructionSet::Baseline)
}

/// Counts the measurements.
pub(super) fn count(backends: &[Opened]) -> usize {
    backends
        .iter()
        .filter(|opened| has_variants(opened))
        .count()
}

/// Measures the variants of every backend that has some in turns, the default first; what is missing was interrupted.
pub(super) fn measure_all(
    main: &Case,
    backends: &[Opened],
    effort: Effort,
    progress: &Progress,
) -> anyhow::Result<Vec<AblationRow>> {
    let mut rows = Vec::new();
    for opened in backends.iter().filter(|opened| has_variants(opened)) {
        let gpus = opened.gpu().map(variants);
        let mut names = Vec::new();
        let mut works: Vec<Box<dyn Work + '_>> = Vec::new();
        for (name, backend) in gpus.iter().flatten() {
            names.push(*name);
            works.push(Box::new(Rollout {
                backend,
                simulation: &main.simulation,
            }));
        }
        if gpus.is_none() {
            for set in InstructionSet::available() {
                names.push(set.name());
                works.push(Box::new(Limited {
                    set,
                    rollout: Rollout {
                        backend: opened.backend(),
                        simulation: &main.simulation,
                    },
                }));
            }
        }
        let Some(measured) = measure(&mut works, effort.main_seconds, effort.runs)? else {
            break;
        };
        progress.done(&opened.of().label());
        let default = measured[0].rate.median;
        let variants = names.iter().zip(&measured);
        rows.extend(variants.map(|(variant, measured)| AblationRow {
            of: opened.of(),
            variant,
            ratio: measured.rate.median / default,
            user_steps_per_second: measured.rate,
        }));
    }
    Ok(rows)
}

impl AblationRow {
    /// Names the first columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 3] = ["backend", "variant", "by default"];

    /// Writes the measurement for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.of.label(),
            self.variant.to_owned(),
            format!("{:.3}", self.ratio),
        ];
        cells.extend(self.user_steps_per_second.cells());
        cells
    }
}
