//! Long horizons, many points, and large or hostile configurations: memory and texts are bounded, and if memory runs out there
//! is one line and exit code 1.

#![cfg(feature = "cli")]

use crate::common;
use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use std::time::{Duration, Instant};

fn slatesim() -> Command {
    cargo_bin_cmd!("slatesim")
}

fn json_of(command: &mut Command) -> Value {
    let output = command.assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).expect("the output is one JSON value")
}

/// A command that may have so many mebibytes of address space.
#[cfg(target_os = "linux")]
fn within(mebibytes: u64, arguments: &str) -> Command {
    let program = assert_cmd::cargo::cargo_bin!("slatesim");
    let mut command = Command::new("sh");
    let kibibytes = mebibytes * 1024;
    command.args([
        "-c",
        &format!(
            "ulimit -v {kibibytes}; exec {} {arguments}",
            program.display()
        ),
    ]);
    command
}

const LONG: [&str; 9] = [
    "evaluate",
    "--quiet",
    "--backend",
    "cpu",
    "--episodes",
    "300",
    "--json",
    "--set",
    "environment.user.time_budget=9000",
];

#[test]
fn long_episodes_have_curves_in_bins() {
    let report = json_of(slatesim().args(LONG));
    let bins = report["curve_bins"].as_array().unwrap();
    let ends = [0, 4095, 4096, 4097, 4224, 4236].map(|bin: usize| bins[bin].as_u64().unwrap());
    assert_eq!(ends, [0, 4095, 4096, 4128, 8192, 8960]);
    assert_eq!(bins.len(), 4237);
    for key in [
        "reward_per_step",
        "reward_per_step_standard_error",
        "click_rate_per_step",
        "click_rate_per_step_standard_error",
        "running_per_step",
    ] {
        assert_eq!(report[key].as_array().unwrap().len(), bins.len(), "{key}");
    }
    assert_eq!(report["running_per_step"][4236], 300);
    assert_eq!(report["click_rate_per_step"][4200], 1.0);
    // The mean over all steps is that of the returns.
    let mut sum = 0.0;
    for (bin, mean) in report["reward_per_step"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let begin = bins[bin].as_u64().unwrap();
        let end = bins
            .get(bin + 1)
            .map_or(9000, |next| next.as_u64().unwrap());
        sum += mean.as_f64().unwrap() * (end - begin) as f64;
    }
    let mean = report["return"]["mean"].as_f64().unwrap();
    assert!((sum / mean - 1.0).abs() < 1e-6, "{sum} for {mean}");
    let short = json_of(slatesim().args(["evaluate", "--quiet", "--backend", "cpu", "--json"]));
    assert!(short.get("curve_bins").is_none());
    assert_eq!(short["running_per_step"].as_array().unwrap().len(), 60);
}

#[test]
fn threads_batches_and_shards_change_no_bit_of_a_binned_curve() {
    let folder = tempfile::tempdir().unwrap();
    let figures = |mut report: Value| {
        for key in ["seconds", "user_steps_per_second", "shard", "backend"] {
            report.as_object_mut().unwrap().shift_remove(key);
        }
        // It is of those too.
        let state = report["state"].as_object_mut().unwrap();
        state.shift_remove("hash");
        report.to_string()
    };
    let whole = figures(json_of(slatesim().args(LONG).args(["--threads", "1"])));
    let three = ["--threads", "3", "--batch-size", "256"];
    assert_eq!(figures(json_of(slatesim().args(LONG).args(three))), whole);
    let shards = ["0/2", "1/2"].map(|shard| {
        let path = folder.path().join(shard.replace('/', "of"));
        let report = json_of(slatesim().args(LONG).args(["--shard", shard]));
        std::fs::write(&path, report.to_string()).unwrap();
        path
    });
    let merged = json_of(slatesim().args(["merge", "--json"]).args(&shards));
    assert_eq!(figures(merged), whole);
}

#[test]
fn curves_can_be_left_out_and_what_has_none_merges() {
    let folder = tempfile::tempdir().unwrap();
    let base = [
        "evaluate",
        "--quiet",
        "--backend",
        "cpu",
        "--episodes",
        "1000",
        "--json",
    ];
    let shard = |index: u32, more: &[&str]| {
        let path = folder.path().join(format!("{index}.json"));
        let of = format!("{index}/2");
        let mut command = slatesim();
        let report = json_of(command.args(base).args(["--shard", &of]).args(more));
        std::fs::write(&path, report.to_string()).unwrap();
        (path, report)
    };
    let (first, with) = shard(0, &[]);
    let (second, without) = shard(1, &["--no-curves"]);
    assert!(with.get("reward_per_step").is_some());
    let has_curves = |report: &Value| {
        let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
        keys.iter().any(|key| key.contains("per_step"))
            || !report["state"]["statistics"]["curves"].is_null()
    };
    assert!(!has_curves(&without));
    let mut merge = slatesim();
    let assert = merge
        .args(["merge", "--json"])
        .args([&first, &second])
        .assert()
        .success();
    let output = assert.get_output();
    let merged: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!has_curves(&merged));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("1.json has no curves by step"), "{told}");
    let whole = json_of(slatesim().args(base));
    assert_eq!(merged["return"], whole["return"]);
    let asked = slatesim()
        .args(["merge", "--json", "--no-curves"])
        .args([&first, &second])
        .assert();
    let asked = asked.success();
    assert!(asked.get_output().stderr.is_empty());
    for command in [
        &[
            "compare",
            "--quiet",
            "--backend",
            "cpu",
            "--policy",
            "random",
            "--policy",
            "static",
        ][..],
        &["sweep", "--quiet", "--backend", "cpu", "--vary", "seed=1,2"],
    ] {
        let text = |more: &[&str]| {
            let mut run = slatesim();
            let output = run
                .args(command)
                .args(["--episodes", "256", "--json"])
                .args(more);
            String::from_utf8(output.assert().success().get_output().stdout.clone()).unwrap()
        };
        assert!(text(&[]).contains("\"running_per_step\":[256,"));
        assert!(!text(&["--no-curves"]).contains("per_step"));
    }
}

#[test]
fn sessions_that_all_watch_their_budget_have_quantiles() {
    for more in [
        &["--set", "environment.user.sampler=distribution"][..],
        &["--set", "environment.user.user_update_alpha=0"],
    ] {
        let mut run = slatesim();
        run.args([
            "evaluate",
            "--quiet",
            "--environment",
            "interest_evolution",
            "--json",
        ])
        .args(["--backend", "reference", "--episodes", "300"])
        .args(["--set", "environment.document.sampler=distribution"])
        .args(["--set", "environment.user.step_penalty=0"]);
        let report = json_of(run.args(more));
        let returns = &report["return"];
        let [min, median, max] = [
            &returns["min"],
            &returns["quantiles"]["0.5"],
            &returns["max"],
        ]
        .map(|figure| figure.as_f64().unwrap());
        assert!(min <= median && median <= max);
    }
}

#[test]
fn quantiles_of_clicks_are_whole() {
    let report = json_of(slatesim().args([
        "evaluate",
        "--quiet",
        "--backend",
        "cpu",
        "--environment",
        "interest_exploration",
        "--max-steps",
        "100",
        "--seed",
        "3",
        "--json",
    ]));
    let quantiles = report["return"]["quantiles"].as_object().unwrap();
    for (probability, quantile) in quantiles {
        assert_eq!(
            quantile.as_f64().unwrap().fract(),
            0.0,
            "{probability}: {quantile}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn long_horizons_take_little_memory_and_little_json() {
    for what in [
        "--set environment.user.time_budget=1000000",
        "--environment interest_exploration --max-steps 1000000",
    ] {
        let run = format!("evaluate --quiet --backend cpu --threads 1 --episodes 1 {what} --json");
        let output = within(150, &run).assert().success().get_output().clone();
        assert!(
            output.stdout.len() < 2_000_000,
            "{} bytes",
            output.stdout.len()
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["length"]["max"], 1_000_000);
        assert_eq!(report["length"]["quantiles"]["0.5"], 1_000_000.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_of_a_long_episode_streams() {
    let run = "trace --quiet --backend cpu --threads 1 --environment interest_exploration \
               --first 2 --max-steps 60000";
    for format in ["csv", "jsonl"] {
        let all = within(120, &format!("{run} --format {format}"))
            .assert()
            .success();
        let lines = all
            .get_output()
            .stdout
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        assert_eq!(lines, 120_000 + usize::from(format == "csv"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_sweep_drops_what_is_summed_up() {
    let seeds: Vec<String> = (0..3000).map(|seed| seed.to_string()).collect();
    let run = format!(
        "sweep --quiet --backend cpu --threads 1 --episodes 1 --csv --vary seed={}",
        seeds.join(",")
    );
    let output = within(160, &run).assert().success().get_output().clone();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().lines().count(),
        3001
    );
}

#[cfg(target_os = "linux")]
#[test]
fn where_there_is_no_memory_there_is_one_line() {
    let corpus =
        "--set environment.num_candidates=16777216 --set environment.resample_documents=false";
    for (mebibytes, arguments) in [
        (
            400,
            format!("evaluate --quiet --backend cpu --threads 2 --episodes 256 {corpus}"),
        ),
        (
            400,
            format!(
                "sweep --quiet --backend cpu --threads 2 --episodes 1 {corpus} --vary seed=1,2,3"
            ),
        ),
        (
            1500,
            format!(
                "evaluate --quiet --backend cpu --threads 1 --environment interest_evolution {corpus}"
            ),
        ),
        (
            2000,
            "evaluate --quiet --backend cpu --episodes 1 --threads 1000".to_owned(),
        ),
    ] {
        let output = within(mebibytes, &arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(
            matches!(code, Some(0..=2)),
            "{arguments}: {:?}, {told}",
            output.status
        );
        if code != Some(0) {
            assert_eq!(told.lines().count(), 1, "{arguments}: {told}");
        }
    }
}

#[test]
fn many_unknown_keys_take_no_longer_than_they_are_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    let keys: String = (0..200_000)
        .map(|key| format!("unknown_{key} = 1\n"))
        .collect();
    std::fs::write(&path, keys).unwrap();
    let clock = Instant::now();
    let output = slatesim().arg("evaluate").arg(&path).assert().code(2);
    assert!(clock.elapsed() < Duration::from_secs(20));
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        told.starts_with("slatesim: unknown key `unknown_"),
        "{told}"
    );
}

#[test]
fn errors_do_not_quote_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    let long = "x".repeat(1 << 20);
    for text in [
        format!("{long} = 1"),
        format!("seed = \"{long}\""),
        format!("[{long}]\n{long} = 1"),
        format!("x = [{}", "1, ".repeat(3 << 20)),
        format!("seed = = \"{}\"", long.repeat(10)),
        format!("environment.name = \"{long}\""),
        format!("[[variant]]\nname = \"{long}\"\nset = {{ {long} = 1 }}"),
    ] {
        std::fs::write(&path, &text).unwrap();
        for command in ["evaluate", "compare"] {
            let clock = Instant::now();
            let output = slatesim().arg(command).arg(&path).output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            assert!(
                output.stderr.len() < 10_000,
                "{} bytes",
                output.stderr.len()
            );
            assert!(clock.elapsed() < Duration::from_secs(10));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_corpus_that_cannot_be_held_is_refused_by_its_key() {
    let output = within(
        400,
        "evaluate --quiet --backend cpu --environment interest_evolution \
         --set environment.num_candidates=16777216 --set environment.resample_documents=false",
    )
    .assert()
    .code(2);
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    let begin = "slatesim: `environment.num_candidates` = 16777216 is not allowed; allowed is as many documents as";
    assert!(told.starts_with(begin), "{told}");
}

#[test]
fn devices_bin_late_steps_with_the_same_bits_whoever_adds_up() {
    use slatesim::backend::gpu::GpuOptions;
    use slatesim::backend::{Backend, Unobserved};
    use slatesim::registry::Registry;
    let Some(gpu) = common::any_gpu() else { return };
    let settings = [
        "environment.name=interest_exploration",
        "max_steps=4300",
        "environment.document.topic_quality_stddev=[1.0,1.0]",
    ];
    let simulation = Registry::built_in().resolve(&settings).unwrap();
    let statistics = |tallies, batch_size, fusion_length| {
        let backend = gpu.with_options(GpuOptions {
            tallies: Some(tallies),
            batch_size,
            fusion_length,
            ..GpuOptions::default()
        });
        backend.rollout(&simulation, 0..600, &Unobserved).unwrap()
    };
    let expected = statistics(false, None, None);
    let summary = expected.summary();
    assert_eq!(summary.running_per_step.len(), 4096 + 7);
    assert_eq!(
        summary.curve_bins.unwrap()[4097..],
        [4128, 4160, 4192, 4224, 4256, 4288]
    );
    assert!(statistics(false, Some(256), Some(700)) == expected);
    assert!(statistics(true, None, None) == expected);
    assert!(statistics(true, Some(512), Some(333)) == expected);
}
