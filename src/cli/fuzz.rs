//! `slatesim validate --fuzz`: runs random configurations on the backend and on the reference, and compares the episodes.

use super::exit_code::{DONE, FAILED};
use super::interrupt::{self, is_interrupted};
use super::output::{print, print_json, say};
use super::text::layout::facts;
use super::usage::Usage;
use crate::backend::BackendInfo;
use crate::registry::Registry;
use crate::validation::{Fuzz, FuzzReport, Rung, Subject, fuzz};
use anyhow::Context;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::{ControlFlow, Not};
use std::time::{Duration, Instant};

/// Time between two lines on stderr.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// The most reasons of refused configurations that the text lists.
const MOST_REASONS: usize = 5;

// The flags that say what is drawn.
#[derive(Debug, clap::Args)]
pub(super) struct FuzzArgs {
    /// Draw N random configurations instead, and compare each episode with the reference's
    ///
    /// Every environment, choice model, policy, layer and source of documents is drawn, with any keys at any values that are
    /// allowed. A case whose episodes differ by more than rounding explains is printed as a configuration file.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) fuzz: Option<u64>,
    /// With --fuzz: seed of the configurations
    #[arg(long, value_name = "S", requires = "fuzz", default_value_t = 0)]
    seed: u64,
    /// With --fuzz: number of the first case
    #[arg(long, value_name = "I", requires = "fuzz", default_value_t = 0)]
    first_case: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    slatesim: &'static str,
    backend: BackendInfo,
    passed: bool,
    /// Whether cases are missing because the search was interrupted; left out if not.
    #[serde(skip_serializing_if = "Not::not")]
    partial: bool,
    rungs: Vec<Rung>,
    fuzz: &'a FuzzReport,
    seconds: f64,
}

/// Runs the search.
pub(super) fn run(
    args: &FuzzArgs,
    count: u64,
    subject: Subject<'_>,
    backend: BackendInfo,
    registry: &Registry,
    is_json: bool,
) -> anyhow::Result<u8> {
    let Some(end) = args.first_case.checked_add(count) else {
        let text = format!(
            "`--first-case` = {} is not allowed; allowed is a number so that {count} cases follow",
            args.first_case
        );
        return Err(Usage(text).into());
    };
    interrupt::listen()?;
    let asked = Fuzz {
        seed: args.seed,
        cases: args.first_case..end,
    };
    let clock = Instant::now();
    let mut told = clock;
    let mut show = |case: u64, report: &FuzzReport| {
        if let Some(failure) = report
            .failures
            .last()
            .filter(|failure| failure.case == case)
        {
            let first = failure.what.lines().next().unwrap_or("");
            say(&format!("case {case} FAILED: {first}"));
        }
        if told.elapsed() >= LINE_INTERVAL {
            told = Instant::now();
            let (done, failed) = (report.cases, report.failures.len());
            say(&format!("{done} of {count} cases, {failed} failed"));
        }
        match is_interrupted() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let found = fuzz(subject, registry, &asked, &mut show).context("cannot validate")?;
    let is_partial = found.cases < count;
    let ran = found.cases - found.not_run.values().sum::<u64>();
    let passed = !is_partial && found.failures.is_empty() && ran > 0;
    if is_json {
        print_json(&Report {
            schema: 1,
            slatesim: env!("CARGO_PKG_VERSION"),
            backend,
            passed,
            partial: is_partial,
            rungs: rungs(&found, ran),
            fuzz: &found,
            seconds: clock.elapsed().as_secs_f64(),
        })?;
    } else {
        print(&text(&found, &backend, clock.elapsed().as_secs_f64()))?;
    }
    if is_partial && found.failures.is_empty() {
        return Ok(interrupt::told_after(&format!("{} cases", found.cases)));
    }
    Ok(if passed { DONE } else { FAILED })
}

/// Makes rungs of a validation from the failures and the totals.
fn rungs(found: &FuzzReport, ran: u64) -> Vec<Rung> {
    let failed = found.failures.iter().map(|failure| Rung {
        name: "lives",
        case: format!("seed {}, case {}", found.seed, failure.case),
        passed: false,
        measured: failure.what.clone(),
    });
    let all = Rung {
        name: "lives",
        case: format!("{ran} random configurations"),
        passed: found.failures.is_empty() && ran > 0,
        measured: measured(found),
    };
    failed.chain([all]).collect()
}

fn measured(found: &FuzzReport) -> String {
    let edges = &found.edges;
    format!(
        "{} episodes, {} user-steps, {} of the episodes differ by rounding: {} choices, {} slates, {} rewards, {} ends, {} ties, \
         {} after a drift; {} cases unexplained, 0 allowed",
        found.episodes,
        found.user_steps,
        edges.total(),
        edges.choices,
        edges.slates,
        edges.rewards,
        edges.ends,
        edges.ties,
        edges.drifts,
        found.failures.len()
    )
}

fn text(found: &FuzzReport, backend: &BackendInfo, seconds: f64) -> String {
    let counts = |counts: &BTreeMap<String, u64>| {
        let listed = counts.iter().map(|(name, count)| format!("{name} {count}"));
        listed.collect::<Vec<_>>().join(", ")
    };
    let facts = facts(&[
        [
            "backend".to_owned(),
            format!("{}: {} ({})", backend.name, backend.device, backend.driver),
        ],
        ["environments".to_owned(), counts(&found.environments)],
        ["choice models".to_owned(), counts(&found.choice_models)],
        ["documents".to_owned(), counts(&found.documents)],
        ["policies".to_owned(), counts(&found.policies)],
        ["layers".to_owned(), counts(&found.layers)],
        [
            "keys".to_owned(),
            format!("{} different ones were set", found.keys.len()),
        ],
        [
            "not run".to_owned(),
            match found.not_run.is_empty() {
                true => "none".to_owned(),
                false => counts(&found.not_run),
            },
        ],
        [
            "sensitive to rounding".to_owned(),
            match found.sensitive.is_empty() {
                true => "none".to_owned(),
                false => counts(&found.sensitive),
            },
        ],
        ["refused, drawn again".to_owned(), refused(found)],
        ["lives".to_owned(), measured(found)],
    ]);
    let mut text = format!("{facts}\n");
    for failure in &found.failures {
        let _ = write!(
            text,
            "FAILED: seed {}, case {}: {}\n  again: {}\n  as a file, to be run with --backend {} and --backend reference:\n\n{}\n",
            found.seed,
            failure.case,
            failure.what,
            failure.command,
            backend.name,
            failure.configuration
        );
    }
    let verdict = match found.failures.len() {
        0 => format!("{} cases passed", found.cases),
        failed => format!("{failed} of {} cases FAILED", found.cases),
    };
    format!("{text}{verdict} in {seconds:.1} s\n")
}

/// Writes the most frequent reasons of refusals.
fn refused(found: &FuzzReport) -> String {
    let mut reasons: Vec<(&String, &u64)> = found.refused.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let total: u64 = found.refused.values().sum();
    let shown = reasons.iter().take(MOST_REASONS);
    let shown = shown.map(|(reason, count)| format!("{reason} {count}"));
    format!("{total} times: {}", shown.collect::<Vec<_>>().join(", "))
}
