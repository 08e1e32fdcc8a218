//! Compares slatesim with `RecSim`, figure by figure, on every backend.
//!
//! ```text
//! cargo run --release --example equivalence > docs/equivalence.md
//! ```
//!
//! Takes a minute or two; with the environment variable `EPISODES=4096` less, but figures are less precise. Exits with 1 if a
//! figure is out of its bound.
#![allow(clippy::print_stdout, reason = "the report is the result")]

mod agents;
mod campaigns;
mod choices;
mod closed_forms;
mod golden;
mod policies;
mod row;
mod setup;

use row::{MOST_STANDARD_ERRORS, Row};
use slatesim::Error;
use slatesim::backend::Backend;
use slatesim::backend::cpu::cpu;
use slatesim::backend::gpu::{AdapterSelection, GpuBackend};
use slatesim::backend::reference::reference;
use std::process::ExitCode;

/// Episodes of each campaign.
const EPISODES: u64 = 1 << 16;

const QUIRKS: &str = include_str!("quirks.md");

/// A part of the report: its title, what it compares with, and how.
struct Part {
    title: &'static str,
    about: &'static str,
    rows: fn(&dyn Backend, u64) -> Result<Vec<Row>, Error>,
}

const PARTS: [Part; 6] = [
    Part {
        title: "Recorded transitions",
        about: "RecSim 0.2.4, replayed from the recorded state with the draws that it consumed; a draw is put in as the \
                random word that makes it. The floats' largest error is relative, absolute below 1.",
        rows: golden::rows,
    },
    Part {
        title: "Choice models",
        about: "Probabilities of each position and of no click, for scores that are put in: found by bisecting the uniform \
                draw, which takes 2^23 values. The largest absolute error is told.",
        rows: choices::rows,
    },
    Part {
        title: "Runs of 10,000 episodes",
        about: "RecSim 0.2.4, run unchanged; `tests/data/README.md` has the settings. Of quantiles and curves the farthest \
                figure is told.",
        rows: campaigns::rows,
    },
    Part {
        title: "Slates by simple rules",
        about: "RecSim 0.2.4, 1,500 to 4,000 episodes each.",
        rows: policies::rows,
    },
    Part {
        title: "Agents",
        about: "RecSim 0.2.4's agents and that of its tutorial, 1,000 episodes each; here with `faithful = true` where there \
                is that key. RecSim seeds its Thompson sampling anew at every step, with one seed for all episodes; here \
                each episode has a seed of its own.",
        rows: agents::rows,
    },
    Part {
        title: "Closed forms and exact solutions",
        about: "No original is needed for these.",
        rows: closed_forms::rows,
    },
];

fn main() -> Result<ExitCode, Error> {
    let episodes = std::env::var("EPISODES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(EPISODES);
    let mut backends: Vec<Box<dyn Backend>> =
        vec![Box::new(reference(None)?), Box::new(cpu(None)?)];
    match GpuBackend::open(AdapterSelection::Any) {
        Ok(gpu) => backends.push(Box::new(gpu)),
        Err(error) => eprintln!("the backend gpu is left out: {error}"),
    }
    let mut text = String::from("# Equivalence with RecSim\n\n");
    text += "Made by `cargo run --release --example equivalence > docs/equivalence.md`; do not edit.\n\n";
    text += &format!(
        "Each figure comes from {episodes} episodes, on each backend. In parentheses: how far it is from the original, in \
         joint standard errors; {MOST_STANDARD_ERRORS} are allowed. Backends run the same episodes, so their figures \
         agree among themselves to rounding. Twins are compared one step at a time, and episode by episode, by `slatesim \
         validate`.\n\n"
    );
    for backend in &backends {
        let info = backend.info();
        text += &format!("- `{}`: {} ({})\n", info.name, info.device, info.driver);
    }
    let (mut compared, mut failed) = (0, 0);
    for part in &PARTS {
        text += &format!("\n## {}\n\n{}\n", part.title, part.about);
        let columns = backends
            .iter()
            .map(|backend| {
                eprintln!("{}: {}", part.title, backend.info().name);
                (part.rows)(backend.as_ref(), episodes)
            })
            .collect::<Result<Vec<_>, _>>()?;
        compared += columns.iter().map(Vec::len).sum::<usize>();
        failed += columns.iter().flatten().filter(|row| !row.passed()).count();
        text += &table(&backends, &columns);
    }
    text += &format!("\n{compared} comparisons, {failed} out of bound.\n");
    text += "\n## Quirks of the original\n\n";
    text += QUIRKS;
    print!("{text}");
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Writes the rows of all backends side by side, a table for each case.
fn table(backends: &[Box<dyn Backend>], columns: &[Vec<Row>]) -> String {
    let mut text = String::new();
    let mut case = "";
    for (index, row) in columns[0].iter().enumerate() {
        if row.case != case {
            case = &row.case;
            let names: Vec<String> = backends.iter().map(|backend| backend.info().name).collect();
            text += &format!(
                "\n**{case}**\n\n| figure | known | {} |\n",
                names.join(" | ")
            );
            text += &format!("| --- | --- |{}\n", " --- |".repeat(names.len()));
        }
        let cells = columns.iter().map(|rows| {
            let row = &rows[index];
            if row.passed() {
                row.ours.clone()
            } else {
                format!("**{}**", row.ours)
            }
        });
        let cells: Vec<String> = cells.collect();
        text += &format!(
            "| {} | {} | {} |\n",
            row.figure,
            row.theirs,
            cells.join(" | ")
        );
    }
    text
}
