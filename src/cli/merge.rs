//! `slatesim merge`: the results of shards, combined.

use super::exit_code::{DONE, FAILED};
use super::output::{print, print_json, warn};
use super::text;
use super::usage::Usage;
use super::warnings::tell;
use crate::evaluation::{self, Pooling, Report};
use crate::registry::Registry;
use crate::text_file::{STDIN, read_text};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Combine the results of shards into one, bit for bit what the whole run gives.
///
/// Takes what `slatesim evaluate --json` printed, in any order: shards of one run, runs with other --episodes or
/// --first-episode, and merged results again, as long as no two hold the same episode. What was asked for is then what was asked
/// for in all of them; if episodes of that are missing, the result is marked partial, and the exit code 1.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Results of `slatesim evaluate --json`; - is the standard input
    #[arg(value_name = "SHARD.json", required = true)]
    shards: Vec<PathBuf>,
    /// Put runs with different seeds together; the result lists the seeds, and says what its ± includes
    #[arg(long)]
    pool_seeds: bool,
    /// Exit with 0 although episodes are missing
    #[arg(long)]
    partial: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Leave the curves by step out of the JSON, which they are most of
    #[arg(long)]
    no_curves: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let stdins = args.shards.iter().filter(|path| **path == Path::new(STDIN));
    if stdins.count() > 1 {
        return Err(
            Usage("`-` is given twice; the standard input can be read once".to_owned()).into(),
        );
    }
    let mut reports = args
        .shards
        .iter()
        .map(|path| Ok((name(path), read(path)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if args.no_curves {
        for (_, report) in &mut reports {
            report.drop_curves();
        }
    }
    let pooling = match args.pool_seeds {
        true => Pooling::Seeds,
        false => Pooling::OneSeed,
    };
    let report = evaluation::merge_runs(&reports, pooling)?.report;
    tell(&report.warnings, false);
    if report.partial {
        let remedy = match args.partial {
            true => "",
            false => "; `--partial` takes it as it is",
        };
        warn(&format!(
            "the result is partial: {} of {} episodes are in it, and lacking are {}{remedy}",
            report.episodes,
            report.state.requested_episodes,
            report.state.told_lacking()
        ));
    }
    if args.json {
        print_json(&report)?;
    } else {
        print(&text::report::report(&report, &registry.declarations()))?;
    }
    let is_failed = report.partial && !args.partial;
    Ok(if is_failed { FAILED } else { DONE })
}

/// Names an input in errors and warnings.
fn name(path: &Path) -> String {
    if path == Path::new(STDIN) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let name = name(path);
    let text = read_text(path).with_context(|| Usage(format!("cannot read {name}")))?;
    Ok(Report::from_json(&name, &text)?)
}
