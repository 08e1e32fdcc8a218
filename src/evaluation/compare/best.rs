//! Which of several is the best, and how sure that is.

use super::super::normal::{LEVEL, one_sided, upper_tail};
use serde::Serialize;

/// Names the simulation of the highest mean return, and says how sure it is that no other is better.
///
/// With `k` compared and `p_j` the one-sided p-value of the best's paired difference against `j`:
///
/// ```text
/// confidence = max(0, 1 - (k - 1) max_j p_j)
/// ```
///
/// A false claim needs that the truly best one lost to another, which it can to `k - 1`: that is what the factor is for.
/// It makes up for choosing the best by the same data, too.
///
/// # Source
/// Multiple comparisons with the best: Hsu (1984), "Constrained simultaneous confidence intervals for multiple
/// comparisons with the best", Annals of Statistics 12; on common random numbers, where paired differences and
/// Bonferroni's inequality replace independence: Yang and Nelson (1991), "Using common random numbers and control
/// variates in multiple-comparison procedures", Operations Research 39.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Best {
    /// Label of the highest mean return; of the first where several have it.
    pub label: String,
    /// Confidence, at least, that none of the others has a higher expected return; `None` where the episodes do not tell.
    pub confidence: Option<f64>,
    /// Label of the one that is hardest to tell from the best.
    pub closest: String,
    /// Labels of all that may be the best: the truly best one is among them in 95 % of all runs.
    pub may_be_best: Vec<String>,
}

/// Mean and standard error of a difference.
pub(super) type Estimate = (Option<f64>, Option<f64>);

/// Finds the best, given each mean and the estimate of every difference (`difference(i, j)` is i less j).
///
/// `None` where a mean is undefined.
pub(super) fn best(
    labels: &[&str],
    means: &[Option<f64>],
    difference: impl Fn(usize, usize) -> Estimate,
) -> Option<Best> {
    let means: Option<Vec<f64>> = means.iter().copied().collect();
    let means = means?;
    // The first of equal ones: `max_by` would return the last.
    let best = (0..means.len())
        .rev()
        .max_by(|&a, &b| means[a].total_cmp(&means[b]))?;
    let rivals = |of: usize| (0..labels.len()).filter(move |&other| other != of);
    let num_rivals = (labels.len() - 1) as f64;

    // One that cannot be compared cannot be told apart.
    let p_value = |i: usize, j: usize| {
        let (mean, error) = difference(i, j);
        mean.zip(error).map(|(mean, error)| upper_tail(mean, error))
    };
    let unknown = 2.0;
    let against = |j: usize| p_value(best, j).unwrap_or(unknown);
    let closest = rivals(best)
        .rev()
        .max_by(|&a, &b| against(a).total_cmp(&against(b)))?;
    let confidence = p_value(best, closest).map(|p| (1.0 - num_rivals * p).max(0.0));

    let critical = one_sided((1.0 - LEVEL) / num_rivals);
    let is_ruled_out = |j: usize| {
        rivals(j).any(|i| {
            let (mean, error) = difference(i, j);
            mean.zip(error)
                .is_some_and(|(mean, error)| mean - critical * error > 0.0)
        })
    };
    Some(Best {
        label: labels[best].to_owned(),
        confidence,
        closest: labels[closest].to_owned(),
        may_be_best: (0..labels.len())
            .filter(|&j| !is_ruled_out(j))
            .map(|j| labels[j].to_owned())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    /// Estimates of means with one standard error for all differences.
    fn of(means: &[f64], error: f64) -> Best {
        let labels = &["a", "b", "c", "d"][..means.len()];
        let some: Vec<Option<f64>> = means.iter().copied().map(Some).collect();
        best(labels, &some, |i, j| {
            (Some(means[i] - means[j]), Some(error))
        })
        .unwrap()
    }

    #[test]
    fn of_two_the_confidence_is_one_less_the_one_sided_p_value() {
        let best = of(&[1.0, 3.0], 1.0);
        assert_eq!((best.label.as_str(), best.closest.as_str()), ("b", "a"));
        // Φ(2), from tables.
        assert!((best.confidence.unwrap() - 0.977_249_868_051_820_8).abs() < 1e-12);
        assert_eq!(best.may_be_best, ["b"]);
    }

    #[test]
    fn more_rivals_cost_confidence_and_never_below_zero() {
        let best = of(&[3.0, 1.0, -5.0, -5.0], 1.0);
        let p = 1.0 - 0.977_249_868_051_820_8;
        assert!((best.confidence.unwrap() - (1.0 - 3.0 * p)).abs() < 1e-12);
        assert_eq!((best.closest.as_str(), best.may_be_best.len()), ("b", 2));
        assert_eq!(of(&[1.0, 1.0, 1.0], 1.0).confidence, Some(0.0));
    }

    #[test]
    fn equal_ones_leave_the_first_and_rule_none_out() {
        let best = of(&[2.0, 2.0, 2.0], 0.0);
        assert_eq!((best.label.as_str(), best.closest.as_str()), ("a", "b"));
        assert_eq!(best.confidence, Some(0.0));
        assert_eq!(best.may_be_best, ["a", "b", "c"]);
    }

    #[test]
    fn what_the_episodes_do_not_tell_is_none() {
        let unknown = best(&["a", "b"], &[Some(1.0), Some(2.0)], |_, _| {
            (Some(1.0), None)
        });
        let unknown = unknown.unwrap();
        assert_eq!((unknown.confidence, unknown.may_be_best.len()), (None, 2));
        assert!(best(&["a", "b"], &[Some(1.0), None], |_, _| (None, None)).is_none());
    }

    /// Four equal ones: the claim of 95 % that one is the best is always false, and must come in 5 % of runs at most;
    /// the truly best one (all are) is ruled out as seldom.
    #[test]
    fn false_claims_are_as_rare_as_promised() {
        const RUNS: u32 = 20_000;
        let mut random = SmallRng::seed_from_u64(5);
        let mut normal = || {
            let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
            radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
        };
        let (mut claims, mut losses) = (0, 0);
        for _ in 0..RUNS {
            let means: Vec<f64> = (0..4).map(|_| normal()).collect();
            let best = of(&means, 2.0_f64.sqrt());
            claims += u32::from(best.confidence.unwrap() >= LEVEL);
            losses += u32::from(!best.may_be_best.contains(&"a".to_owned()));
        }
        // 5 % and 3.7 standard errors, sqrt(20000 · 0.05 · 0.95) = 31.
        assert!(claims <= 1_115 && losses <= 1_115, "{claims} {losses}");
        // And the bound is not far off: one of four rules "a" out in some percent.
        assert!(losses >= 500, "{losses}");
    }
}
