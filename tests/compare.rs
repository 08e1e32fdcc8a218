//! The contract of `slatesim compare`, and of stopping at a precision.

#![cfg(feature = "cli")]

#[cfg(unix)]
use crate::common::interruption;
use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A short environment, so that a thousand episodes take no time.
const SHORT: [&str; 4] = [
    "--backend",
    "cpu",
    "--set",
    "environment.user.time_budget=5",
];

/// What the greedy policy of the tests is.
const GREEDY: &str = "greedy: policy.name=greedy, policy.by=clickbait_score, policy.order=min";

fn slatesim(command: &str) -> Command {
    let mut slatesim = cargo_bin_cmd!("slatesim");
    slatesim.env_remove("SLATESIM_LOG").arg(command).args(SHORT);
    slatesim
}

/// Random against greedy.
fn compare() -> Command {
    let mut command = slatesim("compare");
    command.args(["--policy", "random", "--variant", GREEDY]);
    command
}

fn json_with_code(command: &mut Command, code: i32) -> Value {
    let assert = command.arg("--json").assert().code(code);
    serde_json::from_slice(&assert.get_output().stdout).expect("the output is one JSON value")
}

fn json_of(command: &mut Command) -> Value {
    json_with_code(command, 0)
}

/// A report without what differs from run to run.
fn figures(mut report: Value) -> String {
    let object = report.as_object_mut().expect("a report is an object");
    for key in ["seconds", "user_steps_per_second", "backend"] {
        object.shift_remove(key);
    }
    report.to_string()
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn write(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("run.toml");
    std::fs::write(&path, text).expect("the folder can be written");
    path
}

#[test]
fn the_json_report_has_the_keys_of_the_contract() {
    let report = json_of(compare().args(["--episodes", "1000", "--seed", "7"]));
    let expected = [
        "schema",
        "slatesim",
        "seed",
        "episodes",
        "warnings",
        "backend",
        "policies",
        "differences",
        "best",
        "seconds",
        "user_steps_per_second",
    ];
    assert_eq!(keys(&report), expected);
    assert_eq!(
        (&report["schema"], &report["seed"], &report["episodes"]),
        (&json!(1), &json!(7), &json!(1000))
    );
    // A variant has what `evaluate` prints of it, but for what is one for all.
    let alone = json_of(slatesim("evaluate").args(["--episodes", "256"]));
    let common = [
        "schema",
        "slatesim",
        "seed",
        "warnings",
        "backend",
        "episodes",
        "seconds",
        "user_steps_per_second",
        "state",
    ];
    let mut variant = keys(&alone);
    variant.retain(|key| !common.contains(key));
    variant.insert(0, "label");
    assert_eq!(keys(&report["policies"][1]), variant);
    assert_eq!(report["policies"][1]["label"], "greedy");
    assert_eq!(report["policies"][1]["policy"]["by"], "clickbait_score");
    let difference = [
        "a",
        "b",
        "mean",
        "standard_error",
        "ci95",
        "ci95_simultaneous",
        "variance_reduction",
        "correlation",
        "largest_share",
        "p_value",
        "p_value_adjusted",
    ];
    let pair = &report["differences"][0];
    assert_eq!(keys(pair), difference);
    assert_eq!(
        (&pair["a"], &pair["b"]),
        (&json!("random"), &json!("greedy"))
    );
    assert_eq!(pair["ci95"].as_array().map(Vec::len), Some(2));
    // Of one pair nothing is to be corrected.
    assert_eq!(pair["ci95"], pair["ci95_simultaneous"]);
    assert_eq!(
        keys(&report["best"]),
        [
            "label",
            "confidence",
            "closest",
            "margin",
            "margin_ci95",
            "may_be_best"
        ]
    );
}

#[test]
fn every_figure_of_a_variant_is_what_evaluate_prints() {
    let compared = json_of(compare().args(["--episodes", "1500"]));
    let alone = json_of(slatesim("evaluate").args([
        "--episodes",
        "1500",
        "--policy",
        "greedy",
        "--set",
        "policy.by=clickbait_score",
        "--set",
        "policy.order=min",
    ]));
    let variant = &compared["policies"][1];
    for key in keys(variant).iter().filter(|&&key| key != "label") {
        assert_eq!(variant[key].to_string(), alone[key].to_string(), "{key}");
    }
}

#[test]
fn threads_and_batches_change_no_bit_whether_episodes_or_a_precision_are_asked_for() {
    for extent in [&["--episodes", "3000"][..], &["--target-half-width", "0.8"]] {
        let mut all = Vec::new();
        for extra in [
            &["--threads", "1"][..],
            &["--threads", "3", "--batch-size", "1"],
            &["--batch-size", "4294967295"],
        ] {
            all.push(figures(json_of(compare().args(extent).args(extra))));
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{extent:?}");
    }
}

/// Writes a table without what aligns it.
fn words(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_text_shows_variants_differences_and_the_best() {
    let assert = compare()
        .args(["--episodes", "5000"])
        .args(["--variant", "again: policy.name=random"])
        .assert()
        .success();
    let told = words(&assert.get_output().stdout);
    for expected in [
        "episodes 5000 of each variant",
        "greedy greedy: by = \"clickbait_score\", order = \"min\"",
        "difference mean ± standard error 95 % interval of all together p, adjusted variance reduction",
        "random - greedy",
        "random - again 0 ± 0 [0, 0] [0, 0] 1 -",
        "confidence 0 % only; the best may be random or again",
        "user-steps/s",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    compare()
        .args(["--episodes", "5000"])
        .assert()
        .success()
        .stdout(contains(
            "random is the best, with confidence above 99.99 % (the closest is greedy)\nit exceeds the best of the others by ",
        ))
        .stdout(contains(
            "(less than 0.01 % of all runs claim with such confidence a best that is none)",
        ));
}

/// D5 of an audit: the normal distribution says 97.72 % of these two episodes.
#[test]
fn two_episodes_are_judged_by_students_distribution() {
    let run = |episodes: &str| {
        let mut command = cargo_bin_cmd!("slatesim");
        command
            .env_remove("SLATESIM_LOG")
            .args(["compare", "--backend", "cpu"]);
        command.args([
            "--environment",
            "item_transition",
            "--policy",
            "random",
            "--seed",
            "3",
        ]);
        command.args(["--variant", "g: policy.name=table, policy.table=greedy"]);
        command.args(["--episodes", episodes]);
        command
    };
    let report = json_of(&mut run("2"));
    let pair = &report["differences"][0];
    let number = |value: &Value| value.as_f64().expect("a number");
    let (mean, error) = (number(&pair["mean"]), number(&pair["standard_error"]));
    let [low, high] = [0, 1].map(|end| number(&pair["ci95"][end]));
    // Student's t with one degree of freedom.
    assert!(((high - low) / (2.0 * 12.706_205 * error) - 1.0).abs() < 1e-6);
    let tail = 0.5 - (mean.abs() / error).atan() / std::f64::consts::PI;
    assert!((number(&pair["p_value"]) - 2.0 * tail).abs() < 1e-9);
    assert!((number(&report["best"]["confidence"]) - (1.0 - tail)).abs() < 1e-9);
    run("2")
        .assert()
        .success()
        .stderr(contains("2 episodes are few"));
    // Three equal pairs do not tell that all are equal.
    let equal = json_of(slatesim("compare").args([
        "--variant",
        "a:",
        "--variant",
        "b:",
        "--episodes",
        "3",
    ]));
    let pair = &equal["differences"][0];
    assert_eq!(
        (&pair["mean"], &pair["ci95"], &pair["p_value"]),
        (&json!(0.0), &Value::Null, &Value::Null)
    );
    assert_eq!(equal["best"]["confidence"], Value::Null);
    let report = json_of(&mut run("1000"));
    let number = |value: &Value| value.as_f64().expect("a number").abs();
    let margin = number(&report["best"]["margin"]);
    assert!((margin - number(&report["differences"][0]["mean"])).abs() < 1e-9 * margin);
}

#[test]
fn the_example_file_runs_and_flags_add_to_its_variants() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/compare.toml");
    let report = json_of(slatesim("compare").arg(example).args([
        "--episodes",
        "512",
        "--policy",
        "static",
        "--variant",
        "base:",
    ]));
    let variants = report["policies"].as_array().expect("a list");
    let labels: Vec<&str> = variants
        .iter()
        .filter_map(|variant| variant["label"].as_str())
        .collect();
    assert_eq!(
        labels,
        [
            "random",
            "least clickbait",
            "most clickbait",
            "static",
            "base"
        ]
    );
    assert_eq!(report["differences"].as_array().map(Vec::len), Some(10));
    assert_eq!(variants[2]["policy"]["order"], "max");
    assert_eq!(variants[4]["policy"], variants[0]["policy"]);
    // A variant stands above the flags, and the flags above the file.
    assert_eq!(variants[0]["environment"]["user"]["time_budget"], 5.0);
}

#[test]
fn variants_may_differ_in_the_environment_and_in_max_steps() {
    let mut command = cargo_bin_cmd!("slatesim");
    command
        .args(["compare", "--backend", "cpu", "--episodes", "512"])
        .args([
            "--variant",
            "short: environment.user.time_budget=5, max_steps=3",
        ])
        .args([
            "--variant",
            "other: environment.name=interest_exploration, max_steps=4, \
             environment.user.type_distribution=[0.5, 0.5]",
        ]);
    let report = json_of(&mut command);
    let [short, other] = [0, 1].map(|index| &report["policies"][index]);
    assert_eq!(
        (&short["max_steps"], &other["max_steps"]),
        (&json!(3), &json!(4))
    );
    assert_eq!(
        (&short["user_steps"], &other["user_steps"]),
        (&json!(1536), &json!(2048))
    );
    assert_eq!(
        other["environment"]["user"]["type_distribution"],
        json!([0.5, 0.5])
    );
    // Figures that only one of them has stand with it alone.
    assert!(short.get("topics").is_none() && other.get("topics").is_some());
}

/// Asserts exit code 2, nothing on stdout, and one line that tells all of this.
fn refused(command: &mut Command, told: &[&str]) {
    let mut assert = command
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("panicked").not());
    for text in told {
        assert = assert.stderr(contains(*text));
    }
}

#[test]
fn what_is_no_comparison_is_refused() {
    refused(
        &mut slatesim("compare"),
        &[
            "there are no variants to compare",
            "from 2 to 32",
            "--variant",
        ],
    );
    refused(
        slatesim("compare").args(["--policy", "random"]),
        &["there is one variant to compare, \"random\""],
    );
    refused(
        compare().args(["--policy", "random"]),
        &["two variants are called \"random\""],
    );
    refused(
        compare().args(["--variant", "third: policy.nam=random"]),
        &[
            "variant \"third\": unknown key `policy.nam`",
            "did you mean `policy.name`?",
        ],
    );
    refused(
        compare().args(["--variant", "third: environment.slate_size=30"]),
        &["variant \"third\": `environment.slate_size` = 30 is not allowed"],
    );
    refused(
        compare().args(["--variant", "third: seed=3"]),
        &[
            "variant \"third\": `seed` = 3 is not allowed",
            "one for all",
        ],
    );
    refused(
        compare().args(["--variant", "policy.name=random"]),
        &["has no `:` after its label", "LABEL: dotted.key=value"],
    );
    refused(
        slatesim("compare").args(["--policy", "random", "--policy", "greddy"]),
        &["variant \"greddy\": `policy.name` = \"greddy\" is unknown (did you mean `greedy`?)"],
    );
    refused(
        slatesim("compare").args(["--policy", "random", "--policy", "table"]),
        &["variant \"table\": `policy.", "finite state"],
    );
    let folder = TempDir::new().expect("a folder");
    let file = write(&folder, "[[variant]]\nname = 'a'\nsett = {}\n");
    refused(
        compare().arg(file),
        &[
            "unknown key `variant[0].sett`",
            "did you mean `set`?",
            "run.toml",
        ],
    );
    let file = write(&folder, "[[variant]]\nname = 'a'\n");
    refused(
        slatesim("evaluate").arg(file),
        &["unknown key `variant`", "slatesim compare"],
    );
}

#[test]
fn a_comparison_is_no_shard() {
    let folder = TempDir::new().expect("a folder");
    let report = json_of(compare().args(["--episodes", "256"]));
    let path = write(&folder, &report.to_string());
    let mut merge = cargo_bin_cmd!("slatesim");
    refused(
        merge.arg("merge").arg(path),
        &["run.toml", "not a result of `slatesim evaluate --json`"],
    );
}

#[test]
fn targets_that_cannot_be_are_refused() {
    for command in ["evaluate", "compare"] {
        for value in ["0", "-1", "nan", "inf", "x"] {
            for flag in ["--target-half-width", "--target-standard-error"] {
                refused(
                    slatesim(command).args([flag, value]),
                    &[flag, value, "allowed is a finite number above 0"],
                );
            }
        }
        refused(
            slatesim(command).args(["--target-half-width", "1", "--target-standard-error", "1"]),
            &["cannot be used with"],
        );
        refused(
            slatesim(command).args(["--target-half-width", "1", "--max-episodes", "4095"]),
            &["--max-episodes", "4095", "4096"],
        );
        refused(
            slatesim(command).args(["--max-episodes", "5000"]),
            &["required"],
        );
    }
    refused(
        slatesim("evaluate").args(["--target-half-width", "1", "--shard", "0/2"]),
        &["--shard", "cannot be used with"],
    );
    refused(
        slatesim("evaluate").args(["--target-half-width", "1", "--episodes", "5000"]),
        &[
            "`--target-half-width`",
            "--episodes sets `episodes`",
            "--max-episodes",
        ],
    );
}

#[test]
fn a_target_is_reached_and_reported() {
    let report = json_of(slatesim("evaluate").args(["--target-half-width", "2"]));
    assert_eq!(report["target_reached"], true);
    let stopping = &report["stopping"];
    assert_eq!(
        keys(stopping),
        [
            "target_half_width",
            "max_episodes",
            "looks",
            "level",
            "standard_error",
            "half_width",
            "largest_share",
            "extension"
        ]
    );
    assert_eq!(
        (&stopping["level"], &stopping["max_episodes"]),
        (&json!(0.95), &json!(100_000_000))
    );
    assert!(
        stopping["half_width"]
            .as_f64()
            .is_some_and(|width| width <= 2.0)
    );
    assert_eq!(
        stopping["standard_error"],
        report["return"]["standard_error"]
    );
    // The same run, asked for by its number of episodes.
    let episodes = report["episodes"].to_string();
    let plain = json_of(slatesim("evaluate").args(["--episodes", &episodes]));
    for key in ["return", "length", "click_rate", "state"] {
        assert_eq!(plain[key], report[key]);
    }
    slatesim("evaluate")
        .args(["--target-standard-error", "2"])
        .assert()
        .success()
        .stdout(contains("target       standard error 2: reached, "));
}

#[test]
fn a_target_out_of_reach_is_marked_and_exits_with_1() {
    let bound = ["--target-half-width", "0.0001", "--max-episodes", "5000"];
    for mut command in [slatesim("evaluate"), compare()] {
        let report = json_with_code(command.args(bound), 1);
        assert_eq!(report["target_reached"], false);
        assert_eq!(report["episodes"], 5000);
        assert!(report.get("partial").is_none());
    }
    for mut command in [slatesim("evaluate"), compare()] {
        command
            .args(bound)
            .assert()
            .code(1)
            .stdout(contains("half-width 0.0001 (95 %): NOT REACHED, "))
            .stderr(contains("the target precision was not reached"));
    }
}

#[test]
fn a_heavy_tail_extends_the_run_and_a_bound_that_is_too_small_for_it_is_told() {
    let run = |extra: &[&str]| {
        let mut command = slatesim("evaluate");
        command.args(["--set", "environment.user.choc_stddev=2.5"]);
        command.args(["--target-half-width", "100000"]).args(extra);
        command
    };
    let report = json_of(&mut run(&[]));
    let extension = &report["stopping"]["extension"];
    assert_eq!(extension["from"], 4096);
    let to = extension["to"].as_u64().expect("a number");
    assert!(
        report["episodes"]
            .as_u64()
            .is_some_and(|episodes| episodes >= to)
    );
    assert!(
        extension["largest_share"]
            .as_f64()
            .is_some_and(|share| share > 0.04)
    );
    let report = json_with_code(&mut run(&["--max-episodes", "5000"]), 1);
    assert_eq!(report["target_reached"], false);
    let reason = report["stopping"]["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("the target cannot be told within 5000 episodes: after 4096"),
        "{reason}"
    );
    run(&["--max-episodes", "5000"])
        .assert()
        .code(1)
        .stdout(contains("NOT REACHED"))
        .stderr(contains("the target cannot be told"));
}

#[test]
fn a_key_that_a_target_makes_useless_is_told_of() {
    let folder = TempDir::new().expect("a folder");
    let file = write(&folder, "episodes = 300\n");
    slatesim("evaluate")
        .arg(&file)
        .args(["--target-half-width", "2"])
        .assert()
        .success()
        .stderr(contains("`episodes` is not used (in "));
    slatesim("evaluate")
        .arg(&file)
        .args(["--target-half-width", "2", "--quiet"])
        .args(["--set", "environment.user.choc_stddev=0.1"])
        .args(["--set", "environment.user.kale_stddev=0.1"])
        .assert()
        .success()
        .stderr(is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_has_been_compared_and_exits_with_130() {
    use std::io::Read;
    let (child, mut stderr) = interruption::begun(
        std::process::Command::new(env!("CARGO_BIN_EXE_slatesim"))
            .arg("compare")
            .args(SHORT)
            .args(["--policy", "random", "--policy", "static", "--json"])
            .args(["--batch-size", "256", "--episodes", "1000000000000"]),
        "comparing",
    );
    std::thread::sleep(std::time::Duration::from_millis(300));
    interruption::interrupt(&child, 1);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["partial"], true);
    let episodes = report["episodes"].as_u64().expect("a count");
    assert!(episodes < 1_000_000_000_000 && episodes.is_multiple_of(256));
    for variant in report["policies"].as_array().expect("a list") {
        assert_eq!(variant["user_steps"], 5 * episodes);
    }
    let mut told = String::new();
    stderr.read_to_string(&mut told).expect("text");
    assert!(told.contains("the result is partial"), "{told}");
}

#[test]
fn the_help_says_what_is_corrected_and_how() {
    let mut help = cargo_bin_cmd!("slatesim");
    help.args(["compare", "--help"])
        .assert()
        .success()
        .stdout(starts_with("Compare policies, or settings of one"))
        .stdout(contains("(Bonferroni)"))
        .stdout(contains("(Holm)"))
        .stdout(contains("[default: 100000000]"));
}
