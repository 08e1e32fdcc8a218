//! The main job by the device's own clock: what kernels take, without the host, the copies and the waiting.

use super::cases::Case;
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::spread::Spread;
use crate::backend::{Backend, KernelTime};
use crate::cli::interrupt::{Interruptible, is_interrupted};
use serde::Serialize;
use std::collections::BTreeMap;
use std::slice;

/// Stands for all kernels together.
const ALL: &str = "all";

/// What a kernel of a backend took, or all of them together.
#[derive(Debug, Serialize)]
pub(super) struct KernelRow {
    #[serde(flatten)]
    of: Of,
    /// Entry point, or [`ALL`].
    kernel: &'static str,
    episodes: u64,
    /// Median of the runs.
    kernel_seconds: f64,
    user_steps_per_second: Spread,
}

/// Measures the main job on every device that has a clock; what is missing was interrupted.
pub(super) fn measure_all(
    main: &Case,
    backends: &[Opened],
    effort: Effort,
    progress: &Progress,
) -> anyhow::Result<Vec<KernelRow>> {
    let mut rows = Vec::new();
    for opened in backends {
        let Some(gpu) = opened.gpu() else { continue };
        let mut user_steps = 0;
        let mut seconds = BTreeMap::<(usize, &str), Vec<f64>>::new();
        for run in 0..=effort.runs {
            let simulations = slice::from_ref(&main.simulation);
            let episodes = 0..effort.kernel_episodes;
            let rollouts = gpu.rollout_many(simulations, episodes, &Interruptible)?;
            if is_interrupted() {
                return Ok(rows);
            }
            let launches = rollouts.launches.unwrap_or_default();
            let Some(taken) = launches.kernel_seconds.filter(|&taken| taken > 0.0) else {
                break;
            };
            // The first run compiles.
            if run > 0 {
                let all = KernelTime {
                    kernel: ALL,
                    seconds: taken,
                };
                let times = std::iter::once(all).chain(launches.by_kernel);
                for (place, time) in times.enumerate() {
                    let of_kernel = seconds.entry((place, time.kernel)).or_default();
                    of_kernel.push(time.seconds);
                }
                user_steps = rollouts.statistics[0].user_steps();
            }
        }
        progress.done(&opened.of().label());
        for ((_, kernel), seconds) in seconds {
            // A kernel that is shorter than a tick has no rate.
            if seconds.contains(&0.0) {
                continue;
            }
            let rates = seconds.iter().map(|taken| user_steps as f64 / taken);
            let user_steps_per_second = Spread::of(rates.collect());
            rows.push(KernelRow {
                of: opened.of(),
                kernel,
                episodes: effort.kernel_episodes,
                kernel_seconds: user_steps as f64 / user_steps_per_second.median,
                user_steps_per_second,
            });
        }
    }
    Ok(rows)
}

/// Counts the measurements.
pub(super) fn count(backends: &[Opened]) -> usize {
    backends
        .iter()
        .filter(|opened| opened.gpu().is_some())
        .count()
}

impl KernelRow {
    /// Names the first columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 4] = ["backend", "kernel", "episodes", "time"];

    /// Writes the measurement for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.of.label(),
            self.kernel.to_owned(),
            self.episodes.to_string(),
            format!("{:.3} ms", 1e3 * self.kernel_seconds),
        ];
        cells.extend(self.user_steps_per_second.cells());
        cells
    }
}
