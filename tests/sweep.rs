//! The contract of `slatesim sweep`.

#![cfg(feature = "cli")]

#[cfg(unix)]
use crate::common::interruption;
use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::{Value, json};

/// No multiple of a block of episodes.
const EPISODES: &str = "700";

const SENSITIVITY: &str = "environment.user.sensitivity=0.01,0.03";
const SIZES: &str = "environment.num_candidates=12,8";

fn slatesim(command: &str, backend: &str) -> Command {
    let mut slatesim = cargo_bin_cmd!("slatesim");
    slatesim.env_remove("SLATESIM_LOG").args([
        command,
        "--quiet",
        "--backend",
        backend,
        "--episodes",
        EPISODES,
        "--set",
        "environment.user.time_budget=5",
    ]);
    slatesim
}

/// A sweep over keys, each with its values.
fn sweep(backend: &str, vary: &[&str]) -> Command {
    let mut command = slatesim("sweep", backend);
    command.args(vary.iter().flat_map(|axis| ["--vary", axis]));
    command
}

fn stdout_of(command: &mut Command) -> String {
    let assert = command.assert().success();
    String::from_utf8(assert.get_output().stdout.clone()).expect("the output is text")
}

fn json_of(command: &mut Command) -> Value {
    serde_json::from_str(&stdout_of(command.arg("--json"))).expect("the output is one JSON value")
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn without(mut value: Value, keys: &[&str]) -> Value {
    let object = value.as_object_mut().expect("an object");
    for key in keys {
        object.shift_remove(*key);
    }
    value
}

/// The software adapter needs a driver, which not every machine has.
fn has_gpu() -> bool {
    let code = slatesim("evaluate", "gpu")
        .output()
        .expect("the binary starts")
        .status
        .code();
    if code == Some(3) && std::env::var_os("SLATESIM_REQUIRE_GPU").is_none() {
        eprintln!("SKIPPED: no adapter");
        return false;
    }
    assert_eq!(code, Some(0), "an adapter is required");
    true
}

#[test]
fn the_json_report_lists_the_points_of_the_grid_the_last_key_first() {
    let report = json_of(&mut sweep("cpu", &[SENSITIVITY, SIZES]));
    assert_eq!(
        keys(&report),
        [
            "schema",
            "slatesim",
            "episodes",
            "warnings",
            "backend",
            "varied",
            "points",
            "seconds",
            "user_steps_per_second"
        ]
    );
    assert_eq!(
        (&report["schema"], &report["episodes"]),
        (&json!(1), &json!(700))
    );
    let varied = ["environment.user.sensitivity", "environment.num_candidates"];
    assert_eq!(report["varied"], json!(varied));
    let points = report["points"].as_array().expect("a list");
    let values: Vec<Value> = points
        .iter()
        .map(|point| json!([point["values"][varied[0]], point["values"][varied[1]]]))
        .collect();
    assert_eq!(
        json!(values),
        json!([[0.01, 12], [0.01, 8], [0.03, 12], [0.03, 8]])
    );
    for point in points {
        assert_eq!(keys(&point["values"]), varied);
        assert_eq!(
            point["environment"]["user"]["sensitivity"],
            point["values"][varied[0]]
        );
        assert_eq!(point["episodes"], 700);
    }
}

#[test]
fn every_figure_of_a_point_is_what_evaluate_prints_on_every_backend() {
    for backend in ["cpu", "reference", "gpu"] {
        if backend == "gpu" && !has_gpu() {
            continue;
        }
        let report = json_of(&mut sweep(backend, &[SENSITIVITY, SIZES]));
        if backend == "gpu" {
            // Sizes are compiled in, parameters are not.
            assert_eq!(report["pipelines"], 2);
        }
        for point in report["points"].as_array().expect("a list") {
            let mut evaluate = slatesim("evaluate", backend);
            for (key, value) in point["values"].as_object().expect("an object") {
                evaluate.args(["--set", &format!("{key}={value}")]);
            }
            let alone = without(
                json_of(&mut evaluate),
                &[
                    "schema",
                    "slatesim",
                    "backend",
                    "seconds",
                    "user_steps_per_second",
                    "state",
                    // Those of a sweep stand beside its points.
                    "warnings",
                ],
            );
            assert_eq!(
                without(point.clone(), &["values"]).to_string(),
                alone.to_string(),
                "{backend}"
            );
        }
    }
}

#[test]
fn lists_can_go_together() {
    let report = json_of(sweep("cpu", &[SENSITIVITY, SIZES]).arg("--zip"));
    let points = report["points"].as_array().expect("a list");
    let values: Vec<&Value> = points.iter().map(|point| &point["values"]).collect();
    assert_eq!(
        json!(values),
        json!([
            {"environment.user.sensitivity": 0.01, "environment.num_candidates": 12},
            {"environment.user.sensitivity": 0.03, "environment.num_candidates": 8},
        ])
    );
}

#[test]
fn the_csv_has_a_line_for_each_point_and_quotes_lists() {
    // An environment of its own, which has no time budget to set.
    let mut command = cargo_bin_cmd!("slatesim");
    command.env_remove("SLATESIM_LOG").args([
        "sweep",
        "--backend",
        "cpu",
        "--episodes",
        EPISODES,
        "--environment",
        "interest_exploration",
        "--max-steps",
        "4",
        "--vary",
        "environment.document.topic_quality_mean=[0.8, 0.2],[0.5,0.5]",
        "--vary",
        "policy.name=random,greedy_pctr",
        "--csv",
    ]);
    let text = stdout_of(&mut command);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    let begin =
        "environment.document.topic_quality_mean,policy.name,episodes,user_steps,return_mean,";
    assert!(lines[0].starts_with(begin), "{text}");
    for (line, begin) in lines[1..].iter().zip([
        "\"[0.8,0.2]\",random,700,2800,",
        "\"[0.8,0.2]\",greedy_pctr,700,2800,",
        "\"[0.5,0.5]\",random,700,2800,",
        "\"[0.5,0.5]\",greedy_pctr,700,2800,",
    ]) {
        assert!(line.starts_with(begin), "{line}");
        let outside_of_quotes = line.rsplit('"').next().expect("something");
        assert_eq!(
            outside_of_quotes.matches(',').count(),
            lines[0].matches(',').count(),
            "{line}"
        );
    }
}

#[test]
fn the_numbers_of_the_csv_are_those_of_the_json() {
    let report = json_of(&mut sweep("cpu", &[SENSITIVITY]));
    let text = stdout_of(sweep("cpu", &[SENSITIVITY]).arg("--csv"));
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let column = |name: &str| head.iter().position(|column| *column == name).expect(name);
    let points = report["points"].as_array().expect("a list");
    let lines: Vec<_> = lines.collect();
    assert_eq!((lines.len(), points.len()), (2, 2), "{text}");
    for (line, point) in lines.iter().zip(points) {
        for (name, expected) in [
            ("environment.user.sensitivity", &point["values"][head[0]]),
            ("user_steps", &point["user_steps"]),
            ("return_mean", &point["return"]["mean"]),
            ("return_standard_error", &point["return"]["standard_error"]),
            ("length_mean", &point["length"]["mean"]),
            ("click_rate", &point["click_rate"]["mean"]),
            ("reward_slope", &point["reward_slope"]["mean"]),
        ] {
            let found: f64 = line[column(name)].parse().expect("a number");
            assert_eq!(Some(found), expected.as_f64(), "{name}");
        }
        assert_eq!(line[column("clicked_quality")], "");
    }
}

#[test]
fn the_text_shows_what_is_common_and_a_line_for_each_point() {
    let text = stdout_of(&mut sweep("cpu", &[SENSITIVITY, "seed=1,2"]));
    let words: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for told in [
        "environment long_term_satisfaction: user.time_budget = 5.0",
        "policy random",
        "episodes 700 of each of 4 points",
        "environment.user.sensitivity seed return ± s.e. length ± s.e. click rate ± s.e.",
    ] {
        assert!(words.iter().any(|line| line == told), "{told}: {text}");
    }
    for (begin, end) in [("0.01 1", "5 ± 0 1 ± 0"), ("0.03 2", "5 ± 0 1 ± 0")] {
        let found = words
            .iter()
            .any(|line| line.starts_with(begin) && line.ends_with(end));
        assert!(found, "{begin}: {text}");
    }
}

fn refused(command: &mut Command, told: &[&str]) {
    let assert = command.assert().code(2).stdout(is_empty());
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr);
    for told in told {
        assert!(contains(*told).eval(&stderr), "{told}: {stderr}");
    }
}

#[test]
fn what_is_no_sweep_is_refused() {
    for (vary, told) in [
        (&[][..], "--vary"),
        (
            &["environment.user.sensitivity"][..],
            "`--vary environment.user.sensitivity` has no `=`; write `--vary dotted.key=value`",
        ),
        (
            &["environment.user.sensitivity="],
            "has no value after the `=`",
        ),
        (
            &["environment.user.sensitivity=0.1,,0.2"],
            "has an empty value between its commas",
        ),
        (
            &["environment.user.sensitivty=0.1"],
            "point environment.user.sensitivty = 0.1: unknown key `environment.user.sensitivty`: environment \"long_term_satisfaction\" has no such key",
        ),
        (
            &["environment.user.sensitivty=0.1"],
            "did you mean `environment.user.sensitivity`",
        ),
        (
            &["environment.user.choc_stddev=1,-1"],
            "point environment.user.choc_stddev = -1: `environment.user.choc_stddev` = -1 is not allowed",
        ),
        (
            &["environment.slate_size=2,30"],
            "point environment.slate_size = 30: ",
        ),
        (
            &[SENSITIVITY, SENSITIVITY],
            "`environment.user.sensitivity` is varied twice",
        ),
        (
            &["environment.user={sensitivity=0.1}", SENSITIVITY],
            "`environment.user` and `environment.user.sensitivity` set the same key",
        ),
        (&["episodes=1,2"], "`episodes` = 1 is not allowed"),
    ] {
        refused(&mut sweep("cpu", vary), &[told]);
    }
    refused(
        sweep("cpu", &[SENSITIVITY, "seed=1,2,3"]).arg("--zip"),
        &["has 2 values and `seed` has 3"],
    );
    refused(
        sweep("cpu", &[SENSITIVITY]).args(["--csv", "--json"]),
        &["--csv", "--json"],
    );
    let many: Vec<String> = (0..101).map(|seed| seed.to_string()).collect();
    let seeds = format!("seed={}", many.join(","));
    let budgets = format!("max_steps={}", many[1..].join(","));
    refused(
        &mut sweep("cpu", &[&seeds, &budgets]),
        &["there are 10100 points to evaluate; allowed is at most 10000"],
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_prints_the_points_that_are_done_and_exits_with_130() {
    let (child, _stderr) = interruption::begun(
        std::process::Command::new(env!("CARGO_BIN_EXE_slatesim"))
            .args(["sweep", "--backend", "cpu", "--batch-size", "256", "--json"])
            .args(["--episodes", "1000000000000000", "--vary", SENSITIVITY]),
        "sweeping",
    );
    std::thread::sleep(std::time::Duration::from_millis(500));
    interruption::interrupt(&child, 1);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["partial"], true);
    let first = report["points"][0]["episodes"].as_u64().expect("a count");
    assert!(first > 0 && first.is_multiple_of(256));
    assert_eq!(report["points"][1]["episodes"], 0);
    assert_eq!(report["points"][1]["return"]["mean"], Value::Null);
}

#[test]
fn the_example_file_is_the_base_of_its_points() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sweep.toml");
    let mut command = cargo_bin_cmd!("slatesim");
    command.env_remove("SLATESIM_LOG").args([
        "sweep",
        file,
        "--backend",
        "cpu",
        "--episodes",
        "256",
        "--vary",
        SENSITIVITY,
        "--vary",
        "environment.user.memory_discount=0.7,0.9",
    ]);
    let report = json_of(&mut command);
    let points = report["points"].as_array().expect("a list");
    assert_eq!(points.len(), 4);
    assert!(points.iter().all(|point| point["seed"] == 7));
}
