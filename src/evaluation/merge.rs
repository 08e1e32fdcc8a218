//! The reports of shards, merged into one.

use super::ranges::{EpisodeRange, count, disjoint_union, union};
use super::report::Run;
use super::state::SeedState;
use super::warnings::Warning;
use super::{Report, differences};
use crate::backend::BackendInfo;
use crate::error::Error;
use crate::text_file::quotable;
use serde_json::Value;

/// Holds a merged report, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The report of all episodes together.
    pub report: Report,
    /// What is doubtful about the merging, which the report tells with the rest: sentences without a full stop.
    pub warnings: Vec<String>,
}

/// Says which reports go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Those of one seed.
    #[default]
    OneSeed,
    /// Those of any seeds.
    Seeds,
}

/// Merges reports of one run, each with the name that errors call it by: [`merge_runs`] of one seed.
///
/// # Errors
/// Those of [`merge_runs`].
pub fn merge(reports: &[(String, Report)]) -> Result<Merged, Error> {
    merge_runs(reports, Pooling::OneSeed)
}

/// Merges reports of runs of one simulation that have no episode in common, each with the name that errors call it by.
///
/// Merging all shards of a run gives its report, bit for bit, except for the time; the order is of no consequence. Runs that
/// were asked for one by one give the report of all that was asked for. Where episodes of that are missing the result is
/// marked partial. Different backends round differently: they are merged with a warning, and all named in the result. Weights
/// from a file are told by its contents: a shard may have read them from another path, and the result has that of the first
/// report.
///
/// # Errors
/// [`Error::Merge`] if there are no reports, if they are of different simulations, of different seeds and not to be pooled,
/// or if episodes are in two of them.
pub fn merge_runs(reports: &[(String, Report)], pooling: Pooling) -> Result<Merged, Error> {
    let Some(((first_name, first), others)) = reports.split_first() else {
        return Err(Error::Merge {
            what: "results".to_owned(),
            why: "there are none".to_owned(),
        });
    };
    for (name, report) in others {
        let seeds = match pooling {
            Pooling::OneSeed => seed_mismatch(first, report),
            Pooling::Seeds => None,
        };
        if let Some(why) = mismatch(first, report).or(seeds) {
            return Err(Error::Merge {
                what: format!("{first_name} and {name}"),
                why: format!("they are of different runs: {why}"),
            });
        }
    }
    let by_seed = by_seed(reports)?;
    let mut state = first.state.clone();
    for (name, report) in others {
        let statistics = &report.state.statistics;
        state
            .statistics
            .merge(statistics)
            .map_err(|error| Error::Merge {
                what: name.clone(),
                why: error.to_string(),
            })?;
    }
    state.slatesim = env!("CARGO_PKG_VERSION").to_owned();
    let requested = by_seed.iter().try_fold(0u64, |sum, one| {
        sum.checked_add(count(&one.requested_ranges)?)
    });
    state.requested_episodes = requested.ok_or_else(|| Error::Merge {
        what: "results".to_owned(),
        why: "what was asked for is more than 2^64 - 1 episodes".to_owned(),
    })?;
    let seed = by_seed[0].seed;
    if let [one] = by_seed.as_slice() {
        let is_from_the_start = one.requested_ranges.len() <= 1
            && one.requested_ranges.iter().all(|&(start, _)| start == 0);
        state.requested_ranges = match is_from_the_start {
            true => Vec::new(),
            false => one.requested_ranges.clone(),
        };
        state.episode_ranges.clone_from(&one.episode_ranges);
        state.pooled = Vec::new();
    } else {
        state.requested_ranges = Vec::new();
        state.episode_ranges = Vec::new();
        state.pooled = by_seed;
    }
    // Sorted, so that the sum does not depend on the order of the files.
    let mut seconds: Vec<f64> = reports.iter().map(|(_, report)| report.seconds).collect();
    seconds.sort_unstable_by(f64::total_cmp);
    let run = Run {
        environment: first.environment.clone(),
        policy: first.policy.clone(),
        seed,
        backend: all_backends(reports),
        seconds: seconds.iter().sum(),
        state,
    };
    let warnings = warnings(reports);
    let mut report = run.report();
    let all = warnings.iter().cloned().map(Warning::plain);
    report.warnings.extend(all);
    Ok(Merged { report, warnings })
}

/// Gathers the episodes of each seed, the seeds ascending.
fn by_seed(reports: &[(String, Report)]) -> Result<Vec<SeedState>, Error> {
    let mut parts: Vec<SeedState> = reports
        .iter()
        .flat_map(|(_, report)| report.state.by_seed(report.seed))
        .collect();
    parts.sort_by_key(|part| part.seed);
    let mut all: Vec<SeedState> = Vec::new();
    for part in parts {
        match all.last_mut() {
            Some(one) if one.seed == part.seed => {
                one.requested_ranges.extend(part.requested_ranges);
                one.episode_ranges.extend(part.episode_ranges);
                one.returns.merge(&part.returns);
            }
            _ => all.push(part),
        }
    }
    for one in &mut all {
        one.requested_ranges = union(std::mem::take(&mut one.requested_ranges));
        one.episode_ranges = disjoint_union(std::mem::take(&mut one.episode_ranges))
            .map_err(|overlapping| overlap(reports, one.seed, overlapping[1]))?;
    }
    Ok(all)
}

/// Tells the seeds of two reports where they are not the same.
fn seed_mismatch(a: &Report, b: &Report) -> Option<String> {
    let seeds = |report: &Report| {
        let by_seed = report.state.by_seed(report.seed);
        let seeds = by_seed.iter().map(|one| one.seed.to_string());
        quotable(&seeds.collect::<Vec<_>>().join(", "))
    };
    let (a, b) = (seeds(a), seeds(b));
    (a != b).then(|| format!("`seed` is {a} and {b}, which `--pool-seeds` puts together"))
}

/// Finds the first thing in which two reports show that they are of different runs.
fn mismatch(a: &Report, b: &Report) -> Option<String> {
    let sections = [
        ("environment", &a.environment, &b.environment),
        ("policy", &a.policy, &b.policy),
    ];
    for (section, a, b) in sections {
        let found = differences(a, b);
        // What a version does not know yet and another has no value for is the same.
        let is_nothing = |side: &Option<Value>| side.as_ref().is_none_or(|value| value.is_null());
        let mut found = found.iter().filter(|difference| {
            let is_absent = is_nothing(&difference.left) && is_nothing(&difference.right);
            !(is_absent || is_path_of_weights(a, b, &difference.key))
        });
        if let Some(difference) = found.next() {
            let text = |value: &Option<Value>| value.as_ref().map_or("absent".to_owned(), clip);
            let about = if difference.key.ends_with(HASH) {
                ", the hash of the file"
            } else {
                ""
            };
            return Some(format!(
                "`{section}.{}` is {} and {}{about}",
                difference.key,
                text(&difference.left),
                text(&difference.right)
            ));
        }
    }
    let optional =
        |value: Option<u32>| value.map_or("absent".to_owned(), |value| value.to_string());
    let numbers = [
        ("max_steps", optional(a.max_steps), optional(b.max_steps)),
        (
            "state.layout",
            a.state.layout.to_string(),
            b.state.layout.to_string(),
        ),
    ];
    let different = numbers.into_iter().find(|(_, a, b)| a != b)?;
    Some(format!(
        "`{}` is {} and {}",
        different.0, different.1, different.2
    ))
}

/// Ends of the keys that weights from a file are written with: its path, and the hash of its contents.
const PATH: &str = ".file";
const HASH: &str = ".fnv1a64";

/// Tells whether a key is the path of a file of weights whose hash both have: that tells what was run, the path does not.
fn is_path_of_weights(a: &Value, b: &Value, key: &str) -> bool {
    let Some(weights) = key.strip_suffix(PATH) else {
        return false;
    };
    let hash = format!("/{weights}{HASH}").replace('.', "/");
    let has_hash = |section: &Value| section.pointer(&hash).is_some_and(Value::is_string);
    has_hash(a) && has_hash(b)
}

/// Shortens a value that a message quotes.
fn clip(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Names the two reports that hold the start of a range, or one that holds what came before it.
fn overlap(reports: &[(String, Report)], seed: u64, range: EpisodeRange) -> Error {
    let holds = |report: &Report| {
        let by_seed = report.state.by_seed(report.seed);
        let mut ranges = by_seed
            .iter()
            .filter(|one| one.seed == seed)
            .flat_map(|one| &one.episode_ranges);
        ranges.any(|&(start, end)| start <= range.0 && range.0 < end)
    };
    let names: Vec<&str> = reports
        .iter()
        .filter(|(_, report)| holds(report))
        .map(|(name, _)| name.as_str())
        .collect();
    let several = reports
        .iter()
        .any(|(_, report)| !report.state.pooled.is_empty() || report.seed != seed);
    let of_seed = match several {
        true => format!(" of the seed {seed}"),
        false => String::new(),
    };
    Error::Merge {
        what: names.join(" and "),
        why: format!("both hold episode {}{of_seed}", range.0),
    }
}

/// Names every backend, device and driver once.
fn all_backends(reports: &[(String, Report)]) -> BackendInfo {
    let all = |part: fn(&BackendInfo) -> &str| {
        let mut names: Vec<&str> = reports
            .iter()
            .map(|(_, report)| part(&report.backend))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.join("; ")
    };
    BackendInfo {
        name: all(|backend| &backend.name),
        device: all(|backend| &backend.device),
        driver: all(|backend| &backend.driver),
    }
}

fn warnings(reports: &[(String, Report)]) -> Vec<String> {
    let mut warnings = Vec::new();
    let unverified: Vec<&str> = reports
        .iter()
        .filter(|(_, report)| report.is_unverified)
        .map(|(name, _)| name.as_str())
        .collect();
    if let Some(first) = unverified.first() {
        let more = match unverified.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        warnings.push(format!(
            "{first}{more} without `state.hash`, as earlier versions wrote it: damage may go unnoticed"
        ));
    }
    // The number of threads, which is the device of the host backends, changes no bit.
    let arithmetic = |backend: &BackendInfo| match backend.name.as_str() {
        "gpu" => format!("gpu, {}, {}", backend.device, backend.driver),
        name => name.to_owned(),
    };
    let distinct = |part: &dyn Fn(&Report) -> String| {
        let mut all: Vec<String> = reports.iter().map(|(_, report)| part(report)).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let backends = distinct(&|report| arithmetic(&report.backend));
    if backends.len() > 1 {
        warnings.push(format!(
            "the results are of different backends, which round differently: {}",
            backends.join("; ")
        ));
    }
    let has_curves = |report: &Report| report.state.statistics.has_curves();
    let (with, without): (Vec<_>, Vec<_>) =
        reports.iter().partition(|(_, report)| has_curves(report));
    if let ([_, ..], [(name, _), ..]) = (&with[..], &without[..]) {
        warnings.push(format!(
            "{name} has no curves by step (`--no-curves`), and so the merged result has none"
        ));
    }
    let versions = distinct(&|report| report.state.slatesim.clone());
    if versions.len() > 1 {
        warnings.push(format!(
            "the results are of different versions of slatesim: {}",
            versions.join(", ")
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::super::{evaluate, fixtures};
    use super::*;
    use crate::backend::Unobserved;
    use crate::backend::cpu::{self, Arithmetic};
    use crate::registry;
    use safetensors::Dtype;
    use safetensors::tensor::{TensorView, serialize};

    fn shards(arithmetic: Arithmetic, count: u64) -> Vec<(String, Report)> {
        let shard = |index| {
            let text = format!("{index}/{count}");
            let report = fixtures::report(arithmetic, Some(&text), &[]);
            (format!("{index}.json"), report)
        };
        (0..count).map(shard).collect()
    }

    /// The report without what may differ.
    fn figures(report: &Report) -> String {
        let mut json = serde_json::to_value(report).unwrap();
        let object = json.as_object_mut().unwrap();
        // Warnings tell how a result was put together, too.
        for key in ["seconds", "user_steps_per_second", "shard", "warnings"] {
            object.shift_remove(key);
        }
        // It is of those too.
        let state = object["state"].as_object_mut().unwrap();
        state.shift_remove("hash");
        json.to_string()
    }

    #[test]
    fn merging_all_shards_gives_the_whole_run_to_the_last_bit() {
        for arithmetic in [Arithmetic::Double, Arithmetic::Single] {
            let whole = fixtures::report(arithmetic, None, &[]);
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
        let whole = fixtures::report(Arithmetic::Single, None, &[]);
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
            fixtures::report(Arithmetic::Single, Some("0/2"), &[]),
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
            let other = fixtures::report(Arithmetic::Single, Some("1/2"), &[given]);
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

    /// A run of some episodes of its own.
    fn run(first: u64, episodes: u64, given: &[&str]) -> (String, Report) {
        let episodes_given = format!("episodes={episodes}");
        let given: Vec<&str> = [episodes_given.as_str()]
            .into_iter()
            .chain(given.iter().copied())
            .collect();
        let config = fixtures::config(&given);
        let simulation = registry::simulation(&config).unwrap();
        let backend = cpu::cpu(Some(2)).unwrap();
        let campaign =
            evaluate(&simulation, &backend, first..first + episodes, &Unobserved).unwrap();
        let report = Report::new(&config, None, &campaign);
        // As a file has it.
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
        // With a gap that nobody asked for: nothing is missing.
        let merged = merge(&[run(0, 512, &[]), run(1024, 976, &[])]).unwrap();
        assert!(!merged.report.partial);
        assert_eq!(merged.report.episodes, 1488);
        assert_eq!(
            merged.report.state.requested_ranges,
            [(0, 512), (1024, 2000)]
        );
        // A run that ends within a block, and what was asked for besides.
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
        // In parts, and read back.
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
                            #[allow(
                                clippy::cast_possible_truncation,
                                reason = "it is whole and small"
                            )]
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
        let whole = fixtures::report(Arithmetic::Single, None, &[]);
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
            fixtures::report(Arithmetic::Single, shard, &given)
        };
        // The same weights in two files, and others.
        let [path, copy, other] =
            [("a", -3.0_f32), ("b", -3.0), ("c", -2.0)].map(|(name, weight)| {
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
            // Its policy has the path of the first.
            assert_eq!(figures(&merged), figures(&report(None, path)));
        }
        for (weights, told) in [
            (other.as_str(), "`policy.weights.fnv1a64` is \""),
            ("[-3.0]", "`policy.weights` is {"),
        ] {
            let second = named("second", report(Some("1/2"), weights));
            let error = merge(&[first.clone(), second]).unwrap_err().to_string();
            let expected =
                format!("cannot merge first and second: they are of different runs: {told}");
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
        let mut whole = fixtures::report(Arithmetic::Single, None, &[]);
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
            fixtures::report(Arithmetic::Single, None, &[]),
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
}
