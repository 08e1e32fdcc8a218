//! Promise: `benches/lab` measures everything that `slatesim bench` does and more, and writes JSON as `docs/benchmarking.md`
//! describes it.

#![cfg(all(feature = "cli", feature = "gpu"))]
#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../benches/lab/main.rs"]
mod program;

use crate::common;
use crate::common::bench_json::{assert_is_described, assert_is_rate, rows};
use program::Lab;
use program::backends::{self, OpenBackend};
use program::roofline::{Roofline, known};
use program::scaling::{doubling, powers, turns};
use program::tables;
use serde_json::{Value, json};
use slatesim::Error;
use slatesim::backend::cpu::InstructionSet;
use slatesim::backend::{Observer, Unobserved};
use slatesim::bench::{Lap, Workload, cases};
use slatesim::registry::Registry;
use std::cell::RefCell;

const MAIN: (&str, &str) = ("long_term_satisfaction", "random");

/// Measures a policy in an environment on a backend, and returns the JSON.
fn measured(wanted: (&str, &str), backends: &[OpenBackend], observer: &dyn Observer) -> Value {
    let is_wanted = |environment: &str, policy: &str| (environment, policy) == wanted;
    let lab = Lab {
        cases: &cases(&Registry::built_in(), is_wanted).unwrap(),
        backends,
        is_quick: true,
        observer,
    };
    serde_json::to_value(lab.measure().unwrap()).unwrap()
}

fn on(backend: &str, wanted: (&str, &str)) -> Value {
    let backends = backends::open(|name| name == backend).unwrap();
    measured(wanted, &backends, &Unobserved)
}

#[test]
fn the_main_job_is_measured_step_by_step_and_against_threads_lanes_and_episodes() {
    let report = on("cpu", MAIN);
    assert_eq!(report["schema"], 2);
    assert_eq!(report["partial"], false);
    assert!(!rows(&report, "results").is_empty());
    let steps = rows(&report, "step_api");
    let settings: Vec<_> = steps
        .iter()
        .map(|row| (row["setting"].as_str(), row["num_envs"].as_u64()))
        .collect();
    let main = Some("random_baseline");
    let expected = [(main, Some(1)), (main, Some(64)), (Some("first"), Some(64))];
    assert_eq!(settings, expected);
    for row in steps {
        assert_is_rate(&row["step_user_steps_per_second"]);
        assert_is_rate(&row["observed_user_steps_per_second"]);
        assert!(row["rollout_user_steps_per_second"].as_f64() > Some(0.0));
    }
    for by in ["threads", "lanes", "episodes"] {
        let points = rows(&report, "scaling")
            .iter()
            .filter(|row| row["by"] == by);
        let values: Vec<u64> = points
            .map(|row| {
                assert_is_rate(&row["user_steps_per_second"]);
                row["value"].as_u64().expect("a count")
            })
            .collect();
        assert!(!values.is_empty() && values.is_sorted(), "{by}: {values:?}");
    }
    let variants: Vec<&str> = rows(&report, "ablations")
        .iter()
        .map(|row| row["variant"].as_str().expect("a name"))
        .collect();
    let sets: Vec<&str> = InstructionSet::available()
        .map(InstructionSet::name)
        .collect();
    assert!(variants == sets || (variants.is_empty() && sets.len() == 1));
    assert!(report["roofline"].is_null());
    assert_is_described(&report);

    let text = tables::text(&report);
    for heading in ["results", "step_api", "scaling"] {
        assert!(text.contains(&format!("\n\n{heading}\n\n")), "{text}");
    }
}

#[test]
fn without_the_main_job_nothing_of_it_is_measured() {
    let report = on("reference", ("test_mdp", "static"));
    assert_eq!(rows(&report, "results").len(), 1);
    for section in ["step_api", "scaling", "kernels", "ablations"] {
        assert_eq!(rows(&report, section).len(), 0, "{section}");
    }
}

#[test]
fn a_gpu_is_measured_by_its_own_clock_and_in_other_ways() {
    let Some(gpu) = common::any_gpu() else {
        return;
    };
    let is_software = gpu.adapter().is_software();
    let report = measured(MAIN, &[OpenBackend::Gpu(gpu)], &Unobserved);
    // A software adapter has a clock; a GPU may have none.
    assert!(!is_software || !rows(&report, "kernels").is_empty());
    for row in rows(&report, "kernels") {
        assert_is_rate(&row["user_steps_per_second"]);
        assert!(row["kernel_seconds"].as_f64() > Some(0.0));
    }
    for section in ["results", "step_api", "scaling", "ablations"] {
        assert!(!rows(&report, section).is_empty(), "{section}");
        for row in rows(&report, section) {
            assert_eq!(row["backend"], "gpu");
            assert_eq!(row["is_software"], is_software);
        }
    }
    assert!(!is_software || report["roofline"].is_null());
    let variants: Vec<&Value> = rows(&report, "ablations")
        .iter()
        .map(|row| &row["variant"])
        .collect();
    assert_eq!(
        variants,
        [
            "default",
            "limbs",
            "checked",
            "sums by host",
            "sums by device"
        ]
    );
    assert_eq!(rows(&report, "ablations")[0]["ratio"], 1.0);
    assert_is_described(&report);
}

#[test]
fn what_was_interrupted_is_partial() {
    struct Interrupts;
    impl Observer for Interrupts {
        fn finished(&self, _episodes: u64, _user_steps: u64) {}
        fn is_interrupted(&self) -> bool {
            true
        }
    }
    let backends = backends::open(|name| name == "cpu").unwrap();
    let report = measured(MAIN, &backends, &Interrupts);
    assert_eq!(report["partial"], true);
    for section in ["results", "step_api", "scaling", "kernels", "ablations"] {
        assert_eq!(rows(&report, section).len(), 0, "{section}");
    }
}

#[test]
fn a_backend_can_be_had_with_other_threads() {
    let opened = backends::open(|name| name == "cpu").unwrap();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].label().to_string(), "cpu");
    assert!(!opened[0].is_reference());
    let one = opened[0].with_threads(1).unwrap().expect("a host");
    assert_eq!(one.info().device, "1 thread");
}

#[test]
fn the_ceiling_of_an_h100_is_that_of_its_instructions() {
    let roofline = Roofline::new("gpu", "NVIDIA H100 80GB HBM3", 1.0e11).expect("known");
    // 132 · 128 · 1.98 GHz / 101
    assert!((roofline.ceiling_user_steps_per_second / 3.3123e11 - 1.0).abs() < 1e-4);
    assert!((roofline.share - 0.3019).abs() < 1e-4);
    assert_is_described(&serde_json::to_value(roofline).unwrap());
}

#[test]
fn boards_are_told_apart_and_others_are_unknown() {
    let clock = |device| known(device).map(|known| known.clock);
    assert_eq!(clock("NVIDIA H100 PCIe"), Some(1.755e9));
    assert_eq!(clock("NVIDIA H100 SXM5 80GB"), Some(1.98e9));
    assert_eq!(clock("NVIDIA H200"), Some(1.98e9));
    for unknown in [
        "NVIDIA A100-SXM4-80GB",
        "NVIDIA GH200 480GB",
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "llvmpipe (LLVM 15.0.6, 256 bits)",
    ] {
        assert_eq!(known(unknown), None, "{unknown}");
    }
}

#[test]
fn rows_stand_below_their_keys() {
    let rate = json!({"median": 2e6, "min": 1e6, "max": 3e6});
    let rows = json!([{"backend": "gpu", "rate": rate}, {"backend": "reference", "rate": rate}]);
    assert_eq!(
        tables::text(&json!({"threads": 2, "kernels": [], "results": rows})),
        "threads: 2\n\nresults\n\n\
         backend    rate\n\
         gpu        2.0000e6 (1.0000e6, 3.0000e6)\n\
         reference  2.0000e6 (1.0000e6, 3.0000e6)\n"
    );
}

#[test]
fn threads_double_and_end_with_all() {
    assert_eq!(doubling(1), [1]);
    assert_eq!(doubling(6), [1, 2, 4, 6]);
    assert_eq!(doubling(8), [1, 2, 4, 8]);
}

#[test]
fn a_curve_has_a_point_however_short_a_run_may_be() {
    assert_eq!(powers(256, 1).collect::<Vec<_>>(), [256]);
    assert_eq!(powers(256, 5000).collect::<Vec<_>>(), [256, 1024, 4096]);
}

/// Leaves its name behind at each run.
struct Named<'a>(char, &'a RefCell<String>);

impl Workload for Named<'_> {
    fn run(&mut self, _size: u64) -> Result<Option<Lap>, Error> {
        self.1.borrow_mut().push(self.0);
        Ok(Some(Lap {
            seconds: 1.0,
            user_steps: 1.0,
        }))
    }
    fn least(&self) -> u64 {
        1
    }
    fn first(&self) -> u64 {
        1
    }
}

#[test]
fn points_of_a_curve_take_turns() {
    let log = RefCell::default();
    let mut workloads: Vec<Box<dyn Workload + '_>> =
        vec![Box::new(Named('a', &log)), Box::new(Named('b', &log))];
    turns(&mut workloads, &[1, 1], 3).unwrap();
    assert_eq!(log.borrow().as_str(), "ababab");
}
