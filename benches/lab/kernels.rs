//! The time of the kernels of the main job by the device's own clock, without the host, copies and waiting.

use super::Lab;
use serde::Serialize;
use slatesim::Error;
use slatesim::backend::{Backend, KernelTime};
use slatesim::bench::{BackendLabel, Bench, Case, Spread};
use std::collections::BTreeMap;
use std::slice;

/// The name of the sum over all kernels.
const ALL: &str = "all";
/// Episodes in a measurement, normally and with `--quick`.
const EPISODES: u64 = 1_000_000;
const QUICK_EPISODES: u64 = 20_000;

/// The time of one kernel, or of all together, on a backend.
#[derive(Debug, Serialize)]
pub(crate) struct KernelRow {
    #[serde(flatten)]
    label: BackendLabel,
    /// Entry point, or [`ALL`].
    kernel: &'static str,
    episodes: u64,
    /// Median of the runs.
    kernel_seconds: f64,
    user_steps_per_second: Spread,
}

/// Measures the main job on every device that has a clock and can run it, as `bench` tells; if interrupted, the rest is missing.
pub(crate) fn measure_all(
    lab: &Lab<'_>,
    main: &Case,
    bench: &Bench,
) -> Result<Vec<KernelRow>, Error> {
    let episodes = if lab.is_quick {
        QUICK_EPISODES
    } else {
        EPISODES
    };
    let mut rows = Vec::new();
    for opened in lab.backends {
        let Some(gpu) = opened.gpu() else { continue };
        if bench.row(main, &opened.label()).is_none() {
            continue;
        }
        let mut user_steps = 0;
        let mut seconds = BTreeMap::<(usize, &str), Vec<f64>>::new();
        for run in 0..=lab.effort().runs {
            let simulations = slice::from_ref(&main.simulation);
            let rollouts = gpu.rollout_many(simulations, 0..episodes, lab.observer)?;
            if lab.observer.is_interrupted() {
                return Ok(rows);
            }
            let launches = rollouts.launches.unwrap_or_default();
            let Some(taken) = launches.kernel_seconds.filter(|&taken| taken > 0.0) else {
                break;
            };
            // The first run compiles, and is not counted.
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
        lab.done("kernels", &opened.label().to_string());
        for ((_, kernel), seconds) in seconds {
            // A kernel that takes less than a tick of the clock has no rate.
            if seconds.contains(&0.0) {
                continue;
            }
            let rates = seconds.iter().map(|taken| user_steps as f64 / taken);
            let user_steps_per_second = Spread::of(rates.collect());
            rows.push(KernelRow {
                label: opened.label(),
                kernel,
                episodes,
                kernel_seconds: user_steps as f64 / user_steps_per_second.median,
                user_steps_per_second,
            });
        }
    }
    Ok(rows)
}
