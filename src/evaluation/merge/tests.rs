//! What merging gives, and which reports it refuses.

use super::super::evaluate;
use super::*;
use crate::backend::Unobserved;
use crate::backend::cpu::{self, Arithmetic};
use crate::registry;
use crate::test_support;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use serde_json::Value;

fn shards(arithmetic: Arithmetic, count: u64) -> Vec<(String, Report)> {
    let shard = |index| {
        let text = format!("{index}/{count}");
        let report = test_support::report(arithmetic, Some(&text), &[]);
        (format!("{index}.json"), report)
    };
    (0..count).map(shard).collect()
}

/// The report without the fields that may differ between equal runs.
fn figures(report: &Report) -> String {
    let mut json = serde_json::to_value(report).unwrap();
    let object = json.as_object_mut().unwrap();
    // Warnings also depend on how a result was put together.
    for key in ["seconds", "user_steps_per_second", "shard", "warnings"] {
        object.shift_remove(key);
    }
    // The hash covers those fields, too.
    let state = object["state"].as_object_mut().unwrap();
    state.shift_remove("hash");
    json.to_string()
}

#[test]
fn merging_all_shards_gives_the_whole_run_to_the_last_bit() {
    for arithmetic in [Arithmetic::Double, Arithmetic::Single] {
        let whole = test_support::report(arithmetic, None, &[]);
        for count in [1, 2, 3, 7] {
            let mut shards = shards(arithmetic, count);
            assert_eq!(
                figures(&merge(&shards).unwrap().report),
                figures(&whole),
                "{count} shards"
            );
            shards.reverse();
            let merged = merge(&shards).unwrap();
            assert_eq!(figures(&merged.report), figures(&whole));
            assert!(merged.warnings.is_empty());
            let seconds: f64 = shards.iter().map(|(_, report)| report.seconds).sum();
            assert!((merged.report.seconds - seconds).abs() < 1e-9);
        }
    }
}

#[test]
fn merges_can_be_merged() {
    let whole = test_support::report(Arithmetic::Single, None, &[]);
    let shards = shards(Arithmetic::Single, 4);
    let outer = merge(&[shards[0].clone(), shards[3].clone()])
        .unwrap()
        .report;
    assert!(outer.partial);
    assert_eq!(outer.state.episode_ranges, [(0, 256), (768, 1000)]);
    let inner = merge(&shards[1..3]).unwrap().report;
    let all = merge(&[("outer".to_owned(), outer), ("inner".to_owned(), inner)]);
    assert_eq!(figures(&all.unwrap().report), figures(&whole));
}

#[test]
fn reports_of_different_runs_are_refused_with_the_key_that_differs() {
    let base = (
        "a".to_owned(),
        test_support::report(Arithmetic::Single, Some("0/2"), &[]),
    );
    for (given, told) in [
        (
            "seed=5",
            "`seed` is 0 and 5, which `--pool-seeds` puts together",
        ),
        ("max_steps=4", "`max_steps` is 5 and 4"),
        (
            "environment.user.sensitivity=0.5",
            "`environment.user.sensitivity` is 0.01 and 0.5",
        ),
        (
            "policy.with_replacement=true",
            "`policy.with_replacement` is false and true",
        ),
        (
            "policy.name=static",
            "`policy.name` is \"random\" and \"static\"",
        ),
    ] {
        let other = test_support::report(Arithmetic::Single, Some("1/2"), &[given]);
        let error = merge(&[base.clone(), ("b".to_owned(), other)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot merge a and b: they are of different runs: {told}")
        );
    }
    let mut other = base.1.clone();
    other.state.layout += 1;
    other.state.episode_ranges = vec![(512, 1000)];
    let error = merge(&[base, ("b".to_owned(), other)]).unwrap_err();
    assert!(error.to_string().contains("`state.layout`"), "{error}");
}

/// A run of a range of episodes.
fn run(first: u64, episodes: u64, given: &[&str]) -> (String, Report) {
    let episodes_given = format!("episodes={episodes}");
    let given: Vec<&str> = [episodes_given.as_str()]
        .into_iter()
        .chain(given.iter().copied())
        .collect();
    let config = test_support::short_run(&given);
    let simulation = registry::simulation(&config).unwrap();
    let backend = cpu::cpu(Some(2)).unwrap();
    let campaign = evaluate(&simulation, &backend, first..first + episodes, &Unobserved).unwrap();
    let report = Report::new(&config, None, &campaign);
    // Written and read back, as with a file.
    let text = serde_json::to_string(&report).unwrap();
    let name = format!("{first}.json");
    (name.clone(), Report::from_json(&name, &text).unwrap())
}

#[test]
fn runs_that_were_asked_for_one_by_one_give_the_whole_to_the_last_bit() {
    let (_, whole) = run(0, 2000, &[]);
    let parts = [run(1024, 976, &[]), run(0, 512, &[]), run(512, 512, &[])];
    let merged = merge(&parts).unwrap().report;
    assert_eq!(figures(&merged), figures(&whole));
    assert!(!merged.partial);
    // With a gap between two runs: the episodes in it were not asked for, so none is missing.
    let merged = merge(&[run(0, 512, &[]), run(1024, 976, &[])]).unwrap();
    assert!(!merged.report.partial);
    assert_eq!(merged.report.episodes, 1488);
    assert_eq!(
        merged.report.state.requested_ranges,
        [(0, 512), (1024, 2000)]
    );
    // A run that ends within a block, and a shard of a longer run.
    let mut longer = shards(Arithmetic::Single, 2);
    longer.remove(0);
    let merged = merge(&[run(0, 300, &[]), longer.remove(0)]).unwrap().report;
    assert!(merged.partial);
    assert_eq!(merged.state.told_lacking(), "300 to 511");
    let text = serde_json::to_string(&merged).unwrap();
    assert_eq!(Report::from_json("x", &text).unwrap(), merged);
}

#[test]
fn seeds_are_pooled_and_listed_when_that_is_asked_for() {
    let parts = [
        run(0, 512, &["seed=9"]),
        run(512, 512, &["seed=3"]),
        run(0, 512, &["seed=3"]),
    ];
    let message = merge(&parts).unwrap_err().to_string();
    assert!(message.contains("`seed` is 9 and 3"), "{message}");
    let merged = merge_runs(&parts, Pooling::Seeds).unwrap().report;
    assert_eq!(
        (merged.seeds.as_slice(), merged.episodes),
        (&[3, 9][..], 1536)
    );
    assert!(!merged.partial);
    let json = serde_json::to_value(&merged).unwrap();
    assert_eq!(json["seed"], Value::Null);
    assert_eq!(json["seeds"], serde_json::json!([3, 9]));
    let means: Vec<f64> = merged.by_seed.iter().filter_map(|one| one.mean).collect();
    let across = merged.return_across_seeds.unwrap();
    assert!((across.mean.unwrap() - (means[0] + means[1]) / 2.0).abs() < 1e-9);
    let apart = (means[0] - means[1]).abs() / 2.0;
    assert!((across.standard_error.unwrap() - apart).abs() < 1e-9);
    // Merged in parts, and read back.
    let inner = merge_runs(&parts[..2], Pooling::Seeds).unwrap().report;
    let text = serde_json::to_string(&inner).unwrap();
    let inner = (
        "inner".to_owned(),
        Report::from_json("inner", &text).unwrap(),
    );
    let outer = merge_runs(&[parts[2].clone(), inner.clone()], Pooling::Seeds).unwrap();
    assert_eq!(figures(&outer.report), figures(&merged));
    let message = merge_runs(&[inner, parts[1].clone()], Pooling::Seeds)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "cannot merge inner and 512.json: both hold episode 512 of the seed 3"
    );
}

#[test]
fn what_a_pool_includes_depends_on_where_the_documents_come_from() {
    for (given, told) in [
        (
            &["episodes=512"][..],
            "draws users and documents of its own",
        ),
        (
            &["environment.resample_documents=false"],
            "2 corpora, one a seed",
        ),
        (
            &[
                "environment.resample_documents=false",
                "environment.document.seed=5",
            ],
            "the same for all 2 seeds",
        ),
    ] {
        let with = |seed| run(0, 512, &[given, &[seed]].concat());
        let parts = [with("seed=1"), with("seed=2")];
        let merged = merge_runs(&parts, Pooling::Seeds).unwrap().report;
        let uncertainty = merged.uncertainty.unwrap();
        assert!(uncertainty.contains(told), "{uncertainty}");
    }
}

#[test]
fn numbers_that_another_program_has_written_are_the_same() {
    let parts = shards(Arithmetic::Single, 2);
    let touched = parts.iter().map(|(name, report)| {
        // 5.0 becomes 5, as jq and JavaScript have it; keys are sorted.
        fn touch(value: &Value) -> Value {
            match value {
                Value::Number(number) => match number.as_f64() {
                    Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => {
                        #[allow(clippy::cast_possible_truncation, reason = "it is whole and small")]
                        let integer = whole as i64;
                        Value::from(integer)
                    }
                    _ => value.clone(),
                },
                Value::Array(list) => list.iter().map(touch).collect(),
                Value::Object(table) => {
                    let mut names: Vec<&String> = table.keys().collect();
                    names.sort();
                    let touched = |name: &String| (name.clone(), touch(&table[name]));
                    names.into_iter().map(touched).collect()
                }
                other => other.clone(),
            }
        }
        let text = serde_json::to_string_pretty(&touch(&serde_json::to_value(report).unwrap()));
        Report::from_json(name, &text.unwrap()).unwrap()
    });
    let touched: Vec<Report> = touched.collect();
    let mixed = [("a".to_owned(), touched[0].clone()), parts[1].clone()];
    let whole = test_support::report(Arithmetic::Single, None, &[]);
    let merged = merge(&mixed).unwrap();
    assert!(merged.warnings.is_empty(), "{:?}", merged.warnings);
    let statistics = |report: &Report| serde_json::to_string(&report.state.statistics).unwrap();
    assert_eq!(statistics(&merged.report), statistics(&whole));
}

#[test]
fn weights_are_those_of_the_contents_of_the_file_not_of_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let report = |shard, weights: &str| {
        let weights = format!("policy.weights={weights}");
        let given = ["policy.name=linear_softmax", weights.as_str()];
        test_support::report(Arithmetic::Single, shard, &given)
    };
    // Two files with the same weights, and one with others.
    let [path, copy, other] = [("a", -3.0_f32), ("b", -3.0), ("c", -2.0)].map(|(name, weight)| {
        let data = weight.to_le_bytes();
        let view = TensorView::new(Dtype::F32, vec![1, 1], &data).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, serialize([("weight", view)], None).unwrap()).unwrap();
        format!("{:?}", path.to_str().unwrap())
    });
    let named = |name: &str, report: Report| (name.to_owned(), report);
    let first = named("first", report(Some("0/2"), &path));
    let second = named("second", report(Some("1/2"), &copy));
    for (shards, path) in [
        ([first.clone(), second.clone()], &path),
        ([second, first.clone()], &copy),
    ] {
        let merged = merge(&shards).unwrap().report;
        // The policy in the merged report has the path of the first report.
        assert_eq!(figures(&merged), figures(&report(None, path)));
    }
    for (weights, told) in [
        (other.as_str(), "`policy.weights.fnv1a64` is \""),
        ("[-3.0]", "`policy.weights` is {"),
    ] {
        let second = named("second", report(Some("1/2"), weights));
        let error = merge(&[first.clone(), second]).unwrap_err().to_string();
        let expected = format!("cannot merge first and second: they are of different runs: {told}");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn curves_that_one_result_lacks_are_left_out_with_a_warning() {
    let mut parts = shards(Arithmetic::Single, 2);
    parts[1].1.drop_curves();
    let json = serde_json::to_string(&parts[1].1).unwrap();
    assert!(!json.contains("per_step\""), "{json}");
    parts[1].1 = Report::from_json("1.json", &json).unwrap();
    let merged = merge(&parts).unwrap();
    assert_eq!(
        merged.warnings,
        ["1.json has no curves by step (`--no-curves`), and so the merged result has none"]
    );
    let mut whole = test_support::report(Arithmetic::Single, None, &[]);
    whole.drop_curves();
    assert_eq!(figures(&merged.report), figures(&whole));
    parts[0].1.drop_curves();
    assert!(merge(&parts).unwrap().warnings.is_empty());
}

#[test]
fn episodes_in_two_reports_are_refused() {
    let shards = shards(Arithmetic::Single, 3);
    let twice = [shards[0].clone(), shards[1].clone(), shards[0].clone()];
    let message = merge(&twice).unwrap_err().to_string();
    assert_eq!(
        message,
        "cannot merge 0.json and 0.json: both hold episode 0"
    );
    let whole = (
        "w".to_owned(),
        test_support::report(Arithmetic::Single, None, &[]),
    );
    let message = merge(&[whole, shards[2].clone()]).unwrap_err().to_string();
    assert_eq!(message, "cannot merge w and 2.json: both hold episode 512");
    assert!(merge(&[]).is_err());
}

#[test]
fn different_backends_are_merged_with_a_warning_and_named() {
    let mut parts = shards(Arithmetic::Single, 2);
    parts[1] = shards(Arithmetic::Double, 2).remove(1);
    let merged = merge(&parts).unwrap();
    assert_eq!(merged.report.backend.name, "cpu; reference");
    assert_eq!(merged.warnings.len(), 1);
    assert!(merged.warnings[0].contains("cpu; reference"));

    let mut parts = shards(Arithmetic::Single, 2);
    parts[1].1.backend.device = "64 threads".to_owned();
    let merged = merge(&parts).unwrap();
    assert_eq!(merged.report.backend.device, "2 threads; 64 threads");
    assert!(merged.warnings.is_empty());
}
