//! Throughput: how fast backends run whole episodes, in user-steps per second.
//!
//! ```text
//! cases ────┐
//! backends ─┴─> rollouts ─(timing, spread)─> Bench
//! ```
//!
//! `docs/benchmarking.md` describes the figures. `slatesim bench` prints a [`Bench`]; `benches/lab` measures other things in
//! the same way: [`measure`] times any [`Workload`].
//!
//! ```
//! use slatesim::backend::{Unobserved, cpu::cpu};
//! use slatesim::bench::{Bench, Effort, MeasuredBackend, cases};
//! use slatesim::registry::Registry;
//!
//! let is_wanted = |environment: &str, policy: &str| (environment, policy) == ("test_mdp", "static");
//! let cases = cases(&Registry::built_in(), is_wanted)?;
//! let backend = cpu(None)?;
//! let backends = [MeasuredBackend { backend: &backend, is_software: false }];
//! let bench = Bench::run(&cases, &backends, Effort::QUICK, &Unobserved, &mut |_| ())?;
//! println!("{:.3e} user-steps/s", bench.results[0].user_steps_per_second.median);
//! # Ok::<(), slatesim::Error>(())
//! ```

mod backends;
mod cases;
mod effort;
mod processor;
mod rollouts;
mod spread;
mod timing;

pub use backends::{BackendLabel, BackendRow, MeasuredBackend};
pub use cases::{Case, CaseName, MAIN, cases};
pub use effort::Effort;
pub use rollouts::{RefusedRow, ResultRow, Rollout};
pub use spread::Spread;
pub use timing::{Lap, Measured, Workload, measure};

use crate::backend::Observer;
use crate::error::Error;
use serde::Serialize;

/// Version of the JSON object; raised when a key changes its meaning.
pub const SCHEMA: u32 = 2;

/// The measurements, and the machine they were made on.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Bench {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of this crate.
    pub slatesim: &'static str,
    /// Whether rows are missing because the bench was interrupted.
    pub partial: bool,
    /// Whether the program is a debug build, whose figures say little.
    pub is_debug_build: bool,
    /// The processor's name, if the system reports it.
    pub processor: Option<String>,
    /// Worker threads.
    pub threads: usize,
    /// The backends that were measured.
    pub backends: Vec<BackendRow>,
    /// A row for each case on each backend that can run it.
    pub results: Vec<ResultRow>,
    /// A row for each case that a backend refused, because its device is too small for it.
    pub refused: Vec<RefusedRow>,
}

impl Bench {
    /// Measures cases on all backends, in turns; `on_case` receives each case when it is done.
    ///
    /// # Errors
    /// [`Error`] if a case cannot be run. One that is too large for a device is no error, but a row of
    /// [`refused`](Self::refused).
    pub fn run(
        cases: &[Case],
        backends: &[MeasuredBackend<'_>],
        effort: Effort,
        observer: &dyn Observer,
        on_case: &mut dyn FnMut(&Case),
    ) -> Result<Self, Error> {
        let (mut results, mut refused) = (Vec::new(), Vec::new());
        let seconds = effort.seconds(cases.len() * backends.len());
        for case in cases {
            match rollouts::measure_case(case, backends, seconds, effort, observer)? {
                Some(rows) => {
                    results.extend(rows.results);
                    refused.extend(rows.refused);
                }
                None => break,
            }
            on_case(case);
        }
        Ok(Self {
            schema: SCHEMA,
            slatesim: env!("CARGO_PKG_VERSION"),
            partial: observer.is_interrupted(),
            is_debug_build: cfg!(debug_assertions),
            processor: processor::name(),
            threads: rayon::current_num_threads(),
            backends: backends.iter().map(MeasuredBackend::row).collect(),
            results,
            refused,
        })
    }

    /// Returns the row of a case and a backend.
    pub fn row(&self, case: &Case, label: &BackendLabel) -> Option<&ResultRow> {
        let mut rows = self.results.iter();
        rows.find(|row| row.case == case.name && row.label == *label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::GpuError;
    use crate::backend::{
        Backend, BackendError, BackendInfo, Simulation, Stepper, Unobserved, cpu,
    };
    use crate::registry::Registry;
    use crate::statistics::{EpisodeBlock, Statistics};
    use std::ops::Range;

    /// A backend whose device is too small for more than one episode of slates of several documents.
    #[derive(Debug)]
    struct Small(cpu::CpuBackend);

    impl Small {
        fn check(simulation: &Simulation, episodes: &Range<u64>) -> Result<(), BackendError> {
            if simulation.plan.slate_size == 1 || episodes.end <= 1 {
                return Ok(());
            }
            Err(BackendError::Gpu(GpuError::LoopLimit {
                what: "one step".to_owned(),
                adapter: "some card".to_owned(),
                needed: 2,
                available: 1,
            }))
        }
    }

    impl Backend for Small {
        fn info(&self) -> BackendInfo {
            BackendInfo {
                name: "small".to_owned(),
                ..self.0.info()
            }
        }

        fn rollout(
            &self,
            simulation: &Simulation,
            episodes: Range<u64>,
            observer: &dyn Observer,
        ) -> Result<Statistics, BackendError> {
            Self::check(simulation, &episodes)?;
            self.0.rollout(simulation, episodes, observer)
        }

        fn episodes(
            &self,
            simulation: &Simulation,
            episodes: Range<u64>,
        ) -> Result<Vec<EpisodeBlock>, BackendError> {
            self.0.episodes(simulation, episodes)
        }

        fn shared_stepper(
            &self,
            simulation: &Simulation,
            num_lanes: usize,
            users_per_env: usize,
        ) -> Result<Box<dyn Stepper>, BackendError> {
            self.0.shared_stepper(simulation, num_lanes, users_per_env)
        }
    }

    #[test]
    fn a_case_that_is_too_large_for_one_device_is_told_and_costs_no_other_figures() {
        let is_wanted = |environment: &str, policy: &str| {
            ["item_transition", "interest_exploration"].contains(&environment) && policy == "static"
        };
        let cases = cases(&Registry::built_in(), is_wanted).unwrap();
        let (cpu, small) = (
            cpu::cpu(Some(1)).unwrap(),
            Small(cpu::cpu(Some(1)).unwrap()),
        );
        let backends: [&dyn Backend; 2] = [&cpu, &small];
        let backends = backends.map(|backend| MeasuredBackend {
            backend,
            is_software: false,
        });
        let effort = Effort::QUICK;
        let bench = Bench::run(&cases, &backends, effort, &Unobserved, &mut |_| ()).unwrap();
        let measured = bench.results.iter();
        let measured =
            measured.map(|row| (row.label.backend.as_str(), row.case.environment.as_str()));
        let measured: Vec<_> = measured.collect();
        let refused = bench.refused.iter();
        let refused =
            refused.map(|row| (row.label.backend.as_str(), row.case.environment.as_str()));
        assert_eq!(
            refused.collect::<Vec<_>>(),
            [("small", "interest_exploration")]
        );
        assert!(bench.refused[0].reason.contains("takes 2 iterations"));
        assert!(measured.contains(&("cpu", "interest_exploration")));
        assert!(measured.contains(&("cpu", "item_transition")));
        assert!(measured.contains(&("small", "item_transition")));
        assert_eq!(measured.len(), 3);
    }
}
