//! `slatesim bench`: throughput of every backend, environment and policy.
//!
//! ```text
//! filter -> cases ─┐
//! opened backends ─┴─> rollouts, step_api, scaling, kernels, ablations ─(timing, spread)─> roofline, report
//! peer ────────────────────────────────────────────────────────────────────────────────┘
//! ```

mod ablations;
mod cases;
mod effort;
mod filter;
mod kernels;
mod opened;
mod peer;
mod processor;
mod progress;
mod report;
mod rollouts;
mod roofline;
mod scaling;
mod spread;
mod step_api;
mod timing;

use super::backend_choice::BackendChoice;
use super::interrupt::{self, is_interrupted};
use super::output::{print, print_json, say};
use super::run_args::AdapterArgs;
use super::usage::Usage;
use crate::registry::Registry;
use cases::Case;
use effort::Effort;
use filter::Filter;
use opened::Opened;
use peer::{Peer, PeerReport};
use progress::Progress;
use report::{Bench, SCHEMA};
use roofline::Roofline;
use std::path::PathBuf;
use std::process::ExitCode;

/// What can be measured, in the order of the figures.
const MEASURED: [BackendChoice; 3] = [
    BackendChoice::Reference,
    BackendChoice::Cpu,
    BackendChoice::Gpu,
];

/// Measure the throughput of every backend, environment and policy.
///
/// Figures are user-steps by second: the median of five runs in turns, with their spread. What a run takes to start
/// (compiling shaders, above all) is left out and told apart. Settings are the defaults, with every choice model and
/// document sampler, and the main job: the published random baseline (20 candidates, slates of 2 with replacement, 120
/// steps). Every environment is also stepped from outside, and the main job measured against threads, lanes and episodes;
/// on a GPU, by its own clock and with other ways to make its shaders, and where the GPU is known, against what it could do
/// at best.
///
/// docs/benchmarking.md describes the figures and the JSON. Ctrl-C ends the bench early: what has been measured is
/// printed, marked partial.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Measure this environment; may be given several times
    #[arg(long, value_name = "NAME")]
    environment: Vec<String>,
    /// Measure this policy; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Measure this backend; may be given several times
    #[arg(long, value_parser = BackendChoice::among(&MEASURED))]
    backend: Vec<BackendChoice>,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Take some seconds only; the figures are rough
    #[arg(long)]
    quick: bool,
    /// Compare with the main job as written for JAX: a script that takes --users, --repeats, --prng and --lazy
    #[arg(long, value_name = "PATH")]
    peer: Option<PathBuf>,
    /// The Python that has JAX, for --peer
    #[arg(
        long,
        value_name = "PYTHON",
        default_value = "python3",
        requires = "peer"
    )]
    python: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    let filter = Filter::new(&args.environment, &args.policy, &registry.catalogue())?;
    let cases = cases::cases(registry, filter)?;
    let backends = opened::open(&args.backend, args.adapter.adapter)?;
    interrupt::listen()?;
    let peer = peer(args, &cases)?;
    if cfg!(debug_assertions) {
        say("this is a debug build: its figures say little");
    }
    tracing::info!(cases = cases.len(), backends = backends.len(), "running");
    let progress = Progress::new();
    let bench = measure(&cases, backends, peer.as_ref(), args.quick, &progress);
    progress.finish();
    let bench = bench?;
    if args.json {
        print_json(&bench)?;
    } else {
        print(&report::text(&bench))?;
    }
    if bench.partial {
        return Ok(interrupt::told_after(&progress.place()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks what `--peer` asks for.
fn peer<'a>(args: &'a Args, cases: &[Case]) -> Result<Option<Peer<'a>>, Usage> {
    let Some(script) = &args.peer else {
        return Ok(None);
    };
    if !cases.iter().any(Case::is_main) {
        return Err(Usage(
            "`--peer` is compared on the main job, which `--environment` or `--policy` leaves out; allowed with it are \
             long_term_satisfaction and random among the names"
                .to_owned(),
        ));
    }
    Peer::new(script, &args.python, args.quick).map(Some)
}

/// Measures everything, the peer first, so that a mistake in it costs no time.
fn measure(
    cases: &[Case],
    backends: Vec<Opened>,
    peer: Option<&Peer<'_>>,
    is_quick: bool,
    progress: &Progress,
) -> anyhow::Result<Bench> {
    let effort = Effort::new(is_quick);
    let mut bench = Bench {
        schema: SCHEMA,
        slatesim: env!("CARGO_PKG_VERSION"),
        partial: false,
        is_debug_build: cfg!(debug_assertions),
        processor: processor::name(),
        threads: rayon::current_num_threads(),
        backends: backends.iter().map(|opened| opened.row.clone()).collect(),
        results: Vec::new(),
        step_api: Vec::new(),
        scaling: Vec::new(),
        kernels: Vec::new(),
        ablations: Vec::new(),
        roofline: None,
        peer: None,
    };
    if let Some(peer) = peer {
        progress.begin("peer", Peer::count());
        bench.peer = Some(peer.run(progress)?);
    }
    progress.begin("whole episodes", cases.len());
    let seconds = effort.seconds(cases.len() * backends.len());
    for case in cases {
        match rollouts::measure_case(case, &backends, seconds, effort, progress)? {
            Some(rows) => bench.results.extend(rows),
            None => break,
        }
    }
    let results = &bench.results;
    let median = |case: &Case, opened: &Opened| {
        let row = results.iter().find(|row| row.is_of(case, opened))?;
        Some(row.user_steps_per_second.median)
    };
    progress.begin("step by step", step_api::count(cases, effort));
    bench.step_api = step_api::measure_all(cases, &backends, effort, progress, median)?;
    let main = cases.iter().find(|case| case.is_main());
    if let Some(main) = main {
        progress.begin("scaling", scaling::count(&backends));
        bench.scaling = scaling::measure_all(main, results, &backends, effort, progress)?;
        progress.begin("kernels", kernels::count(&backends));
        bench.kernels = kernels::measure_all(main, &backends, effort, progress)?;
        progress.begin("variants", ablations::count(&backends));
        bench.ablations = ablations::measure_all(main, &backends, effort, progress)?;
    }
    bench.roofline = Roofline::of(&backends, &bench.results);
    if let (Some(main), Some(peer)) = (main, &mut bench.peer) {
        PeerReport::compare(peer, &backends, |opened| median(main, opened));
    }
    bench.partial = is_interrupted();
    Ok(bench)
}
