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
pub use cases::{Case, MAIN, cases};
pub use effort::Effort;
pub use rollouts::{ResultRow, Rollout};
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
    /// A row for each case on each backend.
    pub results: Vec<ResultRow>,
}

impl Bench {
    /// Measures cases on all backends, in turns; `on_case` receives each case when it is done.
    ///
    /// # Errors
    /// [`Error`] if something cannot be run.
    pub fn run(
        cases: &[Case],
        backends: &[MeasuredBackend<'_>],
        effort: Effort,
        observer: &dyn Observer,
        on_case: &mut dyn FnMut(&Case),
    ) -> Result<Self, Error> {
        let mut results = Vec::new();
        let seconds = effort.seconds(cases.len() * backends.len());
        for case in cases {
            match rollouts::measure_case(case, backends, seconds, effort, observer)? {
                Some(rows) => results.extend(rows),
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
        })
    }

    /// Returns the row of a case and a backend.
    pub fn row(&self, case: &Case, label: &BackendLabel) -> Option<&ResultRow> {
        let mut rows = self.results.iter();
        rows.find(|row| row.is_of(case) && row.label == *label)
    }
}
