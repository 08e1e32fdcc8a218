//! Measurements as text for people.

use super::Report;
use super::peer::{PeerRun, Ratio};
use crate::bench::{Bench, RefusedRow, ResultRow, Spread};
use crate::cli::text::layout::{columns, facts, paragraphs, row};
use crate::cli::text::numbers::rate;

/// Writes the whole report.
pub(super) fn text(report: &Report) -> String {
    let bench = &report.bench;
    let mut parts = vec![facts(&head(bench))];
    if !bench.results.is_empty() {
        let mut rows = vec![row([
            "backend",
            "environment",
            "policy",
            "setting",
            "episodes",
            "start",
            "median",
            "min",
            "max",
            "± half IQR",
        ])];
        rows.extend(bench.results.iter().map(cells));
        parts.push(format!("whole episodes\n\n{}", columns(&rows, 4)));
    }
    if !bench.refused.is_empty() {
        let refused: Vec<_> = bench.refused.iter().map(fact).collect();
        parts.push(format!("not measured\n\n{}", facts(&refused)));
    }
    if let Some(peer) = &report.peer {
        let mut rows = vec![row(PeerRun::TITLE)];
        rows.extend(peer.runs.iter().map(PeerRun::cells));
        parts.push(format!("main job, peer\n\n{}", columns(&rows, 1)));
        let ratios: Vec<_> = peer.ratios.iter().map(Ratio::fact).collect();
        parts.push(facts(&ratios));
    }
    paragraphs(&parts)
}

fn head(bench: &Bench) -> Vec<[String; 2]> {
    let debug = if bench.is_debug_build {
        " (debug build)"
    } else {
        ""
    };
    let mut head = vec![["slatesim".to_owned(), format!("{}{debug}", bench.slatesim)]];
    let processor = bench.processor.clone();
    head.extend(processor.map(|name| ["processor".to_owned(), name]));
    head.push(["threads".to_owned(), bench.threads.to_string()]);
    if bench.partial {
        let missing = "interrupted: what is missing was not measured";
        head.push(["partial".to_owned(), missing.to_owned()]);
    }
    for backend in &bench.backends {
        head.push([
            backend.label().to_string(),
            format!("{} ({})", backend.device, backend.driver),
        ]);
    }
    head
}

/// Writes a refused case and the reason as a name and a value.
fn fact(row: &RefusedRow) -> [String; 2] {
    [format!("{} {}", row.label, row.case), row.reason.clone()]
}

fn cells(result: &ResultRow) -> Vec<String> {
    let Spread {
        median,
        min,
        max,
        relative_half_iqr,
    } = result.user_steps_per_second;
    vec![
        result.label.to_string(),
        result.case.environment.clone(),
        result.case.policy.clone(),
        result.case.setting.clone(),
        result.episodes.to_string(),
        format!("{:.3} s", result.start_seconds),
        rate(median),
        rate(min),
        rate(max),
        format!("{:.1} %", 100.0 * relative_half_iqr),
    ]
}
