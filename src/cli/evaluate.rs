//! `slatesim evaluate`: estimates figures of one policy.

use super::backends;
use super::exit_code::{DONE, FAILED};
use super::interrupt;
use super::output::{print, print_json, say, say_notes};
use super::progress::{Progress, Total};
use super::run_args::{BackendArgs, ConfigArgs, OutputArgs, RangeArgs, TargetArgs};
use super::text;
use super::usage::Usage;
use super::warnings::tell;
use crate::config::Config;
use crate::evaluation::{self, Report, Shard, Stopping};
use crate::registry::Registry;

/// Estimate a policy's return, length and click rate over many episodes.
///
/// What is not given has its default (see `slatesim list`). Values are laid over each other in this order, the
/// last wins: defaults, CONFIG.toml, --set in the order given, then the flags that stand for one key (--environment,
/// --policy, --episodes, --seed, --max-steps).
///
/// Ctrl-C ends the run early: the episodes done so far are reported, marked partial. A second Ctrl-C stops at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Policy, instead of `policy.name`
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Run one part of N, I counting from 0; `slatesim merge` combines the parts' JSON
    #[arg(
        long,
        value_name = "I/N",
        allow_hyphen_values = true,
        conflicts_with = "target"
    )]
    shard: Option<Shard>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let OutputArgs {
        no_curves,
        json,
        strict,
        quiet,
    } = args.output;
    let sources = args.config.sources(args.policy.as_ref())?;
    let config = Config::resolve(&sources, &registry.declarations())?;
    say_notes([&config]);
    let target = args.target.target(&sources, quiet)?;
    let simulation = registry.simulation(&config)?;
    let open = args.backend.open(quiet)?;
    let backend = open.backend();
    let whole = args.range.episodes(config.episodes);
    let episodes = match (target, args.shard) {
        (Some(_), _) if whole.start > 0 => {
            let problem = "`--first-episode` goes with a number of episodes; allowed is one of it and a target";
            return Err(Usage(problem.to_owned()).into());
        }
        (Some(target), _) => 0..target.max_episodes(),
        (None, Some(shard)) => {
            let part = shard.episodes(config.episodes);
            whole.start + part.start..whole.start + part.end
        }
        (None, None) => whole,
    };

    interrupt::listen()?;
    tracing::info!(
        first = episodes.start,
        end = episodes.end,
        backend = ?backend.info(),
        "running"
    );
    let total = match target {
        None => Total::Exactly(episodes.end - episodes.start),
        Some(target) => Total::AtMost(target.max_episodes()),
    };
    let progress = Progress::new(total, quiet);
    let outcome = match &target {
        None => evaluation::evaluate(&simulation, backend, episodes, &progress)
            .map(|campaign| (campaign, None)),
        Some(target) => evaluation::evaluate_until(&simulation, backend, target, &progress)
            .map(|(campaign, stopping)| (campaign, Some(stopping))),
    };
    progress.finish();
    let (mut campaign, stopping) =
        outcome.map_err(|error| backends::blame_batch_size(error, args.backend.batch_size))?;

    if no_curves {
        campaign.statistics.drop_curves();
    }
    let report = match stopping {
        None => Report::new(&config, args.shard, &campaign),
        Some(stopping) => Report::of_stopped(&config, &campaign, stopping),
    };
    let is_refused = tell(&report.warnings, strict);
    if json {
        print_json(&report)?;
    } else {
        print(&text::report::report(&report, &registry.declarations()))?;
    }
    if report.partial {
        let asked = campaign.asked.end - campaign.asked.start;
        if target.is_none() {
            say(&format!(
                "the rest is `--first-episode {} --episodes {}`, for `slatesim merge` to join",
                campaign.done.end,
                campaign.asked.end - campaign.done.end
            ));
        }
        return Ok(interrupt::told(report.episodes, asked));
    }
    let is_failed = is_refused || missed(report.stopping.as_ref());
    Ok(if is_failed { FAILED } else { DONE })
}

/// Tells whether a target was missed, and prints that.
pub(crate) fn missed(stopping: Option<&Stopping>) -> bool {
    let Some(stopping) = stopping.filter(|stopping| !stopping.is_reached) else {
        return false;
    };
    let reason = stopping
        .reason
        .as_deref()
        .unwrap_or("the work was interrupted");
    say(&format!(
        "the target precision was not reached within --max-episodes: {reason}"
    ));
    true
}
