//! Comparisons as text that a person reads.

use super::figures::{DIGITS, estimate, optional, significant};
use super::table::{ESTIMATE, columns, computed_by, facts, paragraphs, row, section, target, time};
use crate::config::Catalogue;
use crate::evaluation::{Best, ComparisonReport, LEVEL, PairedDifference, VariantReport};

/// Digits of the ends of an interval.
const INTERVAL_DIGITS: usize = 5;
/// Below this a p-value is written as smaller.
const SMALLEST_P_VALUE: f64 = 1e-4;

/// Writes a comparison: what was run, what each variant gave, every difference, and which is the best.
pub(crate) fn report(report: &ComparisonReport, catalogue: &Catalogue) -> String {
    let mut episodes = report.episodes.to_string() + " of each variant";
    if report.partial {
        episodes += &format!(", PARTIAL: {} were asked for", report.asked);
    }
    let mut head = vec![
        ["seed".to_owned(), report.seed.to_string()],
        ["episodes".to_owned(), episodes],
    ];
    head.extend(report.stopping.as_ref().map(target));
    head.push(computed_by(&report.backend));
    paragraphs(&[
        facts(&head),
        facts(&descriptions(&report.policies, catalogue)),
        columns(&variants(&report.policies), 1),
        columns(&differences(&report.differences), 1),
        report.best.as_ref().map_or_else(String::new, best),
        facts(&[time(report.seconds, report.user_steps_per_second)]),
    ])
}

/// Writes what each variant is; the environment once, where it is one for all.
fn descriptions(variants: &[VariantReport], catalogue: &Catalogue) -> Vec<[String; 2]> {
    let environment = |variant: &VariantReport| {
        let mut text = section(&variant.environment, |name| catalogue.environment(name));
        if let Some(max_steps) = variant.max_steps {
            text += &format!("; max_steps {max_steps}");
        }
        text
    };
    let policy = |variant: &VariantReport| section(&variant.policy, |name| catalogue.policy(name));
    let first = environment(&variants[0]);
    let is_one = variants.iter().all(|variant| environment(variant) == first);
    let mut rows = Vec::new();
    if is_one {
        rows.push(["environment".to_owned(), first]);
    }
    for variant in variants {
        let text = if is_one {
            policy(variant)
        } else {
            format!("{}; {}", policy(variant), environment(variant))
        };
        rows.push([variant.label.clone(), text]);
    }
    rows
}

fn variants(variants: &[VariantReport]) -> Vec<Vec<String>> {
    let return_header = format!("return, {ESTIMATE}");
    let mut rows = vec![row(["", &return_header, "sd", "length", "click rate"])];
    let are_cut = variants
        .iter()
        .any(|variant| variant.summary.truncated.episodes > 0);
    if are_cut {
        rows[0].push("truncated".to_owned());
    }
    for variant in variants {
        let summary = &variant.summary;
        let (returns, length) = (&summary.returns, &summary.length);
        rows.push(vec![
            variant.label.clone(),
            estimate(returns.mean, returns.standard_error),
            optional(returns.standard_deviation, DIGITS),
            estimate(length.mean, length.standard_error),
            estimate(summary.click_rate.mean, summary.click_rate.standard_error),
        ]);
        if are_cut {
            let truncated = &summary.truncated;
            let cell = estimate(truncated.share, truncated.standard_error);
            rows.last_mut().expect("one was pushed").push(cell);
        }
    }
    rows
}

fn differences(pairs: &[PairedDifference]) -> Vec<Vec<String>> {
    let interval = |interval: Option<[f64; 2]>| match interval {
        None => "-".to_owned(),
        Some(ends) => {
            let [low, high] = ends.map(|end| significant(end, INTERVAL_DIGITS));
            format!("[{low}, {high}]")
        }
    };
    let mut rows = vec![row([
        "difference",
        ESTIMATE,
        "95 % interval",
        "of all together",
        "p, adjusted",
        "variance reduction",
    ])];
    for pair in pairs {
        rows.push(vec![
            format!("{} - {}", pair.a, pair.b),
            estimate(pair.mean, pair.standard_error),
            interval(pair.ci95),
            interval(pair.ci95_simultaneous),
            probability(pair.p_value_adjusted),
            optional(pair.variance_reduction, 4),
        ]);
    }
    rows
}

fn probability(p_value: Option<f64>) -> String {
    match p_value {
        Some(p_value) if p_value < SMALLEST_P_VALUE => format!("< {SMALLEST_P_VALUE}"),
        other => optional(other, 2),
    }
}

/// Writes a sentence on the best.
fn best(best: &Best) -> String {
    let confidence = match best.confidence {
        None => "unknown confidence".to_owned(),
        // Not to claim certainty.
        Some(confidence) if confidence > 1.0 - SMALLEST_P_VALUE => {
            format!("confidence above {} %", 100.0 * (1.0 - SMALLEST_P_VALUE))
        }
        Some(confidence) => format!("confidence {} %", significant(100.0 * confidence, 4)),
    };
    if best
        .confidence
        .is_some_and(|confidence| confidence >= LEVEL)
    {
        return format!(
            "{} is the best, with {confidence} (the closest is {})\n",
            best.label, best.closest
        );
    }
    format!(
        "{} has the highest mean, but is the best with {confidence} only; the best may be {}\n",
        best.label,
        best.may_be_best.join(" or ")
    )
}
