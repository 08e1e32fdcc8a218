//! The laboratory: measures everything that `slatesim bench` measures, every environment stepped from outside, and the main job
//! for different numbers of threads, lanes and episodes, kernel by kernel, in variants, and relative to what a GPU could reach
//! at best.
//!
//! ```sh
//! cargo bench --bench lab                          # everything, some minutes; tables
//! cargo bench --bench lab -- --json > bench.json   # for the example performance_plots, which draws it
//! ```
//!
//! `docs/benchmarking.md` describes the figures and the JSON. After Ctrl-C it prints what has been measured so far.

mod ablations;
pub(crate) mod backends;
mod kernels;
pub(crate) mod roofline;
pub(crate) mod scaling;
mod step_api;
pub(crate) mod tables;

use ablations::AblationRow;
use backends::OpenBackend;
use clap::Parser;
use kernels::KernelRow;
use roofline::Roofline;
use scaling::ScalingRow;
use serde::Serialize;
use slatesim::backend::Observer;
use slatesim::bench::{Bench, Case, Effort, MeasuredBackend, cases};
use slatesim::registry::Registry;
use std::sync::atomic::{AtomicBool, Ordering};
use step_api::StepRow;

/// Measures what speed comes from.
#[derive(Debug, Parser)]
struct Args {
    /// Measure this environment; may be given several times
    #[arg(long, value_name = "NAME")]
    environment: Vec<String>,
    /// Measure this policy; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Measure this backend; may be given several times
    #[arg(long, value_parser = backends::NAMES)]
    backend: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Take some seconds only; the figures are rough
    #[arg(long)]
    quick: bool,
    // `cargo bench` adds this flag.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Settings of the measurements.
pub(crate) struct Lab<'a> {
    pub(crate) cases: &'a [Case],
    pub(crate) backends: &'a [OpenBackend],
    pub(crate) is_quick: bool,
    pub(crate) observer: &'a dyn Observer,
}

/// All measurements; serialises as the object of `slatesim bench --json` with further sections.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    bench: Bench,
    step_api: Vec<StepRow>,
    scaling: Vec<ScalingRow>,
    /// For devices that have a clock.
    kernels: Vec<KernelRow>,
    ablations: Vec<AblationRow>,
    /// For known GPUs only.
    roofline: Option<Roofline>,
}

impl Lab<'_> {
    pub(crate) fn effort(&self) -> Effort {
        Effort::new(self.is_quick)
    }

    /// Notes that a measurement is done.
    pub(crate) fn done(&self, section: &str, what: &str) {
        eprintln!("measured: {section}, {what}");
    }

    /// Measures everything; if interrupted, the rest is missing.
    pub(crate) fn measure(&self) -> anyhow::Result<Report> {
        let measured: Vec<MeasuredBackend<'_>> =
            self.backends.iter().map(OpenBackend::measured).collect();
        let mut on_case = |case: &Case| self.done("whole episodes", &case.name.to_string());
        let mut bench = Bench::run(
            self.cases,
            &measured,
            self.effort(),
            self.observer,
            &mut on_case,
        )?;
        let step_api = step_api::measure_all(self, &bench)?;
        let (mut scaling, mut kernels, mut ablations) = (Vec::new(), Vec::new(), Vec::new());
        let mut roofline = None;
        if let Some(main) = self.cases.iter().find(|case| case.name.is_main()) {
            scaling = scaling::measure_all(self, main, &bench)?;
            kernels = kernels::measure_all(self, main, &bench)?;
            ablations = ablations::measure_all(self, main, &bench)?;
            roofline = Roofline::of(self.backends, main, &bench);
        }
        bench.partial = self.observer.is_interrupted();
        Ok(Report {
            bench,
            step_api,
            scaling,
            kernels,
            ablations,
            roofline,
        })
    }
}

/// Whether the user has pressed Ctrl-C.
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

struct Interruptible;

impl Observer for Interruptible {
    fn finished(&self, _episodes: u64, _user_steps: u64) {}
    fn is_interrupted(&self) -> bool {
        IS_INTERRUPTED.load(Ordering::Relaxed)
    }
}

#[allow(dead_code, reason = "a test measures without it")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ctrlc::set_handler(|| IS_INTERRUPTED.store(true, Ordering::Relaxed))?;
    let has = |given: &[String], name: &str| given.is_empty() || given.iter().any(|g| g == name);
    let cases = cases(&Registry::built_in(), |environment, policy| {
        has(&args.environment, environment) && has(&args.policy, policy)
    })?;
    anyhow::ensure!(
        !cases.is_empty(),
        "nothing to measure: no such policy is measured in such an environment"
    );
    let lab = Lab {
        cases: &cases,
        backends: &backends::open(|name| has(&args.backend, name))?,
        is_quick: args.quick,
        observer: &Interruptible,
    };
    let report = serde_json::to_value(lab.measure()?)?;
    if args.json {
        println!("{report}");
    } else {
        print!("{}", tables::text(&report));
    }
    Ok(())
}
