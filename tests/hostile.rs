//! Hostile surroundings of a run: closed outputs, limits, sockets, pipes, and names that a terminal would interpret.

#![cfg(feature = "cli")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// No run here takes longer than some seconds, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const RUN: &str = "evaluate --quiet --backend cpu --episodes 256 --set environment.user.time_budget=5 --set environment.user.choc_stddev=0.1 --set environment.user.kale_stddev=0.1";

fn slatesim() -> Command {
    let mut command = cargo_bin_cmd!("slatesim");
    command.env_remove("SLATESIM_LOG").timeout(PATIENCE);
    command
}

/// Runs a line of the shell, in which `slatesim` is the program.
fn shell(folder: &Path, line: &str) -> Command {
    let mut command = Command::new("sh");
    let program = cargo_bin_cmd!("slatesim");
    let program = program.get_program().to_str().unwrap();
    let line = line.replace("slatesim", &format!("'{program}'"));
    command.args(["-c", &line]).current_dir(folder);
    command.env_remove("SLATESIM_LOG").timeout(PATIENCE);
    command
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn is_one_line() -> impl Predicate<str> {
    predicate::function(|text: &str| text.starts_with("slatesim: ") && text.lines().count() == 1)
}

#[test]
fn a_silent_socket_of_another_user_does_not_stop_anybody() {
    let folder = TempDir::new().unwrap();
    let everyone = std::fs::Permissions::from_mode(0o1777);
    std::fs::set_permissions(folder.path(), everyone).unwrap();
    // Accepts, and stays silent.
    let _listening = UnixListener::bind(folder.path().join("wayland-0")).unwrap();
    slatesim()
        .arg("list")
        .env("TMPDIR", folder.path())
        .env_remove("XDG_RUNTIME_DIR")
        .assert()
        .success();
    slatesim()
        .arg("list")
        .env("XDG_RUNTIME_DIR", folder.path())
        .assert()
        .success();
}

#[test]
fn a_result_that_would_be_nowhere_is_no_success() {
    let folder = TempDir::new().unwrap();
    for line in [
        format!("slatesim {RUN} >&-"),
        "slatesim --help >&-".to_owned(),
        "slatesim trace --quiet --backend cpu >&-".to_owned(),
    ] {
        shell(folder.path(), &line)
            .assert()
            .code(1)
            .stderr(is_one_line())
            .stderr(contains("standard output: it is closed"));
    }
    // This one prints nothing.
    let line = "slatesim trace --quiet --backend cpu --output steps.csv >&-";
    shell(folder.path(), line).assert().success();
    shell(folder.path(), &format!("slatesim {RUN} > /dev/null"))
        .assert()
        .success();
    if Path::new("/dev/full").exists() {
        for line in ["--help", "evaluate --help", "--version", RUN] {
            shell(folder.path(), &format!("slatesim {line} > /dev/full"))
                .assert()
                .code(1)
                .stderr(is_one_line());
        }
    }
}

#[test]
fn a_file_beyond_the_limit_of_its_size_is_an_error_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let line = "ulimit -f 8; slatesim trace --quiet --backend cpu --first 1000 --output steps.csv";
    shell(folder.path(), line)
        .assert()
        .code(1)
        .stderr(is_one_line())
        .stderr(contains("steps.csv"));
    assert_eq!(names(&folder), [""; 0]);
    let line = "ulimit -f 8; slatesim trace --quiet --backend cpu --first 1000 > steps.jsonl";
    shell(folder.path(), line)
        .assert()
        .code(1)
        .stderr(is_one_line());
}

#[test]
fn a_path_that_names_a_folder_is_refused_before_anything_runs() {
    let folder = TempDir::new().unwrap();
    for path in ["steps.csv/", "steps.csv/.", "/"] {
        slatesim()
            .args(["trace", "--backend", "cpu", "--output", path])
            .current_dir(folder.path())
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(contains("names no file"));
    }
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn files_that_a_configuration_names_are_neither_waited_for_nor_told() {
    let folder = TempDir::new().unwrap();
    let with = |path: &str| {
        let mut command = slatesim();
        command
            .args(["evaluate", "--backend", "cpu", "--episodes", "10"])
            .args(["--environment", "interest_exploration", "--max-steps", "5"])
            .args(["--set", "environment.resample_documents=false"])
            .args(["--set", &format!("environment.document.corpus={path}")])
            .current_dir(folder.path());
        command
    };
    std::fs::write(folder.path().join("secret"), "root:x:0:0:toor\n").unwrap();
    with("secret")
        .assert()
        .code(2)
        .stderr(contains("names none of the columns cluster_id, quality"))
        .stderr(contains("toor").not());
    shell(folder.path(), "mkfifo pipe").assert().success();
    for path in ["pipe", "/dev/zero"] {
        with(path)
            .assert()
            .code(2)
            .stderr(contains("is no regular file"));
    }
    // What the shell hands over is read.
    shell(
        folder.path(),
        "printf 'title,cluster_id,quality\\na,1,1\\nb,0,2\\n' | slatesim evaluate --quiet --backend cpu --episodes 10 \
         --environment interest_exploration --max-steps 5 --set environment.resample_documents=false \
         --set environment.document.corpus=/dev/stdin",
    )
    .assert()
    .success()
    .stderr(contains("note: "))
    .stderr(contains("`title`"));
}

#[test]
fn a_label_does_not_reach_the_terminal_as_an_order() {
    let compare = |extra: &[&str]| {
        let mut command = slatesim();
        command
            .args([
                "compare",
                "--quiet",
                "--backend",
                "cpu",
                "--episodes",
                "256",
            ])
            .args(["--set", "environment.user.time_budget=5"])
            .args(["--variant", "red\u{1b}[31m\u{9b}2J: policy.name=static"])
            .args(["--variant", "plain:"])
            .args(extra);
        command
    };
    let is_obeyed = |text: &str| text.contains(['\u{1b}', '\u{9b}']);
    compare(&[])
        .assert()
        .success()
        .stdout(contains("\\u{1b}[31m"))
        .stdout(predicate::function(is_obeyed).not());
    compare(&["--json"])
        .assert()
        .success()
        .stdout(contains("\\u001b[31m\\u009b2J"))
        .stdout(predicate::function(is_obeyed).not());
}

#[test]
fn commands_without_shards_say_so() {
    for command in [
        &["compare", "--shard", "0/2"][..],
        &["sweep", "--vary", "seed=1,2", "--shard", "0/2"],
    ] {
        slatesim()
            .args(command)
            .assert()
            .code(2)
            .stderr(contains(
                "has no shards; allowed is `slatesim evaluate --shard I/N`",
            ))
            .stderr(contains("--threads").not());
    }
}

#[test]
fn values_are_varied_by_the_lines_of_a_file() {
    let folder = TempDir::new().unwrap();
    let values: String = (0..300).map(|seed| format!("{seed}\r\n")).collect();
    std::fs::write(folder.path().join("seeds.txt"), values + "\r\n").unwrap();
    let sweep = |vary: &str| {
        let mut command = slatesim();
        command
            .args([
                "sweep",
                "--quiet",
                "--csv",
                "--backend",
                "cpu",
                "--episodes",
                "2",
            ])
            .args(["--set", "environment.user.time_budget=2", "--vary", vary])
            .current_dir(folder.path());
        command
    };
    let is_long =
        |lines: usize| predicate::function(move |text: &str| text.lines().count() == lines);
    sweep("seed=@seeds.txt")
        .assert()
        .success()
        .stdout(is_long(301));
    sweep("seed=@-")
        .write_stdin("1\n2\n")
        .assert()
        .success()
        .stdout(is_long(3));
    sweep("seed=@absent.txt")
        .assert()
        .code(2)
        .stderr(contains("absent.txt"));
}

#[test]
fn more_threads_than_have_a_use_are_not_started() {
    let mut command = slatesim();
    command
        .args([
            "evaluate",
            "--backend",
            "cpu",
            "--threads",
            "1000",
            "--episodes",
            "256",
        ])
        .args(["--set", "environment.user.time_budget=5"]);
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores * 4 < 1000 {
        command.assert().success().stderr(contains(format!(
            "{} compute, 4 for each of the {cores} cores",
            cores * 4
        )));
    }
}

#[test]
fn an_adapter_that_is_not_there_is_refused_and_one_that_is_taken() {
    let evaluate = |arguments: &[&str]| {
        let mut command = slatesim();
        command
            .args(["evaluate", "--quiet", "--episodes", "256"])
            .args(["--set", "environment.user.time_budget=5"])
            .args(arguments);
        command
    };
    evaluate(&["--backend", "cpu", "--adapter", "0"])
        .assert()
        .code(2)
        .stderr(contains("`--adapter 0` chooses a GPU"));
    evaluate(&["--adapter", "first"])
        .assert()
        .code(2)
        .stderr(contains("allowed is an index of `slatesim list`"));
    let listed = slatesim().args(["list", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let adapters = listed["adapters"].as_array().unwrap();
    let Some(first) = adapters.first() else {
        evaluate(&["--adapter", "0"]).assert().code(3);
        return;
    };
    evaluate(&["--adapter", "4711"])
        .assert()
        .code(2)
        .stderr(contains("no GPU adapter has the number 4711: there are 0 "));
    let told = evaluate(&["--adapter", first["pci_id"].as_str().unwrap(), "--json"])
        .output()
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let device = told["backend"]["device"].as_str().unwrap();
    assert!(
        device.starts_with(first["name"].as_str().unwrap()),
        "{device}"
    );
    evaluate(&["--backend", "gpu"])
        .env("WGPU_ADAPTER_NAME", "no such card")
        .assert()
        .code(2)
        .stderr(contains("WGPU_ADAPTER_NAME"));
}

#[test]
fn the_list_tells_the_limits_that_hold() {
    let told = slatesim().args(["list", "--json"]).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let allowed = |kind: &str, entry: &str, key: &str| {
        let entries = told[kind].as_array().unwrap();
        let entry = entries.iter().find(|one| one["name"] == entry).unwrap();
        let keys = entry["keys"].as_array().unwrap();
        let key = keys.iter().find(|one| one["name"] == key).unwrap();
        key["allowed"].as_str().unwrap().to_owned()
    };
    let lts = "long_term_satisfaction";
    let most = "an integer from 1 to 16777216";
    assert_eq!(allowed("environments", lts, "num_candidates"), most);
    let most = "an integer from 1 to 1024";
    assert_eq!(allowed("environments", lts, "slate_size"), most);
    let most = "an integer from 1 to 1";
    assert_eq!(
        allowed("environments", "item_transition", "slate_size"),
        most
    );
    let length = allowed("layers", "fixed_length_history", "history_length");
    assert_eq!(length, "an integer from 1 to 1024");
    for (key, value, most) in [
        ("num_candidates", "16777217", "16777216"),
        ("slate_size", "1025", "1024"),
    ] {
        slatesim()
            .args([
                "evaluate",
                "--backend",
                "cpu",
                "--set",
                "environment.num_candidates=2000",
            ])
            .args(["--set", &format!("environment.{key}={value}")])
            .assert()
            .code(2)
            .stderr(contains(format!("allowed is an integer from 1 to {most}")));
    }
    slatesim()
        .args([
            "evaluate",
            "--backend",
            "cpu",
            "--seed",
            "18446744073709551616",
        ])
        .assert()
        .code(2)
        .stderr(contains("`seed` = 18446744073709551616 is not allowed"))
        .stderr(contains("from 0 to 18446744073709551615"));
}
