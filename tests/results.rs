//! Results as files: merged from shards, continued, pooled, rewritten by other programs, damaged; and the documents that a seed
//! draws.

#![cfg(feature = "cli")]

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SHORT: [&str; 2] = ["--set", "environment.user.time_budget=5"];

fn slatesim(command: &str) -> Command {
    let mut slatesim = cargo_bin_cmd!("slatesim");
    slatesim.env_remove("SLATESIM_LOG").arg(command);
    slatesim
}

fn evaluate(given: &[&str]) -> Command {
    let mut command = slatesim("evaluate");
    command
        .args(["--quiet", "--backend", "cpu", "--threads", "2"])
        .args(SHORT)
        .args(given);
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("the output is text")
}

fn write(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("the folder can be written");
    path
}

/// Runs and keeps the JSON.
fn run(folder: &TempDir, name: &str, given: &[&str]) -> PathBuf {
    write(folder, name, stdout(evaluate(given).arg("--json")))
}

fn figures(text: &str) -> String {
    let mut report: Value = serde_json::from_str(text).expect("a result");
    let object = report.as_object_mut().expect("an object");
    for key in ["seconds", "user_steps_per_second", "shard"] {
        object.shift_remove(key);
    }
    report.to_string()
}

#[test]
fn runs_that_go_on_where_others_ended_merge_to_the_whole() {
    let folder = TempDir::new().unwrap();
    let first = run(&folder, "a", &["--episodes", "1024"]);
    let shard = run(&folder, "b", &["--episodes", "2048", "--shard", "1/2"]);
    let last = run(
        &folder,
        "c",
        &["--episodes", "500", "--first-episode", "2048"],
    );
    let whole = stdout(evaluate(&["--episodes", "2548"]).arg("--json"));
    let merged = stdout(
        slatesim("merge")
            .args([&last, &first, &shard])
            .arg("--json"),
    );
    assert_eq!(figures(&merged), figures(&whole));
    // Shards of a run that begins later.
    let parts: Vec<PathBuf> = ["0/3", "1/3", "2/3"]
        .iter()
        .enumerate()
        .map(|(index, shard)| {
            let given = [
                "--episodes",
                "1524",
                "--first-episode",
                "1024",
                "--shard",
                shard,
            ];
            run(&folder, &index.to_string(), &given)
        })
        .collect();
    let merged = stdout(slatesim("merge").args(&parts).arg(&first).arg("--json"));
    assert_eq!(figures(&merged), figures(&whole));
    evaluate(&["--first-episode", "1000"])
        .assert()
        .code(2)
        .stderr(contains("multiple of 256").and(contains("the nearest are 768 and 1024")));
}

#[test]
fn sweeps_comparisons_and_traces_begin_where_they_are_told() {
    let folder = TempDir::new().unwrap();
    let part = run(
        &folder,
        "a",
        &["--episodes", "512", "--first-episode", "1024"],
    );
    let part: Value = serde_json::from_str(&std::fs::read_to_string(part).unwrap()).unwrap();
    let range = [
        "--episodes",
        "512",
        "--first-episode",
        "1024",
        "--quiet",
        "--backend",
        "cpu",
    ];
    let sweep = stdout(slatesim("sweep").args(range).args([
        "--json",
        "--vary",
        "environment.user.time_budget=5,6",
    ]));
    let sweep: Value = serde_json::from_str(&sweep).unwrap();
    assert_eq!(sweep["first_episode"], 1024);
    assert_eq!(sweep["points"][0]["return"], part["return"]);
    let compare = stdout(
        slatesim("compare")
            .args(range)
            .args(SHORT)
            .args(["--json", "--policy", "random", "--policy", "static"]),
    );
    let compare: Value = serde_json::from_str(&compare).unwrap();
    assert_eq!(compare["first_episode"], 1024);
    assert_eq!(compare["policies"][0]["return"], part["return"]);
    let whole =
        stdout(
            slatesim("trace")
                .args(SHORT)
                .args(["--first", "9", "--quiet", "--backend", "cpu"]),
        );
    let trace = [
        "--first",
        "2",
        "--first-episode",
        "7",
        "--quiet",
        "--backend",
        "cpu",
    ];
    let part = stdout(slatesim("trace").args(SHORT).args(trace));
    assert!(!part.is_empty() && whole.ends_with(&part));
}

#[test]
fn a_merge_that_lacks_episodes_fails_and_says_which_unless_that_is_wanted() {
    let folder = TempDir::new().unwrap();
    let parts = ["0/4", "2/4"].map(|shard| {
        let name = shard.replace('/', "_");
        run(&folder, &name, &["--episodes", "2000", "--shard", shard])
    });
    let told = || contains("1024 of 2000 episodes").and(contains("512 to 1023 and 1536 to 1999"));
    slatesim("merge")
        .args(&parts)
        .assert()
        .code(1)
        .stdout(contains("PARTIAL").and(contains("512 to 1023")))
        .stderr(told());
    let merged = stdout(slatesim("merge").args(&parts).args(["--partial", "--json"]));
    let merged: Value = serde_json::from_str(&merged).unwrap();
    assert_eq!(merged["partial"], true);
    slatesim("merge")
        .args(&parts)
        .arg("--partial")
        .assert()
        .code(0)
        .stderr(told());
}

#[test]
fn seeds_are_pooled_where_that_is_asked_for_and_the_result_says_what_its_error_includes() {
    let folder = TempDir::new().unwrap();
    let fixed = ["--set", "environment.resample_documents=false"];
    for (given, told) in [
        (&[][..], "users and documents of its own"),
        (&fixed, "leaves out that other seeds would draw others"),
    ] {
        let runs = ["1", "2", "3"].map(|seed| {
            let given = [&["--episodes", "512", "--seed", seed], given].concat();
            run(&folder, seed, &given)
        });
        slatesim("merge")
            .args(&runs)
            .assert()
            .code(2)
            .stderr(contains("`seed` is 1 and 2").and(contains("--pool-seeds")));
        let text = stdout(slatesim("merge").args(&runs).arg("--pool-seeds"));
        assert!(
            text.contains(told) && text.contains("across seeds"),
            "{text}"
        );
        let pooled = stdout(
            slatesim("merge")
                .args(&runs)
                .args(["--pool-seeds", "--json"]),
        );
        let pooled: Value = serde_json::from_str(&pooled).unwrap();
        assert_eq!(pooled["seeds"], json!([1, 2, 3]));
        assert_eq!(pooled["episodes"], 1536);
        assert!(pooled["uncertainty"].as_str().unwrap().contains(told));
        assert_eq!(pooled["by_seed"].as_array().unwrap().len(), 3);
    }
}

/// Writes whole numbers without a point, as jq and JavaScript do.
fn touched(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and small")]
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => json!(whole as i64),
            // Above 2^53 they know no integers.
            Some(number) => json!(number),
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(touched).collect(),
        Value::Object(table) => {
            let entries = table
                .iter()
                .map(|(name, value)| (name.clone(), touched(value)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// Writes whole numbers with a point, as other programs do.
fn pointed(value: &Value) -> Value {
    match value {
        Value::Number(number) if !number.is_f64() => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(pointed).collect(),
        Value::Object(table) => {
            let entries = table
                .iter()
                .map(|(name, value)| (name.clone(), pointed(value)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

#[test]
fn results_whose_counts_have_a_point_merge() {
    let folder = TempDir::new().unwrap();
    let good = run(&folder, "good", &["--episodes", "512"]);
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(&good).unwrap()).unwrap();
    report["state"] = pointed(&report["state"]);
    assert!(report["state"].to_string().contains("512.0"));
    let path = write(&folder, "pointed", report.to_string());
    let merged = |path: &Path| stdout(slatesim("merge").arg(path).arg("--json"));
    assert_eq!(merged(&path), merged(&good));
    // Of two values one would be lost.
    let double = std::fs::read_to_string(&good)
        .unwrap()
        .replacen('{', "{\"episodes\": 5, ", 1);
    let path = write(&folder, "double", double);
    slatesim("merge")
        .arg(&path)
        .assert()
        .code(2)
        .stderr(contains("episodes").and(contains("occurs twice")));
}

#[test]
fn results_that_another_program_has_written_anew_merge_whatever_the_seed() {
    let folder = TempDir::new().unwrap();
    let seed = ["--episodes", "512", "--seed", "18446744073709551615"];
    let whole = stdout(&mut evaluate(&seed));
    let parts = ["0/2", "1/2"].map(|shard| {
        let given = [&seed[..], &["--shard", shard]].concat();
        let path = run(&folder, &shard.replace('/', "_"), &given);
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(report["seed"], "18446744073709551615");
        let text = serde_json::to_string_pretty(&touched(&report)).unwrap();
        // With a byte order mark, ends of lines of Windows, and blank lines at the end.
        let text = format!("\u{feff}{}\r\n\r\n", text.replace('\n', "\r\n"));
        write(&folder, &format!("{}.jq", shard.replace('/', "_")), text)
    });
    let original = folder.path().join("0_2");
    for files in [[&parts[0], &parts[1]], [&original, &parts[1]]] {
        let merged = stdout(slatesim("merge").args(files));
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with("time"));
            // As the other program writes it.
            lines.map(|line| line.replace(" = 5.0", " = 5")).collect()
        };
        assert_eq!(lines(&merged), lines(&whole));
    }
}

#[test]
fn damage_and_wrong_encodings_are_refused_with_what_is_the_matter() {
    let folder = TempDir::new().unwrap();
    let good = std::fs::read_to_string(run(&folder, "good", &["--episodes", "512"])).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(good.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let report: Value = serde_json::from_str(&good).unwrap();
    let mean = report["return"]["mean"].to_string();
    let sensitivity = good.replace("\"sensitivity\":0.01", "\"sensitivity\":0.02");
    let forged = good.replacen(&mean, "12.5", 1);
    let mut old: Value = serde_json::from_str(&forged).unwrap();
    old["state"].as_object_mut().unwrap().shift_remove("hash");
    for (bytes, told) in [
        (utf16, "UTF-16"),
        (good.as_bytes()[..good.len() / 2].to_vec(), "not a result"),
        (sensitivity.into_bytes(), "state.hash"),
        (forged.into_bytes(), "state.hash"),
        (
            old.to_string().into_bytes(),
            "`return.mean` is not what its `state` gives",
        ),
    ] {
        let path = write(&folder, "bad", bytes);
        slatesim("merge")
            .arg(&path)
            .assert()
            .code(2)
            .stderr(contains(told));
    }
    slatesim("merge")
        .arg("/dev/zero")
        .assert()
        .code(2)
        .stderr(contains("is a NUL"));
}

#[test]
fn the_standard_input_is_a_configuration_and_a_result() {
    let folder = TempDir::new().unwrap();
    let result = stdout(evaluate(&["--episodes", "512"]).arg("--json"));
    let merged = stdout(
        slatesim("merge")
            .args(["-", "--json"])
            .write_stdin(result.clone()),
    );
    assert_eq!(figures(&merged), figures(&result));
    write(&folder, "documents.csv", "clickbait_score\n0.25\n0.75\n");
    let config = "\u{feff}episodes = 512\r\n[environment]\r\nresample_documents = false\r\n\
                  document.corpus = \"documents.csv\"\r\nuser.time_budget = 5\r\n";
    for name in ["-", "/dev/stdin"] {
        let mut command = slatesim("evaluate");
        command
            .args([name, "--quiet", "--backend", "cpu"])
            .current_dir(folder.path())
            .write_stdin(config);
        assert!(stdout(&mut command).contains("these documents, which the configuration lists"));
    }
    slatesim("evaluate")
        .arg("-")
        .write_stdin("seed = 18446744073709551615")
        .assert()
        .code(2)
        .stderr(contains("standard input is not valid TOML").and(contains("goes in quotes")));
}

#[test]
fn what_a_backslash_does_is_told() {
    for weights in [r#""C:\Users\net""#, r#""C:\temp\net""#] {
        evaluate(&[
            "--policy",
            "mlp",
            "--set",
            &format!("policy.weights={weights}"),
        ])
        .assert()
        .code(2)
        .stderr(contains("single quotes"));
        let config = format!("[policy]\nname = \"mlp\"\nweights = {weights}\n");
        slatesim("evaluate")
            .args(["-", "--quiet", "--backend", "cpu"])
            .write_stdin(config)
            .assert()
            .code(2)
            .stderr(contains("single quotes"));
    }
}

#[test]
fn seeds_are_integers_or_texts_of_64_bits() {
    for (seed, told) in [
        (
            "\"18446744073709551616\"",
            "is not allowed; allowed is an integer from 0 to 18446744073709551615",
        ),
        ("\"-1\"", "is not allowed; allowed is an integer from 0"),
        ("\"seven\"", "is a string; allowed is an integer from 0"),
        ("1.5", "is a floating-point number"),
    ] {
        evaluate(&["--set", &format!("seed={seed}")])
            .assert()
            .code(2)
            .stderr(contains(told));
    }
    let with = |seed: &str| {
        let seed = format!("seed={seed}");
        figures(&stdout(&mut evaluate(&[
            "--episodes",
            "256",
            "--json",
            "--set",
            &seed,
        ])))
    };
    assert_eq!(with("\"7\""), with("7"));
}

#[test]
fn traces_of_large_seeds_are_texts_too_and_replay() {
    let folder = TempDir::new().unwrap();
    let seed = [
        "--quiet",
        "--backend",
        "cpu",
        "--seed",
        "18446744073709551615",
    ];
    let trace = |more: &[&str]| stdout(slatesim("trace").args(SHORT).args(seed).args(more));
    let written = trace(&[]);
    assert!(
        written.starts_with("{\"seed\":\"18446744073709551615\",\"episode\":0,"),
        "{written}"
    );
    let number = written.replace("\"18446744073709551615\"", "18446744073709551615");
    for text in [written, number] {
        let path = write(&folder, "trace.jsonl", text);
        assert!(trace(&["--replay", path.to_str().unwrap()]).contains("replayed as recorded"));
    }
}

// Documents.

/// Every environment with documents that are fixed.
fn environments() -> Vec<Vec<&'static str>> {
    vec![
        vec![],
        vec!["environment.document.num_clusters=4"],
        vec!["environment.name=interest_exploration", "max_steps=5"],
        vec![
            "environment.name=interest_evolution",
            "environment.document.num_features=10",
        ],
        vec![
            "environment.name=interest_evolution",
            "environment.user.sampler=distribution",
            "environment.document.sampler=distribution",
            "environment.document.num_features=7",
            "environment.num_candidates=12",
        ],
        vec!["environment.name=item_transition"],
        vec!["environment.name=test_mdp", "max_steps=5"],
    ]
}

#[test]
fn a_corpus_that_is_printed_is_read_back_to_the_same_bits() {
    let folder = TempDir::new().unwrap();
    for given in environments() {
        let set: Vec<String> = given
            .iter()
            .chain(&["environment.resample_documents=false"])
            .flat_map(|set| ["--set".to_owned(), (*set).to_owned()])
            .collect();
        let result = |more: &[&str]| {
            let mut command = slatesim("evaluate");
            command
                .args(["--quiet", "--backend", "cpu", "--episodes", "256", "--json"])
                .args(&set)
                .args(more);
            let report: Value = serde_json::from_str(&stdout(&mut command)).unwrap();
            report["state"]["statistics"].to_string()
        };
        let drawn = result(&["--seed", "5"]);
        for name in ["documents.csv", "documents.json"] {
            let path = folder.path().join(name);
            let path = path.to_str().unwrap();
            let mut command = slatesim("corpus");
            command
                .args(&set)
                .args(["--seed", "5", "--force", "--output", path]);
            command.assert().success();
            let corpus = format!("environment.document.corpus={path:?}");
            assert_eq!(
                result(&["--seed", "5", "--set", &corpus]),
                drawn,
                "{given:?} {name}"
            );
            let printed = std::fs::read(path).unwrap();
            let again = slatesim("corpus")
                .args(&set)
                .args([
                    "--set",
                    &corpus,
                    "--format",
                    &name[name.len() - 4..].replace('.', ""),
                ])
                .output()
                .unwrap();
            assert_eq!(again.stdout, printed, "{given:?} {name}");
        }
    }
}

#[test]
fn a_seed_of_the_documents_separates_them_from_the_users() {
    let with = |seed: &str, own: &[&str]| {
        let mut command = slatesim("corpus");
        command.args(["--seed", seed]);
        for own in own {
            command.args(["--set", own]);
        }
        stdout(&mut command)
    };
    let own = "environment.document.seed=3";
    assert_eq!(with("1", &[own]), with("3", &[]));
    assert_eq!(with("1", &[own]), with("2", &[own]));
    assert_ne!(with("1", &[]), with("2", &[]));
    let large = "environment.document.seed=\"18446744073709551615\"";
    assert_eq!(with("1", &[large]), with("18446744073709551615", &[]));

    let fixed = ["--set", "environment.resample_documents=false"];
    let text = stdout(evaluate(&["--episodes", "256", "--set", own]).args(fixed));
    assert!(
        text.contains("± is for these documents, drawn once from the seed 3"),
        "{text}"
    );
    let text = stdout(evaluate(&["--episodes", "256", "--seed", "4"]).args(fixed));
    assert!(text.contains("drawn once from the seed 4"), "{text}");
    assert!(!stdout(&mut evaluate(&["--episodes", "256"])).contains("these documents"));
    evaluate(&["--set", own]).assert().code(2).stderr(
        contains("`environment.document.seed` = 3 is not allowed")
            .and(contains("resample_documents")),
    );
    evaluate(&[
        "--set",
        own,
        "--set",
        "environment.document.corpus=[0.5, 0.5]",
    ])
    .args(fixed)
    .assert()
    .code(2)
    .stderr(contains("`environment.document.seed` = 3 is not allowed").and(contains("lists them")));
    slatesim("evaluate")
        .args(["--environment", "item_transition", "--set", own])
        .assert()
        .code(2)
        .stderr(contains("unknown key `environment.document.seed`"));
}

#[test]
fn free_features_are_read_from_tables_and_lists_and_checked() {
    let folder = TempDir::new().unwrap();
    let evaluate = |corpus: &str, more: &[&str]| {
        let mut command = slatesim("evaluate");
        command.args(["--quiet", "--backend", "cpu", "--episodes", "256"]);
        command.args(["--environment", "interest_evolution"]);
        for set in [
            "environment.document.sampler=distribution",
            "environment.resample_documents=false",
            &format!("environment.document.corpus={corpus}"),
        ] {
            command.args(["--set", set]);
        }
        command.args(more);
        command
    };
    let csv = "id;video_length;features[1];features[0]\n\
               a;4;0.5;-0.25\n\
               b;5;-0.5;0.125\n";
    let csv = write(&folder, "embeddings.csv", csv);
    let csv = format!("'{}'", csv.display());
    let list = "[{ features = [-0.25, 0.5], video_length = 4 }, { features = [0.125, -0.5], video_length = 5 }]";
    let returns = |corpus: &str| {
        let report = stdout(&mut evaluate(corpus, &["--json"]));
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["environment"]["num_candidates"], 2);
        assert_eq!(report["environment"]["document"]["num_features"], 2);
        report["return"].to_string()
    };
    assert_eq!(returns(&csv), returns(list));
    for (corpus, more, told) in [
        (
            list,
            &["--set", "environment.document.num_features=3"][..],
            "allowed is 2, as many features",
        ),
        (
            "[{ features = [1], video_length = 4 }, { features = [1, 2], video_length = 4 }]",
            &[],
            "unknown column `features[1]` in row 2",
        ),
        (
            "[{ features = [1, 2], video_length = 4 }, { features = [1], video_length = 4 }]",
            &[],
            "no column `features[1]` in row 2",
        ),
        (
            "[{ video_length = 4 }, { video_length = 4 }]",
            &[],
            "no column `features[0]`",
        ),
        (
            "[{ features = [1, true], video_length = 4 }]",
            &[],
            "column `features[1]` of row 1 is true",
        ),
    ] {
        evaluate(corpus, more)
            .assert()
            .code(2)
            .stderr(contains(told));
    }
    let gap = write(
        &folder,
        "gap.csv",
        "features[0],features[2],video_length\n1,2,4\n1,2,4\n",
    );
    let gap = format!("'{}'", gap.display());
    evaluate(&gap, &[])
        .assert()
        .code(2)
        .stderr(contains("no column `features[1]`"));
}
