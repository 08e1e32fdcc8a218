//! Why reports cannot be merged.

use crate::evaluation::differences::differences;
use crate::evaluation::error::EvaluationError;
use crate::evaluation::ranges::EpisodeRange;
use crate::evaluation::report::Report;
use crate::text_file::quotable;
use serde_json::Value;

/// Endings of the keys under which weights from a file are reported: the path of the file, and the hash of its contents.
const PATH: &str = ".file";
const HASH: &str = ".fnv1a64";

/// Describes the seeds of two reports if they differ.
pub(super) fn seed_mismatch(a: &Report, b: &Report) -> Option<String> {
    let seeds = |report: &Report| {
        let by_seed = report.state.by_seed(report.seed);
        let seeds = by_seed.iter().map(|one| one.seed.to_string());
        quotable(&seeds.collect::<Vec<_>>().join(", "))
    };
    let (a, b) = (seeds(a), seeds(b));
    (a != b).then(|| format!("`seed` is {a} and {b}, which `--pool-seeds` puts together"))
}

/// Finds the first difference that shows that two reports are of different runs.
pub(super) fn mismatch(a: &Report, b: &Report) -> Option<String> {
    let sections = [
        ("environment", &a.environment, &b.environment),
        ("policy", &a.policy, &b.policy),
    ];
    for (section, a, b) in sections {
        let found = differences(a, b);
        // A key that one version does not know, and that is null in the other's report, is no difference.
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

/// Tells whether a key is the path of a file of weights whose hash both reports have: then the hash is compared, not the path.
fn is_path_of_weights(a: &Value, b: &Value, key: &str) -> bool {
    let Some(weights) = key.strip_suffix(PATH) else {
        return false;
    };
    let hash = format!("/{weights}{HASH}").replace('.', "/");
    let has_hash = |section: &Value| section.pointer(&hash).is_some_and(Value::is_string);
    has_hash(a) && has_hash(b)
}

/// Shortens a value for a message.
fn clip(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Names the two reports that hold the start of a range, or the one that holds the episode before it.
pub(super) fn overlap(
    reports: &[(String, Report)],
    seed: u64,
    range: EpisodeRange,
) -> EvaluationError {
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
    EvaluationError::Merge {
        what: names.join(" and "),
        why: format!("both hold episode {}{of_seed}", range.0),
    }
}
