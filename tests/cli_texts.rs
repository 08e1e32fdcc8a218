//! The texts of the command line, word for word, so that they change on purpose only.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use assert_cmd::Command;
use slatesim::registry::Registry;

fn told(arguments: &[&str]) -> String {
    let output = Command::cargo_bin("slatesim")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn the_help_lists_commands_and_exit_codes() {
    insta::assert_snapshot!(told(&["--help"]));
}

#[test]
fn the_help_of_bench_tells_what_is_measured() {
    insta::assert_snapshot!(told(&["bench", "--help"]));
}

#[test]
fn bad_input_names_the_key_the_value_and_what_is_allowed() {
    let cases: [&[&str]; 8] = [
        &["--environment", "long_term_satisfactoin"],
        &["--policy", "greddy"],
        &["--set", "environment.user.sensitvity=0.1"],
        &["--set", "environment.user.choc_stddev=-1"],
        &["--set", "environment.user.sensitivity=nan"],
        &["--set", "environment.slate_size=30"],
        &["--episodes", "0"],
        &[
            "--set",
            "environment.document.corpus=[0.5, 0.6]",
            "--set",
            "environment.resample_documents=false",
            "--set",
            "environment.num_candidates=3",
        ],
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|case| told(&[&["evaluate", "--backend", "cpu"], *case].concat()))
        .collect();
    // The names of all models are left out, so that one can be added without a change here.
    let declarations = Registry::built_in().declarations();
    let mut told = told.join("\n");
    for (kind, entries) in [
        ("environments", &declarations.environments),
        ("policies", &declarations.policies),
    ] {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let names = names.join(", ");
        assert!(told.contains(&names), "{told}");
        told = told.replace(&names, &format!("[all {kind}]"));
    }
    insta::assert_snapshot!(told);
}
