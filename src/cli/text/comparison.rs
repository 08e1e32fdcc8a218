//! Comparisons as text for people.

use super::layout::{columns, facts, paragraphs, row};
use super::numbers::{DIGITS, estimate, optional, significant};
use super::report::{ESTIMATE, TRIMMED, beginning, computed_by, scope, section, target, time};
use crate::config::Declarations;
use crate::evaluation::{Best, ComparisonReport, LEVEL, PairedDifference, VariantReport};

/// Digits of the ends of an interval.
const INTERVAL_DIGITS: usize = 5;
/// A smaller p-value is written as `< 0.0001`.
const SMALLEST_P_VALUE: f64 = 1e-4;

/// Writes a comparison: the configurations, the figures of each variant, every difference, and the best variant.
pub(crate) fn report(report: &ComparisonReport, declarations: &Declarations) -> String {
    let mut episodes = report.episodes.to_string() + " of each variant";
    episodes += &beginning(report.first_episode);
    if report.partial {
        episodes += &format!(", PARTIAL: {} were asked for", report.asked);
    }
    let mut head = vec![
        ["seed".to_owned(), report.seed.to_string()],
        ["episodes".to_owned(), episodes],
    ];
    head.extend(report.stopping.as_ref().map(target));
    head.extend(scope(report.uncertainty.as_ref()));
    head.push(computed_by(&report.backend));
    paragraphs(&[
        facts(&head),
        facts(&descriptions(&report.policies, declarations)),
        columns(&variants(&report.policies), 1),
        columns(&differences(&report.differences), 1),
        report.best.as_ref().map_or_else(String::new, best),
        facts(&[time(report.seconds, report.user_steps_per_second)]),
    ])
}

/// Writes the configuration of each variant; the environment only once, if it is the same for all.
fn descriptions(variants: &[VariantReport], declarations: &Declarations) -> Vec<[String; 2]> {
    let environment = |variant: &VariantReport| {
        let mut text = section(&variant.environment, |name| declarations.environment(name));
        if let Some(max_steps) = variant.max_steps {
            text += &format!("; max_steps {max_steps}");
        }
        text
    };
    let policy =
        |variant: &VariantReport| section(&variant.policy, |name| declarations.policy(name));
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
    // Differences are those of returns at the first discount, if there is one.
    let judged = variants[0].summary.discounted_returns.first();
    let what = judged.map_or("return".to_owned(), |one| {
        format!("return discounted by {}", one.discount)
    });
    let return_header = format!("{what}, {ESTIMATE}");
    let mut rows = vec![row(["", &return_header, "sd", "length", "click rate"])];
    let is_heavy = |variant: &VariantReport| variant.summary.is_heavy_tailed();
    let are_trimmed = variants.iter().any(is_heavy);
    if are_trimmed {
        rows[0].push(format!("return, {TRIMMED}"));
    }
    let are_cut = variants
        .iter()
        .any(|variant| variant.summary.truncated.episodes > 0);
    if are_cut {
        rows[0].push("truncated".to_owned());
    }
    for variant in variants {
        let summary = &variant.summary;
        let (returns, length) = (&summary.returns, &summary.length);
        let (mean, error, deviation) = match summary.discounted_returns.first() {
            Some(one) => (one.mean, one.standard_error, one.standard_deviation),
            None => (
                returns.mean,
                returns.standard_error,
                returns.standard_deviation,
            ),
        };
        rows.push(vec![
            variant.label.clone(),
            estimate(mean, error),
            optional(deviation, DIGITS),
            estimate(length.mean, length.standard_error),
            estimate(summary.click_rate.mean, summary.click_rate.standard_error),
        ]);
        if are_trimmed {
            let trimmed = &summary.returns.trimmed_mean;
            let cell = estimate(trimmed.mean, trimmed.standard_error);
            rows.last_mut().expect("one was pushed").push(cell);
        }
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

/// Writes the best variant: the confidence, its meaning, and the margin.
fn best(best: &Best) -> String {
    let percent = |share: f64| significant(100.0 * share, 4);
    let (confidence, meaning) = match best.confidence {
        None => ("unknown confidence".to_owned(), String::new()),
        // Avoids printing 100 %.
        Some(confidence) if confidence > 1.0 - SMALLEST_P_VALUE => (
            format!("confidence above {} %", percent(1.0 - SMALLEST_P_VALUE)),
            of_runs(&format!("less than {} %", percent(SMALLEST_P_VALUE))),
        ),
        Some(confidence) if confidence > 0.0 => (
            format!("confidence {} %", percent(confidence)),
            of_runs(&format!("at most {} %", percent(1.0 - confidence))),
        ),
        Some(_) => ("confidence 0 %".to_owned(), String::new()),
    };
    let is_clear = best
        .confidence
        .is_some_and(|confidence| confidence >= LEVEL);
    let mut text = if is_clear {
        format!(
            "{} is the best, with {confidence} (the closest is {})\n",
            best.label, best.closest
        )
    } else {
        format!(
            "{} has the highest mean, but is the best with {confidence} only; the best may be {}\n",
            best.label,
            best.may_be_best.join(" or ")
        )
    };
    if let Some(ends) = best.margin_ci95 {
        let [low, high] = ends.map(|end| significant(end, INTERVAL_DIGITS));
        text += &format!(
            "it exceeds the best of the others by {}, 95 % interval [{low}, {high}]\n",
            significant(best.margin, INTERVAL_DIGITS)
        );
    }
    text + &meaning
}

/// Explains the meaning of a confidence.
fn of_runs(share: &str) -> String {
    format!("({share} of all runs claim with such confidence a best that is none)\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best_of(confidence: Option<f64>) -> String {
        best(&Best {
            label: "b".to_owned(),
            confidence,
            closest: "a".to_owned(),
            margin: 2.0,
            margin_ci95: Some([0.5, 3.5]),
            may_be_best: vec!["b".to_owned()],
        })
    }

    #[test]
    fn what_a_confidence_promises_stands_beside_it() {
        let text = best_of(Some(0.9772));
        assert_eq!(
            text,
            "b is the best, with confidence 97.72 % (the closest is a)\n\
             it exceeds the best of the others by 2, 95 % interval [0.5, 3.5]\n\
             (at most 2.28 % of all runs claim with such confidence a best that is none)\n"
        );
        assert!(best_of(Some(1.0)).contains("above 99.99 %"));
        assert!(best_of(Some(1.0)).contains("(less than 0.01 % of all runs"));
        for unclear in [None, Some(0.0)] {
            assert!(!best_of(unclear).contains("of all runs"));
        }
    }
}
