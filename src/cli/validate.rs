//! `slatesim validate`: a backend against the reference.

use super::backend_choice::among;
use super::backends;
use super::exit_code::{DONE, FAILED};
use super::fuzz::{self, FuzzArgs};
use super::interrupt::{self, is_interrupted};
use super::output::{print, print_json, say};
use super::run_args::AdapterArgs;
use super::text::layout::{columns, facts};
use super::usage::Usage;
use crate::backend::BackendChoice;
use crate::backend::BackendInfo;
use crate::registry::Registry;
use crate::validation::{Case, Effort, Rung, Subject, cases, validate};
use anyhow::Context;
use serde::Serialize;
use std::io::IsTerminal;
use std::ops::{ControlFlow, Not};
use std::slice;
use std::time::Instant;

/// Check a backend against the reference, on every environment and choice model.
///
/// Exits with 1 if a check fails. Ctrl-C ends it after the check under way: what has been checked is printed, marked partial, with exit
/// code 130 if nothing has failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What is checked; if not given, the GPU where there is an adapter, software ones included, else cpu
    #[arg(long, value_parser = among(&[BackendChoice::Gpu, BackendChoice::Cpu]))]
    backend: Option<BackendChoice>,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Check the cases of one environment only
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    fuzz: FuzzArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Take some seconds only: fewer episodes, so that only coarse faults are found
    #[arg(long)]
    quick: bool,
}

#[derive(Serialize)]
struct Report {
    schema: u32,
    slatesim: &'static str,
    backend: BackendInfo,
    passed: bool,
    /// Whether checks are missing because the validation was interrupted; left out if not.
    #[serde(skip_serializing_if = "Not::not")]
    partial: bool,
    rungs: Vec<Rung>,
    seconds: f64,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let opened = backends::open_for_validation(args.backend, args.adapter.adapter)?;
    let (subject, info) = (backends::subject(&opened), opened.backend().info());
    if let Some(count) = args.fuzz.fuzz {
        if args.environment.is_some() || args.quick {
            let text = "`--fuzz` draws every environment, with an effort of its own; allowed beside it are --seed, --first-case, \
                        --backend, --adapter and --json";
            return Err(Usage(text.to_owned()).into());
        }
        return fuzz::run(&args.fuzz, count, subject, info, registry, args.json);
    }
    let mut cases = cases(registry).context("cannot validate")?;
    if let Some(name) = &args.environment {
        let known: Vec<&str> = registry.environment_names().collect();
        Usage::unless_known("--environment", slice::from_ref(name), &known)?;
        cases.retain(|case| case.environment() == name);
    }
    interrupt::listen()?;
    let report = climb(subject, info, &cases, args.quick)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&text(&report))?;
    }
    let failed = report.rungs.iter().any(|rung| !rung.passed);
    if report.partial && !failed {
        return Ok(interrupt::told_after(&format!(
            "{} checks",
            report.rungs.len()
        )));
    }
    Ok(if report.passed { DONE } else { FAILED })
}

/// Runs all rungs, and shows the progress on a terminal.
fn climb(
    subject: Subject<'_>,
    backend: BackendInfo,
    cases: &[Case],
    is_quick: bool,
) -> anyhow::Result<Report> {
    let effort = if is_quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    let is_watched = std::io::stderr().is_terminal();
    let clock = Instant::now();
    let mut show = |rung: &Rung| {
        if is_watched {
            say(&format!("{}: {}, {}", verdict(rung), rung.name, rung.case));
        }
        match is_interrupted() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let rungs = validate(subject, effort, cases, &mut show).context("cannot validate")?;
    let partial = is_interrupted();
    Ok(Report {
        schema: 1,
        slatesim: env!("CARGO_PKG_VERSION"),
        backend,
        // A validation without comparisons proves nothing.
        passed: !partial && !rungs.is_empty() && rungs.iter().all(|rung| rung.passed),
        partial,
        rungs,
        seconds: clock.elapsed().as_secs_f64(),
    })
}

fn verdict(rung: &Rung) -> &'static str {
    if rung.passed { "ok" } else { "FAILED" }
}

fn text(report: &Report) -> String {
    let backend = &report.backend;
    let head = [[
        "backend".to_owned(),
        format!("{}: {} ({})", backend.name, backend.device, backend.driver),
    ]];
    // The last column is prose, and is not aligned.
    let cells = |rung: &Rung| {
        [verdict(rung), rung.name, &rung.case]
            .map(str::to_owned)
            .to_vec()
    };
    let aligned = columns(&report.rungs.iter().map(cells).collect::<Vec<_>>(), 3);
    let mut lines = String::new();
    for (line, rung) in aligned.lines().zip(&report.rungs) {
        lines += &format!("{line}  {}\n", rung.measured);
    }
    let failed = report.rungs.iter().filter(|rung| !rung.passed).count();
    let verdict = if report.passed {
        format!("all {} checks passed", report.rungs.len())
    } else if report.partial && failed == 0 {
        format!(
            "partial: {} checks passed, the others were not made",
            report.rungs.len()
        )
    } else {
        format!("{failed} of {} checks FAILED", report.rungs.len())
    };
    format!(
        "{}\n{lines}\n{verdict} in {:.1} s\n",
        facts(&head),
        report.seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(passed: &[bool]) -> Report {
        let rung = |&passed: &bool| Rung {
            name: "functions",
            case: "exp".to_owned(),
            passed,
            measured: "0.7 ulp, at most 1".to_owned(),
        };
        Report {
            schema: 1,
            slatesim: "0",
            backend: BackendInfo {
                name: "cpu".to_owned(),
                device: "2 threads".to_owned(),
                driver: "f32".to_owned(),
            },
            passed: passed.iter().all(|&passed| passed),
            partial: false,
            rungs: passed.iter().map(rung).collect(),
            seconds: 1.0,
        }
    }

    #[test]
    fn a_failed_check_stands_out() {
        let good = text(&report(&[true, true]));
        assert!(good.ends_with("all 2 checks passed in 1.0 s\n"), "{good}");
        assert!(!good.contains("FAILED"));
        let bad = text(&report(&[true, false]));
        assert!(bad.contains("FAILED  functions  exp  0.7 ulp"), "{bad}");
        assert!(bad.ends_with("1 of 2 checks FAILED in 1.0 s\n"), "{bad}");
        let mut interrupted = report(&[true]);
        (interrupted.passed, interrupted.partial) = (false, true);
        let interrupted = text(&interrupted);
        assert!(
            interrupted.contains("partial: 1 checks passed"),
            "{interrupted}"
        );
    }
}
