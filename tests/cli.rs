//! The contract of the command line: what stands on stdout, what on stderr, and the exit codes.

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
const SHORT: [&str; 2] = ["--set", "environment.user.time_budget=5"];

fn slatesim() -> Command {
    let mut command = cargo_bin_cmd!("slatesim");
    command.env_remove("SLATESIM_LOG");
    command
}

/// A command that finds no graphics driver.
fn without_gpu() -> Command {
    let mut command = slatesim();
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        command.env(variable, "/nonexistent/driver.json");
    }
    command
}

fn evaluate(backend: &str) -> Command {
    let mut command = slatesim();
    command
        .args(["evaluate", "--backend", backend, "--episodes", "1000"])
        .args(SHORT);
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("the output is text")
}

fn json_of(command: &mut Command) -> Value {
    serde_json::from_str(&stdout(command.arg("--json"))).expect("the output is one JSON value")
}

/// A report without what differs from run to run.
fn figures(mut report: Value) -> String {
    let object = report.as_object_mut().expect("a report is an object");
    for key in ["seconds", "user_steps_per_second", "shard"] {
        object.shift_remove(key);
    }
    // It is of those too.
    if let Some(Value::Object(state)) = object.get_mut("state") {
        state.shift_remove("hash");
    }
    report.to_string()
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("the folder can be written");
    path
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/random_baseline.toml")
}

// What `evaluate` prints.

#[test]
fn the_json_report_has_the_keys_of_the_contract() {
    let report = json_of(evaluate("cpu").args(["--seed", "7"]));
    let expected = [
        "schema",
        "slatesim",
        "environment",
        "policy",
        "seed",
        "max_steps",
        "warnings",
        "backend",
        "episodes",
        "user_steps",
        "return",
        "non_finite_returns",
        "truncated",
        "invalid_choices",
        "length",
        "click_rate",
        "reward_per_step",
        "reward_per_step_standard_error",
        "click_rate_per_step",
        "click_rate_per_step_standard_error",
        "running_per_step",
        "reward_slope",
        "slots",
        "seconds",
        "user_steps_per_second",
        "state",
    ];
    assert_eq!(keys(&report), expected);
    assert_eq!(report["schema"], 1);
    assert_eq!(report["seed"], 7);
    assert_eq!(report["episodes"], 1000);
    assert_eq!(report["user_steps"], 5000);
    assert_eq!(report["max_steps"], 5);
    assert_eq!(report["environment"]["name"], "long_term_satisfaction");
    assert_eq!(report["environment"]["user"]["time_budget"], 5.0);
    assert_eq!(report["environment"]["user"]["memory_discount"], 0.7);
    assert_eq!(
        report["policy"],
        json!({"name": "random", "with_replacement": false})
    );
    assert_eq!(keys(&report["backend"]), ["name", "device", "driver"]);
    assert_eq!(report["backend"]["name"], "cpu");
    let moments = [
        "mean",
        "standard_error",
        "standard_deviation",
        "min",
        "max",
        "quantiles",
    ];
    let with = |more: &[&'static str]| [&moments[..], more].concat();
    assert_eq!(
        keys(&report["return"]),
        with(&["largest_share", "trimmed_mean"])
    );
    assert_eq!(keys(&report["length"]), with(&["largest_share"]));
    assert_eq!(
        keys(&report["return"]["trimmed_mean"]),
        ["mean", "standard_error", "trimmed", "ci95"]
    );
    let probabilities = [
        "0.01", "0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95", "0.99",
    ];
    assert_eq!(keys(&report["return"]["quantiles"]), probabilities);
    assert_eq!(keys(&report["click_rate"]), ["mean", "standard_error"]);
    assert_eq!(
        keys(&report["reward_slope"]),
        ["mean", "standard_error", "episodes", "largest_share"]
    );
    assert_eq!(report["reward_per_step"].as_array().map(Vec::len), Some(5));
    assert_eq!(
        keys(&report["state"]),
        [
            "layout",
            "slatesim",
            "requested_episodes",
            "max_steps",
            "episode_ranges",
            "statistics",
            "hash"
        ]
    );
    assert_eq!(report["state"]["episode_ranges"], json!([[0, 1000]]));
}

#[test]
fn numbers_have_at_least_12_significant_digits() {
    let text = stdout(evaluate("reference").arg("--json"));
    let (_, rest) = text
        .split_once("\"return\":{\"mean\":")
        .expect("a mean return");
    let digits: String = rest
        .chars()
        .take_while(|&character| character != ',')
        .filter(char::is_ascii_digit)
        .collect();
    assert!(digits.len() >= 12, "{digits}");
}

#[test]
fn the_output_is_one_line_of_json() {
    let text = stdout(evaluate("cpu").arg("--json"));
    assert_eq!(text.matches('\n').count(), 1);
    assert!(text.starts_with('{') && text.ends_with("}\n"));
}

#[test]
fn threads_and_batches_change_no_bit() {
    for backend in ["cpu", "reference"] {
        let mut all = Vec::new();
        for extra in [
            &["--threads", "1"][..],
            &["--threads", "3"],
            &["--batch-size", "1"],
            &["--batch-size", "4294967295"],
        ] {
            let mut report = json_of(evaluate(backend).args(extra));
            report["backend"]["device"] = Value::Null;
            all.push(figures(report));
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{backend}");
    }
}

/// A run with topics, positions of the slate and qualities.
fn exploration(episodes: &str) -> Command {
    let mut command = slatesim();
    command
        .args(["evaluate", "--backend", "cpu", "--episodes", episodes])
        .args(["--environment", "interest_exploration", "--seed", "7"])
        .args(["--max-steps", "5"]);
    command
}

#[test]
fn the_table_shows_every_figure_with_its_uncertainty() {
    // Errors of topics, positions and qualities come from blocks of 256 episodes, of which there are enough.
    let text = stdout(
        exploration("8000").args(["--set", "environment.document.topic_quality_mean=[1, 2]"]),
    );
    for told in [
        "environment  interest_exploration: document.topic_quality_mean = [1.0,2.0]\n",
        "policy       random\n",
        "seed         7\n",
        "max_steps    5\n",
        "episodes     8000 (40000 user-steps)\n",
        "backend      cpu: ",
        "mean ± standard error",
        "quantile",
        "share of steps",
        "user-steps/s\n",
    ] {
        assert!(text.contains(told), "{told:?} is not in: {text}");
    }
    let mut rows = Vec::new();
    for figure in ["return", "length", "click rate", "reward slope"] {
        rows.push(format!("{figure} +ESTIMATE"));
    }
    rows.push("clicked quality +ESTIMATE$".to_owned());
    for index in 0..2 {
        // Impressions, clicks, rate and share of a topic; clicks and rate of a position.
        rows.push(format!("{index} +[0-9]+ +[0-9]+ +ESTIMATE +ESTIMATE$"));
        rows.push(format!("{index} +[0-9]+ +ESTIMATE$"));
    }
    for row in rows {
        let pattern = format!("(?m)^{}", row.replace("ESTIMATE", "-?[0-9.]+ ± [0-9.]+"));
        let is_there = predicates::str::is_match(pattern).expect("a pattern");
        assert!(is_there.eval(text.as_str()), "{row} is not in: {text}");
    }
}

#[test]
fn topics_and_positions_divide_the_clicks_between_them() {
    let report = json_of(&mut exploration("1000"));
    let number = |value: &Value| value.as_f64().expect("a number");
    let list = |name: &str| report[name].as_array().expect("a list").clone();
    let sum = |list: &[Value], key: &str| list.iter().map(|entry| number(&entry[key])).sum::<f64>();
    let (topics, slots) = (list("topics"), list("slots"));
    assert_eq!((topics.len(), slots.len()), (2, 2));
    for topic in &topics {
        assert_eq!(
            keys(topic),
            [
                "impressions",
                "clicks",
                "click_rate",
                "standard_error",
                "click_share",
                "click_share_standard_error"
            ]
        );
        let clicks = number(&topic["clicks"]);
        assert_eq!(number(&topic["click_share"]), clicks / 5000.0);
        let impressions = number(&topic["impressions"]);
        assert_eq!(number(&topic["click_rate"]), clicks / impressions);
    }
    for slot in &slots {
        assert_eq!(keys(slot), ["clicks", "click_rate", "standard_error"]);
        assert_eq!(
            number(&slot["click_rate"]),
            number(&slot["clicks"]) / 5000.0
        );
    }
    // Slates of 2, for 5,000 user-steps.
    assert_eq!(sum(&topics, "impressions"), 10_000.0);
    let clicks = sum(&topics, "clicks");
    assert_eq!(sum(&slots, "clicks"), clicks);
    assert!(clicks > 0.0);
    let rate = number(&report["click_rate"]["mean"]);
    assert!((sum(&topics, "click_share") - rate).abs() < 1e-12, "{rate}");
}

/// Finds every object with a mean, or a rate, and tells whether its standard error is beside it.
fn means_without_error(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let place = format!("{path}.{key}");
                let error = match key.as_str() {
                    "state" | "backend" | "environment" | "policy" => continue,
                    "mean" | "click_rate" if inner.is_number() => "standard_error".to_owned(),
                    "click_share" | "reward_per_step" | "click_rate_per_step" => {
                        format!("{key}_standard_error")
                    }
                    _ => {
                        means_without_error(inner, &place, found);
                        continue;
                    }
                };
                let is_told = object.get(&error).is_some_and(|error| match error {
                    Value::Array(errors) => errors.iter().all(Value::is_number),
                    other => other.is_number(),
                });
                if !is_told {
                    found.push(place);
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                means_without_error(inner, &format!("{path}.{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_mean_has_a_standard_error() {
    // 30 blocks of 256 episodes.
    let report = json_of(&mut exploration("7425"));
    let mut found = Vec::new();
    means_without_error(&report, "", &mut found);
    assert!(found.is_empty(), "{found:?}");
    let report = json_of(&mut exploration("7424"));
    means_without_error(&report, "", &mut found);
    let topics = [0, 1].map(|topic| {
        [
            format!(".topics.{topic}.click_rate"),
            format!(".topics.{topic}.click_share"),
        ]
    });
    let slots = [0, 1].map(|slot| format!(".slots.{slot}.click_rate"));
    let blocks = [
        &topics.concat()[..],
        &slots,
        &[".clicked_quality.mean".to_owned()],
    ]
    .concat();
    assert_eq!(found, blocks);
}

#[test]
fn standard_errors_of_steps_that_few_reach_are_null() {
    let report = json_of(slatesim().args([
        "evaluate",
        "--environment",
        "item_transition",
        "--backend",
        "cpu",
        "--episodes",
        "10000",
        "--seed",
        "3",
    ]));
    let list = |key: &str| report[key].as_array().expect("a list").clone();
    for key in ["reward_per_step", "click_rate_per_step"] {
        let (means, errors) = (list(key), list(&format!("{key}_standard_error")));
        assert_eq!(means.len(), errors.len());
        assert!(means.iter().all(Value::is_number));
        // Long after the last step that 30 episodes reach.
        assert!(errors[errors.len() - 1].is_null() && errors[0].is_number());
        let known = errors.iter().take_while(|error| error.is_number()).count();
        assert!(errors[known..].iter().all(Value::is_null), "{errors:?}");
    }
}

/// Makes the spread of the returns so small that no warning is due.
const LIGHT: [&str; 4] = [
    "--set",
    "environment.user.choc_stddev=0.1",
    "--set",
    "environment.user.kale_stddev=0.1",
];

fn heavy(episodes: &str) -> Command {
    let mut command = slatesim();
    command.args(["evaluate", "--backend", "cpu", "--episodes", episodes]);
    command.args(["--set", "environment.user.choc_stddev=2.5"]);
    command.args(["--set", "environment.user.time_budget=5"]);
    command
}

#[test]
fn a_heavy_tail_is_warned_of_with_a_trimmed_mean_beside_it() {
    let assert = heavy("1000").assert().success();
    let (told, text) = (
        String::from_utf8_lossy(&assert.get_output().stderr).into_owned(),
        String::from_utf8_lossy(&assert.get_output().stdout).into_owned(),
    );
    assert!(
        told.contains("warning: one of 1000 episodes has "),
        "{told}"
    );
    assert!(
        told.contains("too small and the mean rather too low"),
        "{told}"
    );
    assert!(text.contains("\ntrimmed mean  "), "{text}");
    assert!(text.contains("of the middle 80 % of the returns"), "{text}");
    let report = json_of(&mut heavy("1000"));
    let share = report["return"]["largest_share"].as_f64().expect("a share");
    assert!(share > 0.04, "{share}");
    let warnings = report["warnings"].as_array().expect("a list");
    assert!(warnings.iter().any(|text| {
        text.as_str()
            .is_some_and(|text| text.contains("of the returns"))
    }));
    let [low, high] = [0, 1].map(|end| {
        report["return"]["trimmed_mean"]["ci95"][end]
            .as_f64()
            .expect("an end")
    });
    assert!(low < high && high < report["return"]["mean"].as_f64().expect("a mean"));
    // A light tail has neither.
    let assert = evaluate("cpu").args(LIGHT).assert().success();
    assert!(!String::from_utf8_lossy(&assert.get_output().stdout).contains("trimmed"));
    assert!(!String::from_utf8_lossy(&assert.get_output().stderr).contains("warning"));
}

#[test]
fn few_episodes_are_warned_of() {
    for episodes in ["2", "99"] {
        let assert = slatesim()
            .args(["evaluate", "--backend", "cpu", "--episodes", episodes])
            .assert()
            .success();
        let told = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(
            told.contains(&format!("{episodes} episodes are few")),
            "{told}"
        );
        assert!(told.contains("Student"), "{told}");
    }
    let run = |episodes| {
        let mut command = slatesim();
        command.args(["evaluate", "--backend", "cpu", "--episodes", episodes]);
        command.args(LIGHT);
        command
    };
    let report = json_of(&mut run("10"));
    assert_eq!(report["warnings"].as_array().map(Vec::len), Some(1));
    let report = json_of(&mut run("100"));
    assert!(!report["warnings"].to_string().contains("are few"));
    let report = json_of(evaluate("cpu").args(LIGHT));
    assert_eq!(report["warnings"], json!([]));
}

#[test]
fn the_published_baseline_runs() {
    let report = json_of(
        slatesim()
            .args(["evaluate", "--backend", "cpu", "--episodes", "512"])
            .arg(example()),
    );
    assert_eq!(report["seed"], 7);
    assert_eq!(report["user_steps"], 512 * 120);
    let mean = report["return"]["mean"].as_f64().expect("a mean");
    let error = report["return"]["standard_error"]
        .as_f64()
        .expect("an error");
    // 1157.99 is the original's; seed 7 and 512 episodes, five standard errors.
    assert!((mean - 1157.99).abs() < 5.0 * error, "{mean} ± {error}");
}

#[test]
fn values_are_laid_over_each_other_in_the_documented_order() {
    let folder = TempDir::new().expect("a folder");
    let file = write(
        &folder,
        "run.toml",
        "seed = 1\nepisodes = 300\nmax_steps = 3\n",
    );
    let report = json_of(
        slatesim()
            .args(["evaluate", "--backend", "cpu"])
            .arg(&file)
            .args(["--episodes", "256", "--set", "seed=2", "--set", "seed=3"])
            .args(["--set", "episodes=999", "--policy", "static"]),
    );
    assert_eq!(report["seed"], 3);
    assert_eq!(report["episodes"], 256);
    assert_eq!(report["max_steps"], 3);
    assert_eq!(report["user_steps"], 3 * 256);
    assert_eq!(report["policy"]["name"], "static");
}

// What stands on stderr.

#[test]
fn quiet_says_nothing_at_all() {
    evaluate("cpu")
        .args(LIGHT)
        .arg("--quiet")
        .assert()
        .success()
        .stderr(is_empty());
    without_gpu()
        .args(["evaluate", "--episodes", "256", "--quiet"])
        .args(LIGHT)
        .assert()
        .success()
        .stderr(contains("slatesim:").not());
}

#[cfg(target_os = "linux")]
#[test]
fn auto_says_what_it_takes_and_why() {
    without_gpu()
        .args(["evaluate", "--episodes", "256", "--threads", "1"])
        .assert()
        .success()
        .stderr(contains(
            "slatesim: running on cpu (1 thread): no hardware GPU found\n",
        ));
}

#[test]
fn rewards_that_single_precision_cannot_hold_are_refused_by_key() {
    for (key, value) in [
        ("choc_mean", "1000"),
        ("kale_mean", "170"),
        ("kale_stddev", "20"),
        ("choc_stddev", "7"),
        ("kale_mean", "-200"),
        ("observation_noise_stddev", "1e30"),
        ("sensitivity", "1e30"),
    ] {
        for backend in ["cpu", "reference"] {
            let setting = format!("environment.user.{key}={value}");
            let told = format!(
                "`environment.user.{key}` = {}",
                value.parse::<f64>().expect("a number")
            );
            refused(
                evaluate(backend).args(["--set", &setting]),
                &[&told, "allowed is"],
            );
        }
    }
}

// Exit codes and errors.

/// Refused with exit code 2, nothing on stdout, and one line that says all of `told`.
fn refused(command: &mut Command, told: &[&str]) {
    let assert = command.assert().code(2).stdout(is_empty());
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.starts_with("slatesim: "), "{stderr}");
    assert_eq!(stderr.matches("slatesim: ").count(), 1, "{stderr}");
    for part in told {
        assert!(stderr.contains(part), "{part:?} is not in: {stderr}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    for (arguments, told) in [
        (
            ["--environment", "long_term_satisfacton"],
            [
                "`environment.name`",
                "long_term_satisfacton",
                "did you mean `long_term_satisfaction`",
            ],
        ),
        (
            ["--policy", "randm"],
            ["`policy.name`", "randm", "did you mean `random`"],
        ),
        (
            ["--set", "environment.user.sensitivty=1"],
            [
                "unknown key",
                "environment.user.sensitivty",
                "did you mean `environment.user.sensitivity`",
            ],
        ),
        (
            ["--set", "episode=5"],
            ["unknown key", "`episode`", "did you mean `episodes`"],
        ),
    ] {
        refused(evaluate("cpu").args(arguments), &told);
    }
}

#[test]
fn bad_values_are_refused_with_the_key_the_value_and_what_is_allowed() {
    for (arguments, told) in [
        // Wrong types.
        (
            "--set=environment.slate_size=\"two\"",
            ["environment.slate_size", "two", "an integer"],
        ),
        (
            "--set=environment.slate_size=2.5",
            ["environment.slate_size", "2.5", "an integer"],
        ),
        (
            "--set=environment.user=3",
            ["`environment.user`", "3", "a table"],
        ),
        ("--episodes=many", ["`episodes`", "many", "--episodes"]),
        ("--seed=1.5", ["`seed`", "1.5", "an integer from 0"]),
        (
            "--environment=5",
            ["`environment.name`", "5", "long_term_satisfaction"],
        ),
        // Numbers that are none.
        (
            "--set=environment.user.sensitivity=nan",
            ["environment.user.sensitivity", "nan", "finite"],
        ),
        (
            "--set=environment.user.choc_mean=inf",
            ["environment.user.choc_mean", "inf", "finite"],
        ),
        (
            "--set=environment.user.choc_mean=1e300",
            ["environment.user.choc_mean", "1", "finite"],
        ),
        // Out of range.
        (
            "--set=environment.user.kale_stddev=-0.1",
            ["environment.user.kale_stddev", "-0.1", "at least 0"],
        ),
        (
            "--set=environment.user.memory_discount=1",
            ["environment.user.memory_discount", "1", "below 1"],
        ),
        (
            "--set=environment.slate_size=11",
            ["environment.slate_size", "11", "which is 10"],
        ),
        (
            "--set=environment.slate_size=0",
            ["environment.slate_size", "0", "from 1"],
        ),
        ("--episodes=0", ["`episodes`", "0", "from 1"]),
        ("--episodes=-5", ["`episodes`", "-5", "from 1"]),
        ("--seed=-1", ["`seed`", "-1", "from 0"]),
        ("--max-steps=0", ["`max_steps`", "0", "from 1"]),
        // What does not go together.
        (
            "--set=environment.document.corpus=[0.5]",
            ["environment.document.corpus", "resample_documents", "false"],
        ),
        (
            "--set=environment.choice.no_click_mass=1",
            [
                "environment.choice.no_click_mass",
                "no effect",
                "multinomial_logit",
            ],
        ),
        (
            "--set=policy.by=\"clickbait_score\"",
            ["policy.by", "greedy", "unknown key"],
        ),
        // No assignment at all.
        (
            "--set=environment.slate_size",
            ["environment.slate_size", "no `=`", "dotted.key=value"],
        ),
    ] {
        refused(
            slatesim().args(["evaluate", "--backend", "cpu", arguments]),
            &told,
        );
    }
}

#[test]
fn a_corpus_must_have_one_document_a_candidate() {
    let fixed = ["--set", "environment.resample_documents=false"];
    refused(
        evaluate("cpu")
            .args(fixed)
            .args(["--set", "environment.document.corpus=[0.5, 0.25]"])
            .args(["--set", "environment.num_candidates=3"]),
        &[
            "environment.document.corpus",
            "2 documents",
            "one document a candidate",
        ],
    );
    refused(
        evaluate("cpu")
            .args(fixed)
            .args(["--set", "environment.document.corpus=nowhere.csv"]),
        &["environment.document.corpus", "nowhere.csv"],
    );
}

#[test]
fn a_policy_that_the_environment_cannot_feed_is_refused() {
    refused(
        evaluate("cpu").args(["--policy", "greedy", "--set", "policy.by=qualty"]),
        &["policy.by", "qualty", "clickbait_score"],
    );
}

#[test]
fn malformed_toml_is_shown_with_its_line() {
    let folder = TempDir::new().expect("a folder");
    let file = write(&folder, "run.toml", "seed = 1\nepisodes = = 2\n");
    refused(
        slatesim().arg("evaluate").arg(&file),
        &["run.toml", "line 2", "episodes = = 2", "^"],
    );
    let file = write(&folder, "twice.toml", "seed = 1\nseed = 2\n");
    refused(
        slatesim().arg("evaluate").arg(&file),
        &["twice.toml", "duplicate"],
    );
    std::fs::write(&file, b"seed = \xff").expect("the folder can be written");
    refused(
        slatesim().arg("evaluate").arg(&file),
        &["twice.toml", "UTF-8"],
    );
}

#[test]
fn errors_in_a_file_name_the_file() {
    let folder = TempDir::new().expect("a folder");
    let file = write(
        &folder,
        "run.toml",
        "[environment.user]\nsensitivity = true\n",
    );
    refused(
        slatesim().arg("evaluate").arg(&file),
        &[
            "environment.user.sensitivity",
            "true",
            "a finite number",
            "run.toml",
        ],
    );
    refused(
        slatesim().args(["evaluate", "nowhere.toml"]),
        &["nowhere.toml"],
    );
    refused(
        slatesim().arg("evaluate").arg(folder.path()),
        &["cannot read"],
    );
}

#[test]
fn bad_flags_are_refused_with_what_is_allowed() {
    for (arguments, told) in [
        (["--shard", "2/2"], "shard 2/2 does not exist"),
        (["--shard", "0/0"], "shard 0/0 does not exist"),
        (["--shard", "first"], "write I/N"),
        (["--shard", "-1/2"], "--shard"),
        (["--batch-size", "0"], "0 is not in 1..="),
        (["--batch-size", "-1"], "--batch-size"),
        (["--batch-size", "1000000000000000000"], "is not in 1..="),
        (
            ["--batch-size", "1000000000000000000000000"],
            "--batch-size",
        ),
        (["--threads", "0"], "0 is not in 1..=1024"),
        (["--threads", "1000000000"], "is not in 1..=1024"),
        (
            ["--backend", "cuda"],
            "[possible values: auto, gpu, cpu, reference]",
        ),
        (["--nonsense", "1"], "--nonsense"),
    ] {
        slatesim()
            .arg("evaluate")
            .args(arguments)
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(contains(told));
    }
    slatesim().assert().code(2).stdout(is_empty());
    slatesim()
        .arg("evaluat")
        .assert()
        .code(2)
        .stderr(contains("evaluate"));
    slatesim()
        .arg("--help")
        .assert()
        .success()
        .stdout(contains("evaluate"));
    slatesim()
        .arg("--version")
        .assert()
        .success()
        .stdout(starts_with("slatesim "));
}

#[test]
fn a_bad_log_filter_is_refused() {
    refused(
        evaluate("cpu").env("SLATESIM_LOG", "slatesim=loud"),
        &["SLATESIM_LOG", "slatesim=loud", "allowed is"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn no_adapter_is_exit_code_3_with_what_to_install() {
    without_gpu()
        .args(["evaluate", "--backend", "gpu", "--episodes", "256"])
        .assert()
        .code(3)
        .stdout(is_empty())
        .stderr(contains("mesa-vulkan-drivers").and(contains("--backend cpu")));
}

// Shards.

fn shard(folder: &TempDir, backend: &str, text: &str) -> PathBuf {
    let json = stdout(evaluate(backend).args(["--json", "--quiet", "--shard", text]));
    write(
        folder,
        &format!("{backend}-{}.json", text.replace('/', "-")),
        &json,
    )
}

#[test]
fn merged_shards_are_the_whole_run_to_the_last_bit() {
    let folder = TempDir::new().expect("a folder");
    for backend in ["cpu", "reference"] {
        let whole = figures(json_of(&mut evaluate(backend)));
        let shards = ["2/3", "0/3", "1/3"].map(|text| shard(&folder, backend, text));
        let merged = json_of(slatesim().arg("merge").args(&shards));
        assert!(merged["seconds"].as_f64().expect("a time") > 0.0);
        assert!(merged["user_steps_per_second"].as_f64().expect("a rate") > 0.0);
        assert_eq!(figures(merged), whole, "{backend}");
        slatesim()
            .arg("merge")
            .args(&shards)
            .assert()
            .success()
            .stderr(contains("backends").not())
            .stdout(contains("episodes     1000 (5000 user-steps)\n"));
    }
}

#[test]
fn empty_shards_are_legal() {
    let folder = TempDir::new().expect("a folder");
    let shards: Vec<PathBuf> = (0..6)
        .map(|index| shard(&folder, "cpu", &format!("{index}/6")))
        .collect();
    let empty: Value =
        serde_json::from_str(&std::fs::read_to_string(&shards[0]).expect("just written"))
            .expect("a report");
    assert_eq!(empty["episodes"], 0);
    assert_eq!(empty["return"]["mean"], Value::Null);
    assert_eq!(empty["shard"], json!({"index": 0, "count": 6}));
    let merged = json_of(slatesim().arg("merge").args(&shards));
    assert_eq!(figures(merged), figures(json_of(&mut evaluate("cpu"))));
}

#[test]
fn missing_shards_leave_a_partial_result() {
    let folder = TempDir::new().expect("a folder");
    let shards = ["0/3", "2/3"].map(|text| shard(&folder, "cpu", text));
    let assert = slatesim()
        .arg("merge")
        .args(&shards)
        .arg("--json")
        .assert()
        .code(1)
        .stderr(contains("partial").and(contains("lacking are 256 to 511")));
    let merged: Value = serde_json::from_slice(&assert.get_output().stdout).expect("JSON");
    assert_eq!(merged["partial"], true);
    assert_eq!(
        merged["state"]["episode_ranges"],
        json!([[0, 256], [512, 1000]])
    );
    // A shard that is done is not partial itself.
    let text = std::fs::read_to_string(&shards[0]).expect("just written");
    let part: Value = serde_json::from_str(&text).expect("a report");
    assert_eq!(part.get("partial"), None);
}

#[test]
fn shards_of_different_backends_are_merged_with_a_warning() {
    let folder = TempDir::new().expect("a folder");
    let shards = [
        shard(&folder, "cpu", "0/2"),
        shard(&folder, "reference", "1/2"),
    ];
    let assert = slatesim()
        .arg("merge")
        .args(&shards)
        .arg("--json")
        .assert()
        .success();
    let assert = assert.stderr(contains("warning: ").and(contains("cpu; reference")));
    let merged: Value = serde_json::from_slice(&assert.get_output().stdout).expect("JSON");
    assert_eq!(merged["backend"]["name"], "cpu; reference");
}

#[test]
fn what_cannot_be_merged_is_refused_with_the_files_name() {
    let folder = TempDir::new().expect("a folder");
    let first = shard(&folder, "cpu", "0/2");
    let merge = |other: &Path| {
        let mut command = slatesim();
        command.arg("merge").arg(&first).arg(other);
        command
    };
    refused(&mut merge(Path::new("nowhere.json")), &["nowhere.json"]);
    refused(&mut merge(folder.path()), &["cannot read"]);
    refused(&mut merge(&first), &["both hold episode 0", "cpu-0-2.json"]);

    let good = std::fs::read_to_string(&first).expect("just written");
    for (name, text) in [
        ("empty.json", String::new()),
        ("cut.json", good[..good.len() / 2].to_owned()),
        ("other.json", "{\"schema\": 1}".to_owned()),
        (
            "newer.json",
            good.replacen("\"schema\":1", "\"schema\":9", 1),
        ),
        (
            "edited.json",
            good.replacen("\"episodes\":512", "\"episodes\":500", 1),
        ),
    ] {
        assert_ne!(text, good);
        let file = write(&folder, name, &text);
        refused(&mut merge(&file), &["cannot merge", name]);
    }

    let json = stdout(evaluate("cpu").args(["--json", "--seed", "5", "--shard", "1/2"]));
    let other = write(&folder, "seed.json", &json);
    refused(
        &mut merge(&other),
        &["different runs", "`seed` is 0 and 5", "seed.json"],
    );
    slatesim()
        .arg("merge")
        .assert()
        .code(2)
        .stderr(contains("SHARD.json"));
}

// The other commands.

#[test]
fn list_shows_everything_that_a_configuration_can_name() {
    let listing = json_of(slatesim().arg("list"));
    assert_eq!(listing["schema"], 1);
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|entry| entry["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert!(names(&listing["environments"]).contains(&"long_term_satisfaction".to_owned()));
    for policy in ["random", "static", "greedy"] {
        assert!(names(&listing["policies"]).contains(&policy.to_owned()));
    }
    assert_eq!(
        names(&listing["run"]),
        ["seed", "episodes", "max_steps", "discount"]
    );
    assert!(listing["adapters"].is_array());
    let choice = &listing["choice_models"][0];
    assert_eq!(choice["environment"], "long_term_satisfaction");
    assert_eq!(choice["models"], json!(["first", "multinomial_logit"]));
    let key = &listing["environments"][0]["keys"][0];
    for part in ["name", "default", "allowed", "about"] {
        assert!(key.get(part).is_some(), "{part}");
    }
    slatesim().arg("list").assert().success().stdout(
        contains("user.sensitivity")
            .and(contains("0.01"))
            .and(contains("adapters")),
    );
}

#[test]
fn validation_tells_every_check_and_passes() {
    let report = json_of(slatesim().args(["validate", "--backend", "cpu", "--quick"]));
    assert_eq!(
        keys(&report),
        [
            "schema", "slatesim", "backend", "passed", "rungs", "seconds"
        ]
    );
    assert_eq!(report["schema"], 1);
    assert_eq!(report["passed"], true);
    let rungs = report["rungs"].as_array().expect("a list");
    // tests/validation.rs has them by name.
    assert_eq!(rungs.len(), 207);
    assert_eq!(keys(&rungs[0]), ["name", "case", "passed", "measured"]);
}

#[cfg(unix)]
mod signals {
    use super::interruption::{begun, interrupt};
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, ChildStderr, Stdio};

    /// A run that would take years, and that has begun.
    fn endless(batch_size: &str) -> (Child, BufReader<ChildStderr>) {
        begun(
            std::process::Command::new(env!("CARGO_BIN_EXE_slatesim"))
                .args(["evaluate", "--backend", "reference", "--json", "--quiet"])
                .args(["--episodes", "1000000000000000", "--batch-size", batch_size]),
            "running",
        )
    }

    #[test]
    fn ctrl_c_prints_the_partial_result_and_exits_with_130() {
        let (child, mut stderr) = endless("256");
        std::thread::sleep(std::time::Duration::from_millis(300));
        interrupt(&child, 1);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(report["partial"], true);
        let episodes = report["episodes"].as_u64().expect("a count");
        assert!(episodes < 1_000_000_000_000_000 && episodes.is_multiple_of(256));
        assert_eq!(report["user_steps"], 60 * episodes);
        let mut told = String::new();
        stderr.read_to_string(&mut told).expect("text");
        assert!(told.contains("the result is partial"), "{told}");

        // And it merges.
        let folder = TempDir::new().expect("a folder");
        let file = write(
            &folder,
            "part.json",
            &String::from_utf8_lossy(&output.stdout),
        );
        let merged = json_of(slatesim().args(["merge", "--partial"]).arg(&file));
        assert_eq!(figures(merged), figures(report));
    }

    #[test]
    fn a_second_ctrl_c_stops_at_once_without_a_result() {
        let (child, mut stderr) = endless("4294967295");
        // Until it is within its first batch, which takes years.
        std::thread::sleep(std::time::Duration::from_millis(300));
        interrupt(&child, 1);
        let mut line = String::new();
        stderr.read_line(&mut line).expect("a line");
        assert!(line.contains("interrupted"), "{line}");
        std::thread::sleep(std::time::Duration::from_millis(200));
        interrupt(&child, 1);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        assert!(output.stdout.is_empty());
    }

    /// As `timeout` sends it, to the process and to its group.
    #[test]
    fn a_signal_that_comes_twice_at_once_is_one() {
        let (child, _stderr) = endless("256");
        interrupt(&child, 2);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(report["partial"], true);
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let (code, stderr) = with_a_closed_pipe(&["--episodes", "1000", "--json"]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
    }

    #[test]
    fn a_closed_pipe_does_not_hide_a_check_that_failed() {
        let target = ["--target-half-width", "1e-9", "--max-episodes", "4096"];
        let (code, stderr) = with_a_closed_pipe(&target);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("was not reached"), "{stderr}");
    }

    fn with_a_closed_pipe(arguments: &[&str]) -> (Option<i32>, String) {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_slatesim"))
            .args(["evaluate", "--quiet", "--backend", "cpu"])
            .args(arguments)
            .env_remove("SLATESIM_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), stderr)
    }
}
