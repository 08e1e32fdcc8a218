//! What the bench tells: one JSON object, described in `docs/benchmarking.md`, or text.

use super::ablations::AblationRow;
use super::kernels::KernelRow;
use super::opened::BackendRow;
use super::peer::{PeerReport, PeerRun, Ratio};
use super::rollouts::ResultRow;
use super::roofline::Roofline;
use super::scaling::ScalingRow;
use super::spread::Spread;
use super::step_api::StepRow;
use crate::cli::text::layout::{columns, facts, paragraphs};
use serde::Serialize;

/// Changes where a key changes.
pub(super) const SCHEMA: u32 = 2;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Bench {
    pub(super) schema: u32,
    pub(super) slatesim: &'static str,
    /// Whether rows are missing because it was interrupted.
    pub(super) partial: bool,
    /// Whether the program was built with its checks, so that figures say little.
    pub(super) is_debug_build: bool,
    /// The processor's name, where the system tells.
    pub(super) processor: Option<String>,
    pub(super) threads: usize,
    pub(super) backends: Vec<BackendRow>,
    pub(super) results: Vec<ResultRow>,
    pub(super) step_api: Vec<StepRow>,
    pub(super) scaling: Vec<ScalingRow>,
    /// Of devices that have a clock.
    pub(super) kernels: Vec<KernelRow>,
    pub(super) ablations: Vec<AblationRow>,
    /// Of a known GPU only.
    pub(super) roofline: Option<Roofline>,
    /// With `--peer` only.
    pub(super) peer: Option<PeerReport>,
}

/// Writes everything for a person.
pub(super) fn text(bench: &Bench) -> String {
    let results = bench.results.iter().map(ResultRow::cells);
    let steps = bench.step_api.iter().flat_map(StepRow::cells);
    let scaling = bench.scaling.iter().map(ScalingRow::cells);
    let kernels = bench.kernels.iter().map(KernelRow::cells);
    let ablations = bench.ablations.iter().map(AblationRow::cells);
    let result_title = [&ResultRow::TITLE[..], &["episodes", "start"]].concat();
    let mut parts = vec![
        facts(&head(bench)),
        section(
            "whole episodes",
            &result_title,
            results,
            ResultRow::TITLE.len(),
        ),
        section(
            "step by step, slates from outside",
            &StepRow::TITLE,
            steps,
            4,
        ),
        section("main job, scaling", &ScalingRow::TITLE, scaling, 2),
        section(
            "main job, kernels alone by the device's clock",
            &KernelRow::TITLE,
            kernels,
            2,
        ),
        section("main job, variants", &AblationRow::TITLE, ablations, 2),
    ];
    if let Some(peer) = &bench.peer {
        let runs = peer.runs.iter().map(PeerRun::cells);
        let rows = titled(PeerRun::TITLE.map(str::to_owned).to_vec(), runs);
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
            backend.of().label(),
            format!("{} ({})", backend.device, backend.driver),
        ]);
    }
    head.extend(bench.roofline.as_ref().map(Roofline::fact));
    head
}

/// Writes a table of rates under a heading; nothing where there are no rows.
fn section(
    heading: &str,
    title: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    num_left: usize,
) -> String {
    let title = title.iter().chain(&Spread::TITLE);
    let rows = titled(title.map(|&name| name.to_owned()).collect(), rows);
    if rows.len() == 1 {
        return String::new();
    }
    format!("{heading}\n\n{}", columns(&rows, num_left))
}

fn titled(title: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    std::iter::once(title).chain(rows).collect()
}
