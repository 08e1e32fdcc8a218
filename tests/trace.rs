//! Traces: the same bytes on every backend, read back, replayed, and never half-written.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and its numbers are small"
)]

#[cfg(feature = "cli")]
#[path = "trace/command.rs"]
mod command;
#[path = "trace/learning.rs"]
mod learning;
#[path = "trace/tables.rs"]
mod tables;

use crate::common;
use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu, reference::reference};
use slatesim::evaluation::trace::{
    Cell, Format, Recording, Trace, TraceError, columns, record, replay, writer,
};
use slatesim::registry::Registry;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(crate) fn simulation(settings: &[&str]) -> Simulation {
    Registry::built_in().resolve(settings).unwrap()
}

pub(crate) const BANDIT: [&str; 6] = [
    "environment.name=interest_exploration",
    "environment.slate_size=3",
    "policy.name=cluster_bandit",
    "policy.algorithm=ucb1",
    "max_steps=40",
    "seed=4",
];

/// A policy that draws by its scores.
const SOFTMAX: [&str; 5] = [
    "environment.slate_size=3",
    "environment.user.time_budget=30",
    "policy.name=linear_softmax",
    "policy.weights=[-3]",
    "policy.temperature=0.8",
];

/// An environment with a corpus, one with topics, one with a user whose numbers are many, and one whose state is finite;
/// policies that draw, that do not, and that learn.
fn simulations() -> Vec<Simulation> {
    let explored = [
        "policy.layer.name=epsilon_greedy",
        "policy.layer.epsilon=0.3",
    ];
    vec![
        simulation(&["environment.user.time_budget=30", "policy.name=random"]),
        simulation(&[
            "environment.resample_documents=false",
            "policy.name=greedy",
            "environment.user.time_budget=30",
            explored[0],
            explored[1],
        ]),
        simulation(&[&BANDIT[..], &explored].concat()),
        simulation(&[
            "environment.name=interest_exploration",
            "policy.name=cluster_bandit",
            "policy.algorithm=thompson_sampling",
            "max_steps=40",
        ]),
        simulation(&[
            "environment.name=interest_evolution",
            "policy.name=greedy",
            "policy.by=score",
            "max_steps=30",
        ]),
        simulation(&["environment.name=item_transition", "policy.name=table"]),
        simulation(&SOFTMAX),
    ]
}

/// A buffer that outlives its writer.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const EPISODES: u64 = 9;

fn written(
    simulation: &Simulation,
    backend: &dyn Backend,
    format: Format,
    recording: &Recording,
) -> String {
    let buffer = Shared::default();
    let columns = columns(simulation, recording.with_candidates);
    let mut rows = writer(format, &columns, buffer.clone()).unwrap();
    let done = record(
        simulation,
        backend,
        0..EPISODES,
        recording,
        &Unobserved,
        &mut |cells| {
            rows.row(cells).unwrap();
            Ok(())
        },
    );
    assert_eq!(done.unwrap(), EPISODES);
    rows.finish().unwrap();
    let bytes = buffer.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_bytes_are_the_same_on_every_backend_and_in_every_batch() {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(cpu(Some(1)).unwrap())];
    if let Some(gpu) = common::any_gpu() {
        backends.push(Box::new(gpu));
    }
    let oracle = reference(Some(1)).unwrap();
    for simulation in simulations() {
        let policy = simulation.plan.policy.policy().name();
        for with_candidates in [false, true] {
            let recording = Recording {
                with_candidates,
                batch_size: None,
            };
            let cut = Recording {
                batch_size: Some(4),
                ..recording.clone()
            };
            for format in [Format::JsonLines, Format::Csv] {
                let expected = written(&simulation, &oracle, format, &recording);
                assert!(expected.lines().count() > EPISODES as usize);
                for backend in &backends {
                    for recording in [&recording, &cut] {
                        let found = written(&simulation, backend.as_ref(), format, recording);
                        let same = expected.lines().zip(found.lines());
                        for (line, (expected, found)) in same.enumerate() {
                            let backend = backend.info().name;
                            assert_eq!(expected, found, "{policy} on {backend}, line {line}");
                        }
                        assert_eq!(expected.len(), found.len());
                    }
                }
            }
        }
    }
}

/// Keeps a text as a file.
fn file(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("trace");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_has_been_read_back_replays_as_recorded_and_gives_the_rollouts_returns() {
    let folder = TempDir::new().unwrap();
    let backend = cpu(Some(1)).unwrap();
    for simulation in simulations() {
        let rolled = backend.episodes(&simulation, 0..EPISODES).unwrap();
        for format in [Format::JsonLines, Format::Csv] {
            let recording = Recording {
                with_candidates: format == Format::Csv,
                batch_size: None,
            };
            let text = written(&simulation, &backend, format, &recording);
            let trace = Trace::read(&file(&folder, &text), &simulation).unwrap();
            assert_eq!(trace.with_candidates, recording.with_candidates);
            let replayed = replay(&simulation, &backend, &trace).unwrap();
            assert_eq!(replayed.differences, []);
            let lengths: Vec<u32> = trace
                .episodes
                .iter()
                .map(|episode| u32::try_from(episode.rows.len()).unwrap())
                .collect();
            assert_eq!(lengths, rolled[0].lengths);
            for (replayed, &rolled) in replayed.returns.iter().zip(&rolled[0].returns) {
                assert!((replayed - rolled).abs() <= 1e-5 * rolled.abs().max(1.0));
            }
        }
    }
}

/// Both sum rewards of the same choices: the trace those of `f64` rounded to `f32`, the reference those of `f64`. Forty
/// rewards of at most 1 are each rounded by at most 2^-25.
#[test]
fn a_cluster_bandits_trace_is_its_rollout() {
    let simulation = simulation(&BANDIT);
    let oracle = reference(Some(1)).unwrap();
    let rolled = &oracle.episodes(&simulation, 0..EPISODES).unwrap()[0];
    let columns = columns(&simulation, false);
    let at = |name: &str| {
        columns
            .iter()
            .position(|column| column.name() == name)
            .unwrap()
    };
    let (chosen, reward) = (at("chosen"), at("reward"));
    let (mut returns, mut clicks) = ([0.0; EPISODES as usize], [0; EPISODES as usize]);
    record(
        &simulation,
        &oracle,
        0..EPISODES,
        &Recording::default(),
        &Unobserved,
        &mut |row| {
            let (Cell::Integer(episode), Cell::Single(reward)) = (row[1], row[reward]) else {
                panic!("{row:?}")
            };
            returns[episode as usize] += f64::from(reward);
            clicks[episode as usize] += u32::from(row[chosen] != Cell::Missing);
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(clicks[..], rolled.clicks[..]);
    for (found, expected) in returns.iter().zip(&rolled.returns) {
        assert!(
            (found - expected).abs() < 40.0 / f64::from(1 << 25),
            "{found} {expected}"
        );
    }
}

#[test]
fn a_table_policy_is_recorded_with_the_probability_of_its_row() {
    // Document d is followed by itself with probability (1 + d) / 16, and by two others with what is left.
    let rows: Vec<[f64; 10]> = (0..10)
        .map(|document: usize| {
            let mut row = [0.0; 10];
            let own = (1.0 + document as f64) / 16.0;
            row[document] = own;
            row[(document + 1) % 10] = (1.0 - own) / 2.0;
            row[(document + 3) % 10] = (1.0 - own) / 2.0;
            row
        })
        .collect();
    let simulation = simulation(&[
        "environment.name=item_transition",
        "policy.name=table",
        &format!("policy.table={rows:?}"),
    ]);
    let columns = columns(&simulation, false);
    let is_state = |name: String| name.starts_with("observation.");
    let state = columns
        .iter()
        .position(|column| is_state(column.name()))
        .unwrap();
    let slate = columns
        .iter()
        .position(|column| column.name() == "slate[0]")
        .unwrap();
    let mut num_steps = 0;
    record(
        &simulation,
        &cpu(Some(1)).unwrap(),
        0..100,
        &Recording::default(),
        &Unobserved,
        &mut |row| {
            let (Cell::Single(state), Cell::Integer(shown)) = (row[state], row[slate]) else {
                panic!("{row:?}")
            };
            let expected = rows[state as usize][shown as usize];
            assert_eq!(row.last(), Some(&Cell::Double(expected)));
            num_steps += 1;
            Ok(())
        },
    )
    .unwrap();
    assert!(num_steps > 200, "{num_steps}");
}

/// The scores of the recorded candidates by hand, over the first nine episodes. Features are recorded in single precision: an
/// error of 2^-25 moves each of three positions by less than 2^-25 3 / 0.8 on either side of its fraction.
#[test]
fn a_softmax_policy_is_recorded_with_the_probability_of_its_slate() {
    let simulation = simulation(&SOFTMAX);
    let columns = columns(&simulation, true);
    let at = |name: &str| {
        let found = columns.iter().position(|column| column.name() == name);
        found.unwrap_or_else(|| panic!("{name}"))
    };
    let slate = at("slate[0]");
    let candidates: Vec<usize> = (0..simulation.plan.num_candidates)
        .map(|candidate| at(&format!("candidates[{candidate}].clickbait_score")))
        .collect();
    let recording = Recording {
        with_candidates: true,
        batch_size: None,
    };
    let mut num_steps = 0;
    record(
        &simulation,
        &cpu(Some(1)).unwrap(),
        0..EPISODES,
        &recording,
        &Unobserved,
        &mut |row| {
            let mut masses: Vec<f64> = candidates
                .iter()
                .map(|&column| match row[column] {
                    Cell::Single(score) => (-3.0 * f64::from(score) / 0.8).exp(),
                    other => panic!("{other:?}"),
                })
                .collect();
            let mut expected = 1.0;
            for shown in &row[slate..slate + 3] {
                let Cell::Integer(shown) = *shown else {
                    panic!("{shown:?}")
                };
                let mass = masses[shown as usize];
                expected *= mass / masses.iter().sum::<f64>();
                masses[shown as usize] = 0.0;
            }
            let Some(&Cell::Double(found)) = row.last() else {
                panic!("{row:?}")
            };
            assert!(
                (found / expected - 1.0).abs() < 1e-6,
                "{found}, by hand {expected}"
            );
            num_steps += 1;
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(num_steps, 9 * 30);
}

/// Changes one line of a trace (from 1), reads it, and returns the error.
fn damage(format: Format, line: usize, change: impl Fn(&str) -> String) -> String {
    let folder = TempDir::new().unwrap();
    let simulation = &simulations()[0];
    let backend = cpu(Some(1)).unwrap();
    let text = written(simulation, &backend, format, &Recording::default());
    let lines: Vec<String> = (1..)
        .zip(text.lines())
        .map(|(number, text)| {
            if number == line {
                change(text)
            } else {
                text.to_owned()
            }
        })
        .collect();
    let path = file(&folder, &(lines.join("\n") + "\n"));
    let error = Trace::read(&path, simulation).unwrap_err();
    assert!(matches!(error, TraceError::Damaged { .. }), "{error}");
    let told = error.to_string();
    let folder = format!("{}/", folder.path().display());
    told.strip_prefix(&folder).unwrap_or(&told).to_owned()
}

#[test]
fn a_damaged_line_is_named_with_its_column() {
    let json = |line, change: &dyn Fn(&str) -> String| damage(Format::JsonLines, line, change);
    let replaced = |find: &'static str, by: &'static str| {
        move |text: &str| {
            assert!(text.contains(find), "{text}");
            text.replacen(find, by, 1)
        }
    };
    let is = |found: String, expected: &str| assert_eq!(found, expected);
    is(
        json(3, &replaced("\"step\":2", "\"step\":7")),
        "trace, line 3, column step: 7, expected 2",
    );
    is(
        json(3, &replaced("\"slate\":[", "\"slate\":[1")),
        "trace, line 3, column slate[0]: 14, expected an index below 10",
    );
    is(
        json(2, &replaced("\"reward\":", "\"reward\":true,\"was\":")),
        "trace, line 2, column reward: true, expected a number",
    );
    is(
        json(2, &replaced("\"chosen\":", "\"clicked\":")),
        "trace, line 2, column chosen: no value, expected a whole number or nothing",
    );
    is(
        json(2, &replaced("\"seed\":0", "\"seed\":5")),
        "trace, line 2, column seed: 5, expected the seed 0",
    );
    is(
        json(2, &|text| format!("{}}}", &text[..20])),
        "trace, line 2, column 21: no JSON object: expected value",
    );
    let csv = |line, change: &dyn Fn(&str) -> String| damage(Format::Csv, line, change);
    is(
        csv(1, &replaced("slate[0]", "slate")),
        "trace, line 1, column slate[0]: there is no such column",
    );
    is(
        csv(4, &replaced("0,0,2,", "0,0,two,")),
        "trace, line 4, column step: \"two\", expected a whole number",
    );
    is(
        csv(4, &|text| text[..text.rfind(',').unwrap()].to_owned()),
        "trace, line 4: 18 values, expected 19",
    );
}

#[test]
fn a_trace_that_ends_early_is_damaged() {
    let folder = TempDir::new().unwrap();
    let simulation = &simulations()[0];
    let backend = cpu(Some(1)).unwrap();
    let text = written(
        simulation,
        &backend,
        Format::JsonLines,
        &Recording::default(),
    );
    let few: String = text.split_inclusive('\n').take(5).collect();
    let error = Trace::read(&file(&folder, &few), simulation).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("line 6: the file ends within episode 0"),
        "{error}"
    );
    let error = Trace::read(&file(&folder, ""), simulation).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("line 1: the file ends before the first step"),
        "{error}"
    );
    let error = Trace::read(&folder.path().join("absent"), simulation).unwrap_err();
    assert!(matches!(error, TraceError::Read { .. }), "{error}");
}

#[test]
fn columns_are_those_that_the_documentation_lists() {
    let names = |settings: &[&str], with_candidates| {
        let columns = columns(&simulation(settings), with_candidates);
        let names: Vec<String> = columns.iter().map(|column| column.name()).collect();
        names.join(" ")
    };
    assert_eq!(
        names(
            &["environment.slate_size=2", "environment.num_candidates=3"],
            true
        ),
        "seed episode step user.exposure user.satisfaction user.time_budget slate[0] slate[1] \
         documents[0].clickbait_score documents[1].clickbait_score candidates[0].clickbait_score \
         candidates[1].clickbait_score candidates[2].clickbait_score chosen responses[0].click \
         responses[0].engagement responses[1].click responses[1].engagement reward terminated truncated propensity"
    );
    assert_eq!(
        names(&["environment.name=item_transition"], false),
        "seed episode step user.document user.has_left observation.document slate[0] documents[0].document chosen \
         responses[0].accept reward terminated truncated propensity"
    );
}
