//! The main job with one thing changed: a GPU's shaders with guards, or without native 64-bit products, its episodes added up
//! by the host or by the device, and `cpu` in narrower registers.

use super::Lab;
use super::backends::OpenBackend;
use serde::Serialize;
use slatesim::Error;
use slatesim::backend::Backend;
use slatesim::backend::cpu::InstructionSet;
use slatesim::backend::gpu::{GpuBackend, GpuOptions};
use slatesim::bench::{BackendLabel, Bench, Case, Lap, Rollout, Spread, Workload, measure};

/// The result of one variant.
#[derive(Debug, Serialize)]
pub(crate) struct AblationRow {
    #[serde(flatten)]
    label: BackendLabel,
    variant: &'static str,
    /// Its rate divided by that of the default.
    ratio: f64,
    user_steps_per_second: Spread,
}

fn variants(gpu: &GpuBackend) -> [(&'static str, GpuBackend); 5] {
    let default = gpu.options().clone();
    // Products from 16-bit limbs; this changes nothing if the adapter has no 64-bit integers.
    let limbs = GpuOptions {
        avoids_native_u64: true,
        ..default.clone()
    };
    // Bounds of arrays and of loops are checked; a debug build always does that.
    let checked = GpuOptions {
        is_checked: true,
        ..default.clone()
    };
    // Every episode is read back and added up by the host; or all are added up by the device, even if they are few.
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

/// A rollout in registers no wider than those of an instruction set.
struct Limited<'a> {
    set: InstructionSet,
    rollout: Rollout<'a>,
}

impl Workload for Limited<'_> {
    fn run(&mut self, size: u64) -> Result<Option<Lap>, Error> {
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

fn rollout<'a>(lab: &Lab<'a>, main: &'a Case, backend: &'a dyn Backend) -> Rollout<'a> {
    Rollout {
        backend,
        simulation: &main.simulation,
        observer: lab.observer,
    }
}

/// Tells whether the backend has variants besides the default.
fn has_variants(opened: &OpenBackend) -> bool {
    let is_cpu = opened.gpu().is_none() && !opened.is_reference();
    opened.gpu().is_some() || (is_cpu && InstructionSet::widest() > InstructionSet::Baseline)
}

/// Measures the variants of every backend that has some in turns, the default first; if interrupted, the rest is missing.
/// `bench` tells which backends can run the main job.
pub(crate) fn measure_all(
    lab: &Lab<'_>,
    main: &Case,
    bench: &Bench,
) -> Result<Vec<AblationRow>, Error> {
    let effort = lab.effort();
    let mut rows = Vec::new();
    let is_able =
        |opened: &&OpenBackend| has_variants(opened) && bench.row(main, &opened.label()).is_some();
    for opened in lab.backends.iter().filter(is_able) {
        let gpus = opened.gpu().map(variants);
        let mut names = Vec::new();
        let mut workloads: Vec<Box<dyn Workload + '_>> = Vec::new();
        for (name, backend) in gpus.iter().flatten() {
            names.push(*name);
            workloads.push(Box::new(rollout(lab, main, backend)));
        }
        if gpus.is_none() {
            for set in InstructionSet::available() {
                names.push(set.name());
                workloads.push(Box::new(Limited {
                    set,
                    rollout: rollout(lab, main, opened.backend()),
                }));
            }
        }
        let Some(measured) = measure(&mut workloads, effort.main_seconds, effort.runs)? else {
            break;
        };
        lab.done("variants", &opened.label().to_string());
        let default = measured[0].rate.median;
        let variants = names.iter().zip(&measured);
        rows.extend(variants.map(|(variant, measured)| AblationRow {
            label: opened.label(),
            variant,
            ratio: measured.rate.median / default,
            user_steps_per_second: measured.rate,
        }));
    }
    Ok(rows)
}
