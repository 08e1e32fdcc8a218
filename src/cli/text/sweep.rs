//! Sweeps as text for people, and as comma-separated values.

use super::layout::{columns, facts, paragraphs};
use super::numbers::estimate;
use super::report::{beginning, computed_by, scope, section, time};
use crate::config::Declarations;
use crate::evaluation::{PointReport, SweepReport};
use serde_json::Value;

/// Returns a figure of a point; `None` where it is undefined.
type Figure = fn(&PointReport) -> Option<f64>;

/// The columns of figures in the CSV; full precision, empty where a figure is undefined.
const FIGURES: [(&str, Figure); 20] = [
    ("return_mean", |point| point.summary.returns.mean),
    ("return_standard_error", |point| {
        point.summary.returns.standard_error
    }),
    ("return_standard_deviation", |point| {
        point.summary.returns.standard_deviation
    }),
    ("return_min", |point| point.summary.returns.min),
    ("return_max", |point| point.summary.returns.max),
    ("length_mean", |point| point.summary.length.mean),
    ("length_standard_error", |point| {
        point.summary.length.standard_error
    }),
    ("length_min", |point| {
        point.summary.length.min.map(f64::from)
    }),
    ("length_max", |point| {
        point.summary.length.max.map(f64::from)
    }),
    ("click_rate", |point| point.summary.click_rate.mean),
    ("click_rate_standard_error", |point| {
        point.summary.click_rate.standard_error
    }),
    ("reward_slope", |point| point.summary.reward_slope.mean),
    ("reward_slope_standard_error", |point| {
        point.summary.reward_slope.standard_error
    }),
    ("truncated_share", |point| point.summary.truncated.share),
    ("truncated_standard_error", |point| {
        point.summary.truncated.standard_error
    }),
    ("clicked_quality", |point| {
        point.summary.clicked_quality.as_ref()?.mean
    }),
    ("clicked_quality_standard_error", |point| {
        point.summary.clicked_quality.as_ref()?.standard_error
    }),
    ("return_largest_share", |point| {
        point.summary.returns.largest_share
    }),
    ("return_trimmed_mean", |point| {
        point.summary.returns.trimmed_mean.mean
    }),
    ("return_trimmed_mean_standard_error", |point| {
        point.summary.returns.trimmed_mean.standard_error
    }),
];

/// Writes a sweep: what all points have in common, and a line for each.
pub(crate) fn report(report: &SweepReport, declarations: &Declarations) -> String {
    let count = report.points.len();
    let mut episodes = format!(
        "{} of each of {count} point{}",
        report.episodes,
        if count == 1 { "" } else { "s" }
    );
    episodes += &beginning(report.first_episode);
    if report.partial {
        let done: u64 = report.points.iter().map(|point| point.episodes).sum();
        episodes += &format!(", PARTIAL: {done} in all");
    }
    let mut head = shared(report, declarations);
    head.push(["episodes".to_owned(), episodes]);
    head.extend(scope(report.uncertainty.as_ref()));
    head.push(computed_by(&report.backend));
    if let Some(launches) = &report.launches {
        let text = format!(
            "{} ({} dispatches)",
            launches.pipelines, launches.dispatches
        );
        head.push(["pipelines".to_owned(), text]);
    }
    paragraphs(&[
        facts(&head),
        columns(&rows(report), report.varied.len()),
        facts(&[time(report.seconds, report.user_steps_per_second)]),
    ])
}

/// Writes the values that are the same at all points.
fn shared(report: &SweepReport, declarations: &Declarations) -> Vec<[String; 2]> {
    let environment = |point: &PointReport| {
        let varied_apart = without_varied(point, &point.environment, "environment");
        section(&varied_apart, |name| declarations.environment(name))
    };
    let policy = |point: &PointReport| {
        let varied_apart = without_varied(point, &point.policy, "policy");
        section(&varied_apart, |name| declarations.policy(name))
    };
    let max_steps = |point: &PointReport| {
        let max_steps = point.max_steps.map(|max_steps| max_steps.to_string());
        max_steps.unwrap_or_default()
    };
    let all = |text: &dyn Fn(&PointReport) -> String| {
        let mut texts = report.points.iter().map(text);
        let first = texts.next().filter(|first| !first.is_empty())?;
        texts.all(|text| text == first).then_some(first)
    };
    let facts = [
        ("environment", all(&environment)),
        ("policy", all(&policy)),
        ("seed", all(&|point| point.seed.to_string())),
        ("max_steps", all(&max_steps)),
    ];
    let facts = facts.into_iter();
    facts
        .filter_map(|(name, text)| Some([name.to_owned(), text?]))
        .collect()
}

/// Returns a section of a point without the keys that are varied, which have columns of their own.
fn without_varied(point: &PointReport, value: &Value, section: &str) -> Value {
    let mut value = value.clone();
    for key in point.values.keys() {
        let inside = key.strip_prefix(section);
        let Some(path) = inside.and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let (table, name) = match path.rsplit_once('.') {
            None => (String::new(), path),
            Some((table, name)) => (format!("/{}", table.replace('.', "/")), name),
        };
        // The name is kept, because the defaults of the other values depend on it.
        if let Some(Value::Object(table)) = value.pointer_mut(&table)
            && path != "name"
        {
            table.shift_remove(name);
        }
    }
    value
}

fn rows(report: &SweepReport) -> Vec<Vec<String>> {
    let mut head = report.varied.clone();
    head.extend(["return", "length", "click rate"].map(|name| format!("{name} ± s.e.")));
    head.extend(discounts(report).map(|discount| format!("discounted by {discount}")));
    let are_cut = (report.points.iter()).any(|point| point.summary.truncated.episodes > 0);
    if are_cut {
        head.push("truncated".to_owned());
    }
    if report.partial {
        head.push("episodes".to_owned());
    }
    let mut rows = vec![head];
    for point in &report.points {
        let summary = &point.summary;
        let mut row: Vec<String> = point.values.values().map(text).collect();
        row.extend([
            estimate(summary.returns.mean, summary.returns.standard_error),
            estimate(summary.length.mean, summary.length.standard_error),
            estimate(summary.click_rate.mean, summary.click_rate.standard_error),
        ]);
        let discounted = summary.discounted_returns.iter();
        row.extend(discounted.map(|one| estimate(one.mean, one.standard_error)));
        if are_cut {
            let truncated = &summary.truncated;
            row.push(estimate(truncated.share, truncated.standard_error));
        }
        if report.partial {
            row.push(point.episodes.to_string());
        }
        rows.push(row);
    }
    rows
}

/// Lists the discounts of returns, which are the same at all points.
fn discounts(report: &SweepReport) -> impl Iterator<Item = f64> {
    let first = report.points.first().into_iter();
    first.flat_map(|point| {
        point
            .summary
            .discounted_returns
            .iter()
            .map(|one| one.discount)
    })
}

/// Writes a value; a text without quotes.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Writes a sweep as comma-separated values (RFC 4180): a line of names, then one for each point.
pub(crate) fn csv(report: &SweepReport) -> String {
    let mut head = report.varied.clone();
    head.extend(["episodes", "user_steps"].map(str::to_owned));
    head.extend(FIGURES.map(|(name, _)| name.to_owned()));
    for discount in discounts(report) {
        let name = format!("return_discounted_by_{discount}");
        head.extend([format!("{name}_mean"), format!("{name}_standard_error")]);
    }
    let mut lines = vec![line(&head)];
    for point in &report.points {
        let mut cells: Vec<String> = point.values.values().map(text).collect();
        cells.push(point.episodes.to_string());
        cells.push(point.summary.user_steps.to_string());
        cells.extend(FIGURES.map(|(_, figure)| {
            figure(point).map_or_else(String::new, |number| number.to_string())
        }));
        for discounted in &point.summary.discounted_returns {
            let figures = [discounted.mean, discounted.standard_error];
            cells.extend(
                figures.map(|figure| figure.map_or_else(String::new, |one| one.to_string())),
            );
        }
        lines.push(line(&cells));
    }
    lines.concat()
}

/// Writes a line; cells that would be misread get quotes.
fn line(cells: &[String]) -> String {
    let quoted = |cell: &String| match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    let cells: Vec<String> = cells.iter().map(quoted).collect();
    cells.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_would_be_misread_are_quoted() {
        let cells = ["plain", "[0.2,0.8]", "say \"no\"", "two\nlines", ""].map(str::to_owned);
        assert_eq!(
            line(&cells),
            "plain,\"[0.2,0.8]\",\"say \"\"no\"\"\",\"two\nlines\",\n"
        );
    }
}
