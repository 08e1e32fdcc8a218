//! `slatesim merge`: the results of shards, combined.

use super::failure::Usage;
use super::output::{print, print_json, warn};
use super::table;
use super::warnings::{warn_of_invalid_choices, warn_of_non_finite};
use crate::evaluation::{self, Report};
use crate::registry::Registry;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Combine the results of shards into one, bit for bit what the whole run gives.
///
/// Takes what `slatesim evaluate --json` printed, in any order; merged results can be merged again. If episodes of the
/// run are missing, the result is marked partial.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Results of `slatesim evaluate --json`
    #[arg(value_name = "SHARD.json", required = true)]
    shards: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Leave the curves by step out of the JSON, which they are most of
    #[arg(long)]
    no_curves: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    let mut reports = args
        .shards
        .iter()
        .map(|path| Ok((path.display().to_string(), read(path)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if args.no_curves {
        for (_, report) in &mut reports {
            report.drop_curves();
        }
    }
    let merged = evaluation::merge(&reports)?;
    for warning in &merged.warnings {
        warn(warning);
    }
    let report = merged.report;
    warn_of_non_finite(&report.summary, "");
    warn_of_invalid_choices(&report.summary, "", false);
    if report.partial {
        warn(&format!(
            "the result is partial: {} of {} episodes are in it",
            report.episodes, report.state.requested_episodes
        ));
    }
    if args.json {
        print_json(&report)?;
    } else {
        print(&table::report(&report, &registry.catalogue()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let text = std::fs::read_to_string(path)
        .with_context(|| Usage(format!("cannot read {}", path.display())))?;
    Ok(Report::from_json(&path.display().to_string(), &text)?)
}
