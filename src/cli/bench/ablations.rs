//! What a GPU's shaders cost with guards, or without native 64-bit products: the main job.

use super::cases::Case;
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::rollouts::Rollout;
use super::spread::Spread;
use super::timing::{Work, measure};
use crate::backend::gpu::{GpuBackend, GpuOptions};
use serde::Serialize;

/// One way to make the shaders.
#[derive(Debug, Serialize)]
pub(super) struct AblationRow {
    #[serde(flatten)]
    of: Of,
    variant: &'static str,
    /// By the rate of the default.
    ratio: f64,
    user_steps_per_second: Spread,
}

fn variants(gpu: &GpuBackend) -> [(&'static str, GpuBackend); 3] {
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
    [("default", default), ("limbs", limbs), ("checked", checked)]
        .map(|(name, options)| (name, gpu.with_options(options)))
}

/// Counts the measurements.
pub(super) fn count(backends: &[Opened]) -> usize {
    backends.iter().filter_map(Opened::gpu).count()
}

/// Measures the variants of every GPU backend in turns; what is missing was interrupted.
pub(super) fn measure_all(
    main: &Case,
    backends: &[Opened],
    effort: Effort,
    progress: &Progress,
) -> anyhow::Result<Vec<AblationRow>> {
    let mut rows = Vec::new();
    for (opened, gpu) in backends.iter().filter_map(|o| Some((o, o.gpu()?))) {
        let variants = variants(gpu);
        let mut works: Vec<Box<dyn Work + '_>> = Vec::new();
        for (_, backend) in &variants {
            works.push(Box::new(Rollout {
                backend,
                simulation: &main.simulation,
            }));
        }
        let Some(measured) = measure(&mut works, effort.main_seconds, effort.runs)? else {
            break;
        };
        progress.done(&opened.of().label());
        let default = measured[0].rate.median;
        let variants = variants.iter().zip(&measured);
        rows.extend(variants.map(|((variant, _), measured)| AblationRow {
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
    pub(super) const TITLE: [&'static str; 3] = ["backend", "shaders", "by default"];

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
