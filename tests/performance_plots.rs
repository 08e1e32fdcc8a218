//! Promise: `examples/performance_plots.rs` can draw the JSON of `benches/lab`.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../examples/performance_plots.rs"]
mod example;

use example::plots;
use serde_json::{Value, json};

fn stored() -> Value {
    serde_json::from_str(include_str!("performance_plots/bench.json")).unwrap()
}

#[test]
fn a_stored_bench_gives_a_plot_of_everything() {
    let plots = plots(&stored()).unwrap();
    let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["threads", "lanes", "episodes", "step_api", "environments"];
    assert_eq!(
        names,
        expected.map(|what| format!("performance_{what}.svg"))
    );
    for (name, svg) in &plots {
        assert!(
            svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
            "{name}"
        );
        assert!(
            svg.contains("gpu (software)") || name.contains("threads"),
            "{name}"
        );
        assert!(svg.contains("user-steps/s"), "{name}");
    }
    assert!(plots[4].1.contains("item_transition: default"));
}

#[test]
fn what_was_not_measured_is_not_drawn() {
    let mut bench = stored();
    for section in ["scaling", "step_api"] {
        bench[section] = json!([]);
    }
    let plots = plots(&bench).unwrap();
    assert_eq!(plots.len(), 1);
    assert_eq!(plots[0].0, "performance_environments.svg");
}

#[test]
fn another_schema_is_refused() {
    let mut bench = stored();
    bench["schema"] = json!(1);
    let error = plots(&bench).unwrap_err();
    assert_eq!(error.to_string(), "`schema` = 1 is not read; allowed is 2");
}
