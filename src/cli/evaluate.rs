//! `slatesim evaluate`: the main job.

use super::backends::{self, Choice, Tuning};
use super::interrupt;
use super::output::{print, print_json, say, warn};
use super::progress::Progress;
use super::table;
use crate::config::{Config, ConfigError, ConfigFile, Layers, Override};
use crate::evaluation::{self, Report, Shard};
use crate::registry::Registry;
use std::path::PathBuf;
use std::process::ExitCode;

/// Most worker threads that can be asked for.
const MAX_THREADS: i64 = 1024;

/// Exit code where `--strict` finds something.
const FAILED: u8 = 1;

/// Estimate a policy's return, length and click rate over many episodes.
///
/// What is not given has its default (see `slatesim list`). Values are laid over each other in this order, the
/// last wins: defaults, CONFIG.toml, --set in the order given, then the flags that stand for one key (--environment,
/// --policy, --episodes, --seed, --max-steps).
///
/// Ctrl-C ends the run early: the episodes done so far are reported, marked partial. A second Ctrl-C stops at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configuration file
    #[arg(value_name = "CONFIG.toml")]
    config: Option<PathBuf>,
    /// Environment, instead of `environment.name`
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Policy, instead of `policy.name`
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Episodes to simulate
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    episodes: Option<String>,
    /// Key of all random numbers
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    seed: Option<String>,
    /// Steps after which an episode is truncated
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    max_steps: Option<String>,
    /// Set any key of the configuration file, such as environment.user.sensitivity=0.058
    #[arg(long, value_name = "dotted.key=value")]
    set: Vec<String>,
    /// What computes
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    backend: Choice,
    /// Worker threads; as many as there are cores if not given
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=MAX_THREADS))]
    threads: Option<u32>,
    /// Episodes that run together, rounded up to a multiple of 256; as suits the device if not given
    ///
    /// Has no influence on the result. On the host it is also how many episodes run before Ctrl-C is heard.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: Option<u32>,
    /// Run one part of N, I counting from 0; `slatesim merge` combines the parts' JSON
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    shard: Option<Shard>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Exit with 1 if scores had to be clamped before users could choose by them
    #[arg(long)]
    strict: bool,
    /// Show no progress and do not say what computes; warnings and errors remain
    #[arg(long)]
    quiet: bool,
}

impl Args {
    /// Lays what was given over each other.
    fn layers(&self) -> Result<Layers, ConfigError> {
        let mut layers = Layers::new();
        if let Some(path) = &self.config {
            layers = layers.with_file(ConfigFile::read(path)?);
        }
        for text in &self.set {
            layers = layers.set(text)?;
        }
        let flags = [
            ("--environment", "environment.name", &self.environment),
            ("--policy", "policy.name", &self.policy),
            ("--episodes", "episodes", &self.episodes),
            ("--seed", "seed", &self.seed),
            ("--max-steps", "max_steps", &self.max_steps),
        ];
        for (flag, key, value) in flags {
            if let Some(value) = value {
                layers = layers.with_override(Override::flag(flag, key, value));
            }
        }
        Ok(layers)
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(&args.layers()?, &registry.catalogue())?;
    let simulation = registry.simulation(&config)?;
    let tuning = Tuning {
        threads: args.threads,
        batch_size: args.batch_size,
    };
    let backend = backends::open(args.backend, tuning, args.quiet)?;
    let episodes = args
        .shard
        .map_or(0..config.episodes, |shard| shard.episodes(config.episodes));

    interrupt::listen()?;
    tracing::info!(
        first = episodes.start,
        end = episodes.end,
        backend = ?backend.info(),
        "running"
    );
    let progress = Progress::new(episodes.end - episodes.start, args.quiet);
    let campaign = evaluation::evaluate(&simulation, backend.as_ref(), episodes, &progress);
    progress.finish();
    let campaign = campaign.map_err(|error| backends::blame_batch_size(error, args.batch_size))?;

    let report = Report::new(&config, args.shard, &campaign);
    warn_of_non_finite(&report);
    let is_refused = warn_of_invalid_choices(&report, args.strict);
    if args.json {
        print_json(&report)?;
    } else {
        print(&table::report(&report, &registry.catalogue()))?;
    }
    if report.partial {
        let asked = campaign.asked.end - campaign.asked.start;
        say(&format!(
            "interrupted after {} of {asked} episodes: the result is partial",
            report.episodes
        ));
        return Ok(ExitCode::from(interrupt::INTERRUPTED));
    }
    Ok(ExitCode::from(if is_refused { FAILED } else { 0 }))
}

/// Warns of choices whose scores were clamped; tells whether that is an error.
pub(crate) fn warn_of_invalid_choices(report: &Report, is_strict: bool) -> bool {
    let count = report.summary.invalid_choices;
    if count == 0 {
        return false;
    }
    let text = format!(
        "in {count} of {} choices a score of the slate could be no probability and was clamped",
        report.summary.user_steps
    );
    if is_strict {
        say(&format!("{text}, which --strict forbids"));
    } else {
        warn(&text);
    }
    is_strict
}

/// Warns of returns that are left out of the figures.
pub(crate) fn warn_of_non_finite(report: &Report) {
    let count = report.summary.non_finite_returns;
    if count > 0 {
        warn(&format!(
            "{count} of {} returns are infinite or not a number, and left out of the figures: \
             rewards exceed the range of the numbers",
            report.episodes
        ));
    }
}
