//! The contract of `slatesim bench`: what it measures, how it reports that, and which arguments it refuses.

#![cfg(feature = "cli")]

use crate::common;
use crate::common::bench_json::{assert_is_described, assert_is_rate, rows};
#[cfg(unix)]
use crate::common::interruption;
use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use std::collections::BTreeSet;

/// The main job and little else.
const MAIN: [&str; 4] = [
    "--environment",
    "long_term_satisfaction",
    "--policy",
    "random",
];

fn bench() -> Command {
    let mut command = cargo_bin_cmd!("slatesim");
    command
        .env_remove("SLATESIM_LOG")
        .args(["bench", "--quick"]);
    command
}

/// A bench of the main job on `cpu` alone.
fn main_on_cpu() -> Command {
    let mut command = bench();
    command.args(MAIN).args(["--backend", "cpu"]);
    command
}

fn json_of(command: &mut Command) -> Value {
    let output = command.arg("--json").assert().success();
    serde_json::from_slice(&output.get_output().stdout).expect("the output is one JSON value")
}

/// Fails with exit code 2, one line on stderr and nothing on stdout.
fn refused(command: &mut Command) -> String {
    let output = command.assert().code(2).stdout(is_empty());
    let told = String::from_utf8(output.get_output().stderr.clone()).expect("text");
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| !line.contains("is a software adapter") && !line.contains("debug build"))
        .collect();
    assert_eq!(lines.len(), 1, "{told}");
    lines[0].to_owned()
}

#[test]
fn every_environment_is_measured() {
    let bench = json_of(bench().args(["--backend", "cpu", "--policy", "random"]));
    assert_eq!(bench["schema"], 2);
    assert_eq!(bench["partial"], false);
    assert_eq!(rows(&bench, "backends").len(), 1);
    let results = rows(&bench, "results");
    let environments: BTreeSet<&str> = results
        .iter()
        .map(|row| row["environment"].as_str().expect("a name"))
        .collect();
    assert_eq!(environments.len(), 5);
    for row in results {
        assert_eq!(row["backend"], "cpu");
        assert_eq!(row["policy"], "random");
        assert_is_rate(&row["user_steps_per_second"]);
    }
}

#[test]
fn what_the_laboratory_measures_is_left_to_it() {
    let bench = json_of(&mut main_on_cpu());
    let results = rows(&bench, "results");
    assert!(
        results
            .iter()
            .any(|row| row["setting"] == "random_baseline")
    );
    for section in ["step_api", "scaling", "kernels", "ablations", "roofline"] {
        assert!(bench.get(section).is_none(), "{section}");
    }
    assert!(bench["peer"].is_null());
}

#[test]
fn a_software_adapter_is_not_called_a_gpu() {
    let Some(gpu) = common::any_gpu() else {
        return;
    };
    let is_software = gpu.adapter().is_software();
    let on_gpu = || {
        let mut command = bench();
        command.args(MAIN).args(["--backend", "gpu"]);
        command
    };
    let told = on_gpu().assert().success().get_output().clone();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&told.stdout).into_owned(),
        String::from_utf8_lossy(&told.stderr).into_owned(),
    );
    assert_eq!(stdout.contains("gpu (software)"), is_software);
    assert_eq!(
        stderr.contains("is a software adapter, no GPU"),
        is_software
    );

    let bench = json_of(&mut on_gpu());
    assert!(!rows(&bench, "results").is_empty());
    for row in rows(&bench, "results") {
        assert_eq!(row["backend"], "gpu");
        assert_eq!(row["is_software"], is_software);
    }
}

#[test]
fn unknown_names_are_one_clear_error() {
    for (flag, name, told) in [
        (
            "--environment",
            "item_transitoin",
            "`--environment` = \"item_transitoin\" is unknown (did you mean `item_transition`?)",
        ),
        ("--policy", "greddy", "did you mean `greedy`?"),
    ] {
        let line = refused(bench().args([flag, name]));
        assert!(line.contains(told), "{line}");
    }
    let line = refused(bench().args(["--environment", "interest_evolution", "--policy", "table"]));
    assert!(line.starts_with("slatesim: nothing to measure"), "{line}");
    bench()
        .args(["--backend", "cuda"])
        .assert()
        .code(2)
        .stderr(contains("[possible values: reference, cpu, gpu]"));
}

#[test]
fn the_backend_gpu_is_required_where_it_was_asked_for() {
    let mut command = bench();
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        command.env(variable, "/nonexistent/driver.json");
    }
    if cfg!(target_os = "linux") {
        command
            .args(["--backend", "gpu"])
            .assert()
            .code(3)
            .stdout(is_empty());
    }
}

#[cfg(unix)]
mod peer {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// What stands in for a Python: `body` is run for everything but `-c "import jax"`.
    fn python(folder: &TempDir, import: &str, body: &str) -> PathBuf {
        let path = folder.path().join("python");
        let text = format!("#!/bin/sh\nif [ \"$1\" = -c ]; then\n{import}\nexit\nfi\n{body}\n");
        std::fs::write(&path, text).expect("the folder can be written");
        let permissions = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, permissions).expect("it is ours");
        path
    }

    fn with_peer(import: &str, body: &str) -> (TempDir, Command) {
        let folder = TempDir::new().expect("a folder");
        let script = folder.path().join("peer.py");
        std::fs::write(&script, "# never read").expect("the folder can be written");
        let mut command = main_on_cpu();
        command.arg("--peer").arg(script);
        command.arg("--python").arg(python(&folder, import, body));
        (folder, command)
    }

    /// Prints arguments on stderr and a rate on stdout: faster where it is lazy.
    const GOOD: &str = "shift\nlazy=\"$8\"\necho Compiling\n\
        echo \"{\\\"device\\\": \\\"cpu:0\\\", \\\"user_steps_per_second\\\": 1${lazy}00.0, \\\"prng\\\": \\\"$6\\\"}\"";

    #[test]
    fn all_variants_are_run_and_the_best_is_what_we_are_compared_with() {
        let (_folder, mut command) = with_peer("true", GOOD);
        let bench = json_of(&mut command);
        let runs = rows(&bench["peer"], "runs");
        let variants: Vec<(&str, u64)> = runs
            .iter()
            .map(|run| {
                (
                    run["prng"].as_str().expect("a name"),
                    run["lazy"].as_u64().expect("0 or 1"),
                )
            })
            .collect();
        let prngs = ["threefry2x32", "rbg", "unsafe_rbg"];
        let expected = [0, 1].map(|lazy| prngs.map(|prng| (prng, lazy))).concat();
        assert_eq!(variants, expected);
        assert_eq!(bench["peer"]["best_user_steps_per_second"], 1100.0);
        let main = rows(&bench, "results")
            .iter()
            .find(|row| row["setting"] == "random_baseline");
        let median = main.expect("the main job")["user_steps_per_second"]["median"].as_f64();
        let ratio = rows(&bench["peer"], "ratios")[0]["ratio"].as_f64();
        assert_eq!(ratio, median.map(|median| median / 1100.0));

        let (_folder, mut command) = with_peer("true", GOOD);
        command
            .assert()
            .success()
            .stdout(contains("x the best of the peer").and(contains("unsafe_rbg")));
    }

    #[test]
    fn a_peer_on_a_gpu_is_run_once_more_with_more_users() {
        let body = "echo \"{\\\"device\\\": \\\"cuda:0\\\", \\\"user_steps_per_second\\\": $3}\"";
        let (_folder, mut command) = with_peer("true", body);
        let bench = json_of(&mut command);
        let runs = rows(&bench["peer"], "runs");
        assert_eq!(runs.len(), 7);
        assert_eq!(runs[6]["users"], 1_048_576);
        assert_eq!(bench["peer"]["best_user_steps_per_second"], 1_048_576.0);
    }

    #[test]
    fn what_cannot_be_run_is_refused_before_anything_is_measured() {
        let cases = [
            (
                "echo Traceback >&2; echo \"ModuleNotFoundError: No module named 'jax'\" >&2; exit 1",
                "",
                "cannot import jax: ModuleNotFoundError: No module named 'jax';",
            ),
            (
                "true",
                "echo a; echo no JSON",
                "printed \"no JSON\" at last; allowed is a line of JSON",
            ),
            (
                "true",
                "echo '{\"user_steps_per_second\": 0}'",
                "positive `user_steps_per_second`",
            ),
            (
                "true",
                "echo 'error: unknown flag' >&2; exit 3",
                "--prng threefry2x32 --lazy 0 ended with exit status: 3: error: unknown flag",
            ),
        ];
        for (import, body, told) in cases {
            let (_folder, mut command) = with_peer(import, body);
            let line = refused(&mut command);
            assert!(line.contains(told), "{line}");
        }
        let line = refused(main_on_cpu().args(["--peer", "/nonexistent/peer.py"]));
        assert!(
            line.contains("`--peer` = \"/nonexistent/peer.py\" is no file"),
            "{line}"
        );
        let (folder, _) = with_peer("true", GOOD);
        let mut command = main_on_cpu();
        command.arg("--peer").arg(folder.path().join("peer.py"));
        let line = refused(command.args(["--python", "/nonexistent/python"]));
        assert!(
            line.contains("`--python` = \"/nonexistent/python\" cannot be started"),
            "{line}"
        );
    }

    #[test]
    fn the_peer_needs_the_main_job() {
        let folder = TempDir::new().expect("a folder");
        let line = refused(
            bench()
                .args(["--environment", "test_mdp"])
                .arg("--peer")
                .arg(folder.path()),
        );
        assert!(
            line.contains("`--peer` is compared on the main job"),
            "{line}"
        );
    }

    #[test]
    fn every_key_of_the_json_is_described() {
        let (_folder, mut command) = with_peer("true", GOOD);
        assert_is_described(&json_of(&mut command));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_has_been_measured_and_exits_with_130() {
    use std::io::Read;

    let (child, mut stderr) = interruption::begun(
        std::process::Command::new(env!("CARGO_BIN_EXE_slatesim"))
            .args(["bench", "--backend", "cpu", "--json"])
            .args(["--environment", "item_transition"]),
        "measured",
    );
    interruption::interrupt(&child, 1);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let bench: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(bench["partial"], true);
    assert!((1..8).contains(&rows(&bench, "results").len()));
    let mut told = String::new();
    stderr.read_to_string(&mut told).expect("text");
    assert!(
        told.contains("measurements of \"whole episodes\": the result is partial"),
        "{told}"
    );
}
