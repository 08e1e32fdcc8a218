//! Reports as text for people.

use super::layout::{columns, facts, paragraphs, row};
use super::numbers::{DIGITS, estimate, optional, rate, significant};
use crate::backend::BackendInfo;
use crate::config::{Declarations, Entry};
use crate::evaluation::{Precision, Report, Stopping, differences, told};
use crate::statistics::{Summary, TruncatedSummary};
use serde_json::Value;
use std::fmt::Write;

/// Further digits of a quantile would not be accurate.
const QUANTILE_DIGITS: usize = 5;
/// Positions of the slate that are listed; `--json` has all.
const MOST_POSITIONS: usize = 20;
/// Seeds that are listed; `--json` has all.
const MOST_SEEDS: usize = 20;
/// The longest value of a parameter; longer ones are cut off.
const LONGEST_VALUE: usize = 60;
pub(crate) const ESTIMATE: &str = "mean ± standard error";
pub(crate) const TRIMMED: &str = "trimmed mean ± s.e.";

/// Writes a report: the configuration, the figures, and the time.
pub(crate) fn report(report: &Report, declarations: &Declarations) -> String {
    let environment = section(&report.environment, |name| declarations.environment(name));
    let policy = section(&report.policy, |name| declarations.policy(name));
    let mut head = vec![
        ["environment".to_owned(), environment],
        ["policy".to_owned(), policy],
    ];
    head.push(seeds(report));
    if let Some(max_steps) = report.max_steps {
        head.push(["max_steps".to_owned(), max_steps.to_string()]);
    }
    head.push(["episodes".to_owned(), episodes(report)]);
    head.extend(scope(report.uncertainty.as_ref()));
    head.extend(report.stopping.as_ref().map(target));
    head.push(computed_by(&report.backend));
    let tail = [time(report.seconds, report.user_steps_per_second)];
    let summary = &report.summary;
    paragraphs(&[
        facts(&head),
        columns(&figures(summary), 1),
        robust(summary),
        columns(&quantiles(summary), 1),
        columns(&by_seed(report), 1),
        columns(&topics(summary), 1),
        columns(&positions(summary), 1),
        facts(&tail),
    ])
}

/// Writes the backend.
pub(crate) fn computed_by(backend: &BackendInfo) -> [String; 2] {
    [
        "backend".to_owned(),
        format!("{}: {} ({})", backend.name, backend.device, backend.driver),
    ]
}

/// Writes how long it took, and how fast that is.
pub(crate) fn time(seconds: f64, user_steps_per_second: Option<f64>) -> [String; 2] {
    let time = format!("{} s", significant(seconds, 4));
    let speed = user_steps_per_second.map(rate);
    [
        "time".to_owned(),
        speed.map_or(time.clone(), |speed| format!("{time}, {speed}")),
    ]
}

/// Writes the precision that was asked for, and whether it was reached.
pub(crate) fn target(stopping: &Stopping) -> [String; 2] {
    let level = 100.0 * stopping.level;
    let (asked, reached) = match stopping.precision {
        Precision::StandardError(asked) => (
            format!("standard error {asked}"),
            optional(stopping.standard_error, 3),
        ),
        Precision::HalfWidth(asked) => (
            format!("half-width {asked} ({level} %)"),
            optional(stopping.half_width, 3),
        ),
    };
    let verdict = if stopping.is_reached {
        "reached"
    } else {
        "NOT REACHED"
    };
    let extended = stopping.extension.map_or_else(String::new, |extension| {
        format!(
            ", extended from {} episodes to {} because one of them had {} % of the sum of squares",
            extension.from,
            extension.to,
            significant(100.0 * extension.largest_share, 2)
        )
    });
    [
        "target".to_owned(),
        format!(
            "{asked}: {verdict}, {reached} at look {}{extended}",
            stopping.looks
        ),
    ]
}

fn episodes(report: &Report) -> String {
    let mut text = format!(
        "{} ({} user-steps)",
        report.episodes, report.summary.user_steps
    );
    let total = report.state.requested_episodes;
    // One range that begins at 0 is not mentioned.
    match report.state.episode_ranges.as_slice() {
        [] | [(0, _)] => {}
        _ if report.shard.is_some() => {}
        ranges => {
            let _ = write!(text, ", {}", told(ranges));
        }
    }
    if let Some(shard) = report.shard {
        let _ = write!(text, ", shard {shard} of {total} episodes");
    }
    if report.partial {
        let lacking = report.state.told_lacking();
        let _ = write!(
            text,
            ", PARTIAL: {total} were asked for, lacking are {lacking}"
        );
    }
    text
}

/// Writes the first episode, if it is not 0.
pub(crate) fn beginning(first_episode: u64) -> String {
    match first_episode {
        0 => String::new(),
        first => format!(", from episode {first} on"),
    }
}

/// Writes what ± covers, where it does not cover everything.
pub(crate) fn scope(uncertainty: Option<&String>) -> Option<[String; 2]> {
    Some(["scope".to_owned(), uncertainty?.clone()])
}

fn seeds(report: &Report) -> [String; 2] {
    if report.seeds.is_empty() {
        return ["seed".to_owned(), report.seed.to_string()];
    }
    let mut seeds: Vec<String> = report.seeds.iter().map(u64::to_string).collect();
    let more = seeds.len().saturating_sub(MOST_SEEDS);
    seeds.truncate(MOST_SEEDS);
    if more > 0 {
        seeds.push(format!("{more} more"));
    }
    ["seeds".to_owned(), seeds.join(", ")]
}

/// Lists the figures of each of several seeds, and of all together.
fn by_seed(report: &Report) -> Vec<Vec<String>> {
    let Some(across) = &report.return_across_seeds else {
        return Vec::new();
    };
    let mut rows = vec![row(["seed", "episodes", "return ± standard error"])];
    for one in report.by_seed.iter().take(MOST_SEEDS) {
        rows.push(vec![
            one.seed.to_string(),
            one.episodes.to_string(),
            estimate(one.mean, one.standard_error),
        ]);
    }
    if report.by_seed.len() > MOST_SEEDS {
        rows.push(row(["..."]));
    }
    rows.push(vec![
        "across seeds".to_owned(),
        report.episodes.to_string(),
        estimate(across.mean, across.standard_error),
    ]);
    rows
}

/// Writes the name and the parameters that are not at their defaults.
pub(crate) fn section<'a>(section: &Value, find: impl FnOnce(&str) -> Option<&'a Entry>) -> String {
    let name = section["name"].as_str().unwrap_or("?");
    let defaults = find(name)
        .and_then(|entry| entry.settings_with(&[]).ok())
        .and_then(|settings| serde_json::to_value(settings).ok())
        .unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let given: Vec<String> = differences(section, &defaults)
        .into_iter()
        .filter(|difference| difference.key != "name")
        .filter_map(|difference| Some((difference.key, difference.left?)))
        .map(|(key, value)| format!("{key} = {}", cut(&value.to_string())))
        .collect();
    if given.is_empty() {
        name.to_owned()
    } else {
        format!("{name}: {}", given.join(", "))
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

fn figures(summary: &Summary) -> Vec<Vec<String>> {
    let (returns, length) = (&summary.returns, &summary.length);
    let number = |value: Option<f64>| optional(value, DIGITS);
    let mut rows = vec![
        row(["", ESTIMATE, "sd", "min", "max"]),
        vec![
            "return".to_owned(),
            estimate(returns.mean, returns.standard_error),
            number(returns.standard_deviation),
            number(returns.min),
            number(returns.max),
        ],
    ];
    rows.extend(summary.discounted_returns.iter().map(|discounted| {
        vec![
            format!("discounted by {}", discounted.discount),
            estimate(discounted.mean, discounted.standard_error),
            number(discounted.standard_deviation),
            number(discounted.min),
            number(discounted.max),
        ]
    }));
    rows.extend([
        vec![
            "length".to_owned(),
            estimate(length.mean, length.standard_error),
            number(length.standard_deviation),
            number(length.min.map(f64::from)),
            number(length.max.map(f64::from)),
        ],
        vec![
            "click rate".to_owned(),
            estimate(summary.click_rate.mean, summary.click_rate.standard_error),
        ],
        vec![
            "reward slope".to_owned(),
            estimate(
                summary.reward_slope.mean,
                summary.reward_slope.standard_error,
            ),
        ],
    ]);
    if let truncated @ TruncatedSummary { episodes: 1.., .. } = &summary.truncated {
        rows.push(vec![
            "truncated".to_owned(),
            estimate(truncated.share, truncated.standard_error),
        ]);
    }
    if let Some(quality) = &summary.clicked_quality {
        rows.push(vec![
            "clicked quality".to_owned(),
            estimate(quality.mean, quality.standard_error),
        ]);
    }
    rows
}

/// Writes a figure that does not depend on a few episodes, where the mean does.
fn robust(summary: &Summary) -> String {
    if !summary.is_heavy_tailed() {
        return String::new();
    }
    let trimmed = &summary.returns.trimmed_mean;
    let mut text = estimate(trimmed.mean, trimmed.standard_error);
    if let Some(ends) = trimmed.ci95 {
        let [low, high] = ends.map(|end| significant(end, QUANTILE_DIGITS));
        let _ = write!(text, ", 95 % interval [{low}, {high}]");
    }
    let middle = 100.0 * (1.0 - 2.0 * trimmed.trimmed);
    let _ = write!(
        text,
        ", of the middle {} % of the returns",
        significant(middle, 3)
    );
    facts(&[["trimmed mean".to_owned(), text]])
}

fn quantiles(summary: &Summary) -> Vec<Vec<String>> {
    let mut rows = vec![row(["quantile"]), row(["return"]), row(["length"])];
    for (probability, value) in summary.returns.quantiles.iter() {
        rows[0].push(probability.to_string());
        rows[1].push(optional(value, QUANTILE_DIGITS));
    }
    for (_, value) in summary.length.quantiles.iter() {
        rows[2].push(optional(value, QUANTILE_DIGITS));
    }
    rows
}

fn topics(summary: &Summary) -> Vec<Vec<String>> {
    if summary.topics.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![row([
        "topic",
        "impressions",
        "clicks",
        "click rate ± standard error",
        "share of steps ± standard error",
    ])];
    for (topic, counts) in summary.topics.iter().enumerate() {
        rows.push(vec![
            topic.to_string(),
            counts.impressions.to_string(),
            counts.clicks.to_string(),
            estimate(counts.click_rate, counts.standard_error),
            estimate(counts.click_share, counts.click_share_standard_error),
        ]);
    }
    rows
}

/// Lists figures by position, if the user looks at several; for a single one they are those of the slate.
fn positions(summary: &Summary) -> Vec<Vec<String>> {
    if summary.positions.len() < 2 {
        return Vec::new();
    }
    let mut rows = vec![row(["position", "clicks", "click rate ± standard error"])];
    for (position, counts) in summary.positions.iter().enumerate().take(MOST_POSITIONS) {
        rows.push(vec![
            position.to_string(),
            counts.clicks.to_string(),
            estimate(counts.click_rate, counts.standard_error),
        ]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_parameters_that_are_not_at_their_default_are_told() {
        let declarations = crate::registry::declarations();
        let text = |value: Value| section(&value, |name| declarations.policy(name));
        assert_eq!(
            text(json!({"name": "random", "with_replacement": false})),
            "random"
        );
        assert_eq!(
            text(json!({"name": "random", "with_replacement": true})),
            "random: with_replacement = true"
        );
        // The defaults of an unknown policy are unknown, so all its values are written.
        assert_eq!(text(json!({"name": "own", "a": {"b": 1}})), "own: a.b = 1");
    }
}
