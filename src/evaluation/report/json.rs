//! A report as JSON: writing it with its hash, and reading it back.

use super::{Report, Run, SCHEMA};
use crate::backend::BackendInfo;
use crate::evaluation::error::EvaluationError;
use crate::evaluation::figures;
use crate::evaluation::json_numbers::{hash_of_entries, read_integers, write_large_as_text};
use crate::evaluation::ranges::{count, difference};
use crate::evaluation::shard::Shard;
use crate::evaluation::state::State;
use crate::evaluation::warnings::Warning;
use crate::json;
use crate::text_file::quotable;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// The key inside `state` that holds the hash of the report.
const HASH: &str = "hash";

/// Keys that may differ between reports of the same episodes: how the run was cut, and how long it took.
const NOT_HASHED: [&str; 5] = [
    "shard",
    "seconds",
    "user_steps_per_second",
    "target_reached",
    "stopping",
];

/// Computes the hash of a written report. It leaves out the hash itself, [`NOT_HASHED`], and the backend's device, which
/// contains the number of threads: reports with the same bits have the same hash.
fn hash(written: &Value) -> u64 {
    let mut backend = written["backend"].clone();
    if let Some(backend) = backend.as_object_mut() {
        backend.shift_remove("device");
    }
    let entries = written.as_object().into_iter().flatten();
    let entries = entries.filter(|(name, _)| !NOT_HASHED.contains(&name.as_str()));
    let entries = entries.map(|(name, value)| match name.as_str() {
        "backend" => ("backend", &backend),
        name => (name, value),
    });
    hash_of_entries(entries.collect())
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Self::serialize(self, serde_json::value::Serializer);
        let mut written = written.map_err(serde::ser::Error::custom)?;
        write_large_as_text(&mut written);
        if !self.seeds.is_empty() {
            written["seed"] = Value::Null;
        }
        written["state"][HASH] = Value::String(format!("{:016x}", hash(&written)));
        written.serialize(serializer)
    }
}

impl Report {
    /// Reads a report back; `name` is what errors call it, such as the path of its file.
    ///
    /// The figures are computed anew from the state, and the written ones must agree.
    ///
    /// # Errors
    /// [`EvaluationError::Merge`] if the text is no report of this [`SCHEMA`], contradicts itself, or does not have the hash
    /// that it claims. A text without a hash, as earlier versions wrote it, is read with [`Report::is_unverified`].
    pub fn from_json(name: &str, text: &str) -> Result<Self, EvaluationError> {
        let refused = |why: String| EvaluationError::Merge {
            what: name.to_owned(),
            why,
        };
        let not_json = |error: serde_json::Error| {
            let error = quotable(&error.to_string());
            refused(format!(
                "not a result of `slatesim evaluate --json`: {error}"
            ))
        };
        let damaged = |why: &str| refused(format!("the file is damaged: {why}"));
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut value = json::read(text.as_bytes()).map_err(not_json)?;
        // Otherwise a list would be read as the fields of an object, and the error would be about the first of them.
        if let Some(found) = no_object(&value) {
            return Err(refused(format!(
                "it holds {found}, expected one object, as `slatesim evaluate --json` prints it"
            )));
        }
        let header = Header::deserialize(&value).map_err(not_json)?;
        if header.schema != SCHEMA {
            return Err(refused(format!(
                "its schema is {}, expected {SCHEMA}; it is of slatesim {}",
                header.schema,
                quotable(&header.slatesim)
            )));
        }
        let written_hash = value
            .get_mut("state")
            .and_then(Value::as_object_mut)
            .and_then(|state| state.shift_remove(HASH));
        if let Some(written) = &written_hash
            && written.as_str() != Some(&format!("{:016x}", hash(&value)))
        {
            return Err(damaged(
                "it is not what its `state.hash` is of; only the writing of numbers, spaces and the order of keys may change",
            ));
        }
        // Values in these parts may be strings that look like integers, and stay strings.
        let texts = ["environment", "policy", "backend", "slatesim"];
        for (key, value) in value.as_object_mut().into_iter().flatten() {
            if !texts.contains(&key.as_str()) {
                read_integers(value);
            }
        }
        let written = Written::deserialize(&value).map_err(not_json)?;
        let pooled = &written.state.pooled;
        let seed = match (written.seed, pooled.first()) {
            (Some(seed), None) => seed,
            (None, Some(first)) => first.seed,
            _ => return Err(damaged("its `seed` is not that of its `state`")),
        };
        let statistics = &written.state.statistics;
        let counts = (statistics.episodes(), statistics.user_steps());
        let defect = if (written.episodes, written.user_steps) != counts {
            Some("its `state` is of another number of episodes or user-steps".to_owned())
        } else if written.max_steps
            != statistics
                .conditions()
                .max_steps
                .or(written.state.max_steps)
        {
            Some("its `state` is of another `max_steps`".to_owned())
        } else if !(written.seconds.is_finite() && written.seconds >= 0.0) {
            Some(format!("its `seconds` are {}", written.seconds))
        } else {
            written.state.defect()
        };
        let defect = defect.or_else(|| match written_hash {
            Some(_) => written.defect_beside_the_hash(),
            None => None,
        });
        if let Some(defect) = defect {
            return Err(damaged(&defect));
        }
        let run = Run {
            environment: written.environment,
            policy: written.policy,
            seed,
            backend: written.backend,
            seconds: written.seconds,
            state: written.state,
        };
        let mut report = run.report();
        let computed = serde_json::to_value(&report.summary).map_err(not_json)?;
        if let Some(key) = figures::contradiction(&value, &computed) {
            return Err(damaged(&format!(
                "its `{key}` is not what its `state` gives"
            )));
        }
        report.slatesim = header.slatesim;
        report.shard = written.shard;
        report.partial = written.partial;
        // Warnings that come from merging cannot be computed anew from the figures, and are kept.
        for other in written.warnings {
            if report.warnings.iter().all(|known| known.text != other) {
                report.warnings.push(Warning::plain(other));
            }
        }
        report.is_unverified = written_hash.is_none();
        Ok(report)
    }
}

/// The fields that say whether the rest can be read.
#[derive(Deserialize)]
struct Header {
    schema: u32,
    slatesim: String,
}

/// A report as it is read, without the figures, which are computed from the state.
#[derive(Deserialize)]
struct Written {
    environment: Value,
    policy: Value,
    /// `None` where there are several seeds.
    seed: Option<u64>,
    max_steps: Option<u32>,
    shard: Option<Shard>,
    #[serde(default)]
    partial: bool,
    #[serde(default)]
    warnings: Vec<String>,
    backend: BackendInfo,
    episodes: u64,
    user_steps: u64,
    seconds: f64,
    user_steps_per_second: Option<f64>,
    state: State,
}

impl Written {
    /// Finds a contradiction among the fields that the hash does not cover.
    fn defect_beside_the_hash(&self) -> Option<String> {
        let rate = self.user_steps as f64 / self.seconds;
        if self.user_steps_per_second != Some(rate).filter(|rate| rate.is_finite()) {
            return Some(
                "its `seconds` and `user_steps_per_second` contradict each other".to_owned(),
            );
        }
        let is_host = |name: &str| ["cpu", "reference"].contains(&name);
        let are_threads = |device: &str| {
            let count = device
                .strip_suffix(" threads")
                .or_else(|| device.strip_suffix(" thread"));
            count.is_some_and(|count| count.parse::<u32>().is_ok())
        };
        if self.backend.name.split("; ").all(is_host)
            && !self.backend.device.split("; ").all(are_threads)
        {
            return Some("its `backend.device` is not a number of threads".to_owned());
        }
        let shard = self.shard?;
        let by_seed = self.state.by_seed(0);
        let [one] = by_seed.as_slice() else {
            return Some("a `shard` is of one seed".to_owned());
        };
        let asked = match one.requested_ranges.as_slice() {
            [(start, end)] => {
                let part = shard.episodes(end - start);
                vec![(start + part.start, start + part.end)]
            }
            _ => Vec::new(),
        };
        // A run that was interrupted has fewer.
        let is_whole = self.partial || count(&one.episode_ranges) == count(&asked);
        let is_inside = difference(&one.episode_ranges, &asked).is_empty();
        (!(is_whole && is_inside)).then(|| format!("its episodes are not those of shard {shard}"))
    }
}

/// Says what kind of value it is, if it is no object.
fn no_object(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) => None,
        Value::Array(list) if list.len() == 1 => Some("a list with one value".to_owned()),
        Value::Array(list) => Some(format!("a list of {} values", list.len())),
        Value::String(_) => Some("a text".to_owned()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::Arithmetic;
    use crate::test_support;
    use serde_json::json;

    #[test]
    fn a_report_reads_back_as_it_was() {
        for shard in [None, Some("1/3"), Some("9/10")] {
            let report = test_support::report(Arithmetic::Single, shard, &[]);
            let text = serde_json::to_string(&report).unwrap();
            let read = Report::from_json("x.json", &text).unwrap();
            assert_eq!(read, report);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn only_interrupted_runs_are_marked_partial() {
        let whole = test_support::report(Arithmetic::Single, None, &[]);
        let json = serde_json::to_value(&whole).unwrap();
        assert!(json.get("partial").is_none() && json.get("shard").is_none());
        let part = test_support::report(Arithmetic::Single, Some("0/3"), &[]);
        let json = serde_json::to_value(&part).unwrap();
        assert!(json.get("partial").is_none());
        assert_eq!(json["shard"], json!({"index": 0, "count": 3}));
    }

    #[test]
    fn damaged_reports_are_refused_by_name() {
        let report = test_support::report(Arithmetic::Single, Some("1/3"), &[]);
        let good = serde_json::to_value(&report).unwrap();
        for (pointer, value) in [
            ("/schema", json!(2)),
            ("/schema", json!("1")),
            ("/seed", json!(-1)),
            ("/seconds", json!(-1.0)),
            ("/episodes", json!(12)),
            ("/user_steps", json!(12)),
            ("/max_steps", json!(12)),
            ("/backend", json!("cpu")),
            ("/state", json!(null)),
            ("/state/statistics", json!({})),
            ("/state/statistics/click_rate/units", json!(3)),
            ("/state/episode_ranges", json!([])),
            ("/state/episode_ranges", json!([[0, 512], [256, 512]])),
            ("/state/episode_ranges", json!([[255, 511]])),
            ("/state/episode_ranges", json!([[512, 256]])),
            (
                "/state/episode_ranges",
                json!([[0, 18_446_744_073_709_551_615_u64]]),
            ),
            ("/state/requested_episodes", json!(12)),
            ("/return/mean", json!(12.5)),
            ("/environment/user/sensitivity", json!(0.5)),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).expect("the report has this place") = value;
            let error = Report::from_json("some/shard.json", &bad.to_string()).unwrap_err();
            let message = error.to_string();
            assert!(
                message.starts_with("cannot merge some/shard.json: "),
                "{pointer}: {message}"
            );
        }
        for text in ["", "{", "[]", "null", "3", "\u{0}"] {
            assert!(Report::from_json("x", text).is_err());
        }
        let listed = Report::from_json("x", &json!([good]).to_string());
        assert_eq!(
            listed.unwrap_err().to_string(),
            "cannot merge x: it holds a list with one value, expected one object, as `slatesim evaluate --json` prints it"
        );
        // A report without a hash, as earlier versions wrote it, is still refused if it contradicts itself.
        let mut old = good.clone();
        old["state"].as_object_mut().unwrap().shift_remove("hash");
        assert!(
            Report::from_json("x", &old.to_string())
                .unwrap()
                .is_unverified
        );
        for pointer in [
            "/return/mean",
            "/length/max",
            "/click_rate/mean",
            "/slots/0/clicks",
        ] {
            let mut bad = old.clone();
            *bad.pointer_mut(pointer).expect("the report has this place") = json!(3.25);
            let message = Report::from_json("x", &bad.to_string())
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("is not what its `state` gives"),
                "{message}"
            );
        }
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let report = test_support::report(Arithmetic::Single, Some("1/3"), &[]);
        let text = serde_json::to_string(&report).unwrap();
        let good = serde_json::to_string(&Report::from_json("x", &text).unwrap()).unwrap();
        let mut unnoticed = Vec::new();
        // Every bit of some bytes, and every digit of the state.
        let begin = text.find("\"state\"").unwrap();
        for position in 0..text.len() {
            let is_digit = text.as_bytes()[position].is_ascii_digit();
            let bits = match (position % 37, position > begin && is_digit) {
                (0, _) => 0..8,
                (_, true) => 0..1,
                _ => continue,
            };
            for bit in bits {
                let mut bytes = text.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                let Ok(damaged) = String::from_utf8(bytes) else {
                    continue;
                };
                if let Ok(read) = Report::from_json("x", &damaged) {
                    unnoticed.push((position, bit, serde_json::to_string(&read).unwrap() == good));
                }
            }
        }
        // An exponent written with a capital E changes nothing.
        assert!(
            unnoticed.iter().all(|(_, _, is_same)| *is_same),
            "{unnoticed:?}"
        );
        assert!(unnoticed.len() < 9, "{unnoticed:?}");
    }

    #[test]
    fn large_seeds_are_texts_and_read_either_way() {
        let report = test_support::report(Arithmetic::Single, None, &["seed=18446744073709551615"]);
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains("\"seed\":\"18446744073709551615\""), "{text}");
        let read = Report::from_json("x", &text).unwrap();
        assert_eq!(read.seed, u64::MAX);
        let number = text.replace("\"18446744073709551615\"", "18446744073709551615");
        assert_eq!(Report::from_json("x", &number).unwrap(), read);
        // As earlier versions wrote it.
        let mut old: Value = serde_json::from_str(&number).unwrap();
        old["state"].as_object_mut().unwrap().shift_remove("hash");
        assert_eq!(
            Report::from_json("x", &old.to_string()).unwrap().seed,
            u64::MAX
        );
        // Counts that a program which keeps all numbers in double precision would change.
        let mut state: Value = serde_json::to_value(&report.state).unwrap();
        state["requested_episodes"] = json!(u64::MAX);
        let mut far = report.clone();
        far.state = serde_json::from_value(state).unwrap();
        let text = serde_json::to_string(&far).unwrap();
        assert!(
            text.contains("\"requested_episodes\":\"18446744073709551615\""),
            "{text}"
        );
        assert_eq!(Report::from_json("x", &text).unwrap().state, far.state);
    }
}
