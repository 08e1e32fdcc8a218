//! `slatesim bench`: throughput of every backend, environment and policy.

mod peer;
mod progress;
mod text;

use super::backend_choice::among;
use super::backends;
use super::interrupt::{self, Interruptible};
use super::output::{print, print_json, say};
use super::run_args::AdapterArgs;
use super::usage::Usage;
use crate::backend::{BackendChoice, OpenBackend};
use crate::bench::{Bench, Case, Effort, MeasuredBackend, cases};
use crate::cli::exit_code::DONE;
use crate::registry::Registry;
use peer::{Peer, PeerReport};
use progress::Progress;
use serde::Serialize;
use std::path::PathBuf;

/// The backends that can be measured, in the order of the figures.
const MEASURED: [BackendChoice; 3] = [
    BackendChoice::Reference,
    BackendChoice::Cpu,
    BackendChoice::Gpu,
];

/// Measure the throughput of every backend, environment and policy.
///
/// Figures are user-steps per second: the median of five runs in turns, with their spread. What a run takes to start
/// (compiling shaders, above all) is left out and told apart. Settings are the defaults, with every choice model and
/// document sampler, and the main job: the published random baseline (20 candidates, slates of 2 with replacement, 120
/// steps).
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
    #[arg(long, value_parser = among(&MEASURED))]
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

/// All measurements.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    bench: Bench,
    /// With `--peer` only.
    peer: Option<PeerReport>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let cases = chosen_cases(args, registry)?;
    let backends = backends::open_for_bench(&args.backend, args.adapter.adapter)?;
    interrupt::listen()?;
    let peer = peer(args, &cases)?;
    if cfg!(debug_assertions) {
        say("this is a debug build: its figures say little");
    }
    tracing::info!(cases = cases.len(), backends = backends.len(), "running");
    let progress = Progress::new();
    let effort = Effort::new(args.quick);
    let report = measure(&cases, &backends, peer.as_ref(), effort, &progress);
    progress.finish();
    let report = report?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&text::text(&report))?;
    }
    if report.bench.partial {
        return Ok(interrupt::told_after(&progress.place()));
    }
    Ok(DONE)
}

/// Lists the cases that `--environment` and `--policy` select.
fn chosen_cases(args: &Args, registry: &Registry) -> anyhow::Result<Vec<Case>> {
    let declarations = registry.declarations();
    let known: Vec<&str> = registry.environment_names().collect();
    Usage::unless_known("--environment", &args.environment, &known)?;
    let known = declarations.policies.iter().map(|entry| entry.name);
    Usage::unless_known("--policy", &args.policy, &known.collect::<Vec<_>>())?;
    let has =
        |given: &[String], name: &str| given.is_empty() || given.iter().any(|other| other == name);
    let cases = cases(registry, |environment, policy| {
        has(&args.environment, environment) && has(&args.policy, policy)
    })?;
    if !cases.is_empty() {
        return Ok(cases);
    }
    let names = |given: &[String]| match given {
        [] => "any".to_owned(),
        _ => given.join(", "),
    };
    Err(Usage(format!(
        "nothing to measure: `--policy` = {} is not measured in `--environment` = {}; policies are measured in the \
         environments that have what they need, and those with keys that must be given in one of them",
        names(&args.policy),
        names(&args.environment),
    ))
    .into())
}

/// Checks the arguments of `--peer`.
fn peer<'a>(args: &'a Args, cases: &[Case]) -> Result<Option<Peer<'a>>, Usage> {
    let Some(script) = &args.peer else {
        return Ok(None);
    };
    if !cases.iter().any(|case| case.name.is_main()) {
        return Err(Usage(
            "`--peer` is compared on the main job, which `--environment` or `--policy` leaves out; allowed with it are \
             long_term_satisfaction and random among the names"
                .to_owned(),
        ));
    }
    Peer::new(script, &args.python, args.quick).map(Some)
}

/// Measures everything; the peer comes first, so that a mistake in its script costs no time.
fn measure(
    cases: &[Case],
    backends: &[OpenBackend],
    peer: Option<&Peer<'_>>,
    effort: Effort,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let mut peer_report = None;
    if let Some(peer) = peer {
        progress.begin("peer", Peer::count());
        peer_report = Some(peer.run(progress)?);
    }
    progress.begin("whole episodes", cases.len());
    let measured = backends.iter().map(|opened| MeasuredBackend {
        backend: opened.backend(),
        is_software: opened.software_adapter().is_some(),
    });
    let measured: Vec<_> = measured.collect();
    let mut on_case = |case: &Case| progress.done(&case.name.to_string());
    let bench = Bench::run(cases, &measured, effort, &Interruptible, &mut on_case)?;
    let main = bench.results.iter().filter(|row| row.case.is_main());
    if let Some(peer) = &mut peer_report {
        peer.compare(main);
    }
    Ok(Report {
        bench,
        peer: peer_report,
    })
}
