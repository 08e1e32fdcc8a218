//! `slatesim bench`: throughput of every backend, environment and policy.

mod step_api;

use super::figures::rate;
use super::output::{print, print_json, say};
use super::table::{columns, facts};
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::gpu::{AdapterSelection, GpuBackend};
use crate::backend::{BLOCK_EPISODES, Backend, Simulation, Unobserved};
use crate::config::{Catalogue, Config, ConfigError, ConfigFile, Layers, Override};
use crate::evaluation::evaluate;
use crate::registry::Registry;
use serde::Serialize;
use std::io::IsTerminal;
use std::process::ExitCode;
use step_api::StepRow;

/// Timed runs of each case; the median is told.
const RUNS: usize = 3;
/// Seconds that a timed run should last, and what all cases together may take.
const TARGET_SECONDS: f64 = 0.3;
const BUDGET_SECONDS: f64 = 45.0;
/// The same with `--quick`.
const QUICK_TARGET_SECONDS: f64 = 0.02;
const QUICK_BUDGET_SECONDS: f64 = 3.0;
/// A case costs as much as so many timed runs: warm-up, sizing, and the runs themselves.
const RUNS_OF_A_CASE: f64 = 6.0;
/// Steps of an episode where it does not end by itself.
const MAX_STEPS: u32 = 100;
/// The sizing takes steps of this factor at most, so that one noisy measurement does no harm.
const LARGEST_GROWTH: f64 = 16.0;
/// The policy with which choice models and samplers are compared.
const VARIANTS_POLICY: &str = "random";
const DEFAULT: &str = "default";
const BASELINE_NAME: &str = "random_baseline";
const BASELINE: &str = include_str!("../../../examples/random_baseline.toml");

/// Measure the throughput of every backend, environment and policy.
///
/// Every case is timed three times after a warm-up; its figures are user-steps by second, without what a run takes to
/// start (compiling shaders, above all), which is told apart. Settings are the defaults, with every choice model and
/// document sampler, and the published random baseline (20 candidates, slates of 2 with replacement, 120 steps). The
/// baseline is also stepped from outside, with observations read back, for several numbers of environments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Take a few seconds only; the figures are rough
    #[arg(long)]
    quick: bool,
}

#[derive(Serialize)]
struct Bench {
    schema: u32,
    slatesim: &'static str,
    threads: usize,
    backends: Vec<BackendRow>,
    results: Vec<ResultRow>,
    step_api: Vec<StepRow>,
}

#[derive(Serialize)]
struct BackendRow {
    name: String,
    device: String,
    driver: String,
    /// Whether a GPU backend computes on the CPU, so that its figures say nothing about GPUs.
    is_software: bool,
}

#[derive(Serialize)]
struct ResultRow {
    backend: String,
    environment: String,
    policy: String,
    setting: String,
    episodes: u64,
    user_steps: u64,
    runs: usize,
    start_seconds: f64,
    user_steps_per_second: Spread,
}

#[derive(Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Sums up the rates of some runs.
    fn of(mut rates: Vec<f64>) -> Self {
        rates.sort_unstable_by(f64::total_cmp);
        Self {
            median: rates[rates.len() / 2],
            min: rates[0],
            max: rates[rates.len() - 1],
        }
    }
}

/// One thing to measure.
struct Case {
    environment: String,
    policy: String,
    setting: String,
    simulation: Simulation,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    let (target, budget) = if args.quick {
        (QUICK_TARGET_SECONDS, QUICK_BUDGET_SECONDS)
    } else {
        (TARGET_SECONDS, BUDGET_SECONDS)
    };
    let backends = backends()?;
    let cases = cases(registry)?;
    let measurements = (backends.len() * cases.len()) as f64;
    let target = target.min(budget / (measurements * RUNS_OF_A_CASE));
    let mut results = Vec::new();
    for backend in &backends {
        for case in &cases {
            let row = measure(backend.runs.as_ref(), case, target)?;
            if std::io::stderr().is_terminal() {
                let median = rate(row.user_steps_per_second.median);
                say(&format!(
                    "{} {} {} ({}): {median}",
                    row.backend, row.environment, row.policy, row.setting
                ));
            }
            results.push(row);
        }
    }
    let rollout = |backend: &str| {
        let mut rows = results.iter();
        let row = rows.find(|row| row.backend == backend && row.setting == BASELINE_NAME)?;
        Some(row.user_steps_per_second.median)
    };
    let step_api = step_api::measure_all(registry, &backends, target, args.quick, rollout)?;
    let bench = Bench {
        schema: 1,
        slatesim: env!("CARGO_PKG_VERSION"),
        threads: rayon::current_num_threads(),
        backends: backends.into_iter().map(|backend| backend.row).collect(),
        results,
        step_api,
    };
    if args.json {
        print_json(&bench)?;
    } else {
        print(&text(&bench))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An open backend and how it is told.
struct Opened {
    runs: Box<dyn Backend>,
    row: BackendRow,
}

impl Opened {
    fn new(runs: impl Backend + 'static, is_software: bool) -> Self {
        let info = runs.info();
        Self {
            runs: Box::new(runs),
            row: BackendRow {
                name: info.name,
                device: info.device,
                driver: info.driver,
                is_software,
            },
        }
    }
}

/// Opens every backend there is.
fn backends() -> anyhow::Result<Vec<Opened>> {
    let mut backends = vec![
        Opened::new(CpuBackend::new(Arithmetic::Double, None)?, false),
        Opened::new(CpuBackend::new(Arithmetic::Single, None)?, false),
    ];
    match GpuBackend::open(AdapterSelection::Any) {
        Ok(gpu) => {
            let is_software = gpu.adapter().is_software();
            backends.push(Opened::new(gpu, is_software));
        }
        Err(error) => say(&format!("the backend gpu is left out: {error}")),
    }
    Ok(backends)
}

/// Lists what is measured: every choice model and document sampler of every environment with random slates, every policy
/// in every environment that can feed it, and the published baseline.
fn cases(registry: &Registry) -> anyhow::Result<Vec<Case>> {
    let catalogue = registry.catalogue();
    let mut cases = Vec::new();
    let case = |config: &Config, setting: String| -> Result<Case, ConfigError> {
        Ok(Case {
            environment: config.environment.name.clone(),
            policy: config.policy.name.clone(),
            setting,
            simulation: registry.simulation(config)?,
        })
    };
    let set = |key: &str, value: &str| Override::flag("bench", key, value);
    for environment in &catalogue.environments {
        let mut base = Layers::new().with_override(set("environment.name", environment.name));
        if environment.never_terminates {
            base = base.with_override(Override::flag("bench", "max_steps", MAX_STEPS));
        }
        for variant in environment.variants() {
            let mut layers = base
                .clone()
                .with_override(set("policy.name", VARIANTS_POLICY));
            for (key, word) in &variant {
                layers = layers.with_override(set(&format!("environment.{key}"), word));
            }
            let words: Vec<&str> = variant.iter().map(|(_, word)| *word).collect();
            let config = Config::resolve(&layers, &catalogue)?;
            let setting = if words.is_empty() {
                DEFAULT.to_owned()
            } else {
                words.join(", ")
            };
            cases.push(case(&config, setting)?);
        }
        let others = catalogue
            .policies
            .iter()
            .filter(|policy| policy.name != VARIANTS_POLICY);
        for policy in others {
            let layers = base.clone().with_override(set("policy.name", policy.name));
            // A policy with keys that must be given, or that needs what the environment lacks, is not for the bench.
            let Ok(config) = Config::resolve(&layers, &catalogue) else {
                continue;
            };
            cases.extend(case(&config, DEFAULT.to_owned()));
        }
    }
    cases.push(case(&baseline(&catalogue)?, BASELINE_NAME.to_owned())?);
    Ok(cases)
}

/// Reads the configuration of the published random baseline.
fn baseline(catalogue: &Catalogue) -> Result<Config, ConfigError> {
    let file = ConfigFile::from_text(format!("{BASELINE_NAME}.toml"), BASELINE);
    Config::resolve(&Layers::new().with_file(file), catalogue)
}

/// Times a case: how long it takes to start, then runs that last `target` seconds longer.
fn measure(backend: &dyn Backend, case: &Case, target: f64) -> anyhow::Result<ResultRow> {
    let time = |episodes: u64| -> anyhow::Result<(f64, f64)> {
        let campaign = evaluate(&case.simulation, backend, 0..episodes, &Unobserved)?;
        Ok((campaign.seconds, campaign.statistics.user_steps() as f64))
    };
    // The first run warms up; the second tells what a run costs besides its steps.
    time(BLOCK_EPISODES)?;
    let (start_seconds, start_steps) = time(BLOCK_EPISODES)?;
    let mut episodes = 16 * BLOCK_EPISODES;
    loop {
        let working = (time(episodes)?.0 - start_seconds).max(1e-6);
        let growth = (target / working).min(LARGEST_GROWTH);
        episodes = grown(episodes, growth.max(1.0));
        if growth < LARGEST_GROWTH {
            break;
        }
    }
    let mut rates = Vec::with_capacity(RUNS);
    let mut user_steps = 0.0;
    for _ in 0..RUNS {
        let (seconds, steps) = time(episodes)?;
        user_steps = steps;
        rates.push((steps - start_steps) / (seconds - start_seconds).max(1e-6));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of steps"
    )]
    Ok(ResultRow {
        backend: backend.info().name,
        environment: case.environment.clone(),
        policy: case.policy.clone(),
        setting: case.setting.clone(),
        episodes,
        user_steps: user_steps as u64,
        runs: RUNS,
        start_seconds,
        user_steps_per_second: Spread::of(rates),
    })
}

/// Enlarges a number of episodes to whole blocks.
fn grown(episodes: u64, factor: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and the conversion saturates"
    )]
    let enlarged = (episodes as f64 * factor) as u64;
    enlarged
        .div_ceil(BLOCK_EPISODES)
        .saturating_mul(BLOCK_EPISODES)
}

fn text(bench: &Bench) -> String {
    let mut head = vec![
        ["slatesim".to_owned(), bench.slatesim.to_owned()],
        ["threads".to_owned(), bench.threads.to_string()],
    ];
    for backend in &bench.backends {
        let software = if backend.is_software {
            "; software: says nothing about GPUs"
        } else {
            ""
        };
        head.push([
            backend.name.clone(),
            format!("{} ({}){software}", backend.device, backend.driver),
        ]);
    }
    let title = [
        "backend",
        "environment",
        "policy",
        "setting",
        "episodes",
        "start",
        "median",
        "min",
        "max",
    ];
    let mut rows = vec![title.map(str::to_owned).to_vec()];
    for result in &bench.results {
        let speed = &result.user_steps_per_second;
        rows.push(vec![
            result.backend.clone(),
            result.environment.clone(),
            result.policy.clone(),
            result.setting.clone(),
            result.episodes.to_string(),
            format!("{:.3} s", result.start_seconds),
            rate(speed.median),
            rate(speed.min),
            rate(speed.max),
        ]);
    }
    let mut steps = vec![StepRow::TITLE.map(str::to_owned).to_vec()];
    steps.extend(bench.step_api.iter().map(StepRow::cells));
    format!(
        "{}\n{}\nstep by step, slates from outside, observations read back\n\n{}",
        facts(&head),
        columns(&rows, 4),
        columns(&steps, 2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_is_measured_with_a_policy_that_needs_no_setting() {
        let registry = Registry::built_in();
        let cases = cases(&registry).unwrap();
        for environment in registry.catalogue().environments {
            assert!(
                cases
                    .iter()
                    .any(|case| case.environment == environment.name && case.policy == "random"),
                "{}",
                environment.name
            );
        }
        assert_eq!(cases.last().unwrap().setting, BASELINE_NAME);
    }

    #[test]
    fn sizes_grow_by_whole_blocks() {
        assert_eq!(grown(256, 1.0), 256);
        assert_eq!(grown(256, 1.01), 512);
        assert_eq!(grown(512, 16.0), 8192);
    }
}
