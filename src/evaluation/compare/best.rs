//! Which of several simulations has the highest mean return, and how sure that is.

use crate::statistics::{Estimate, LEVEL};
use serde::Serialize;

/// Names the simulation with the highest mean return, and says how sure it is that no other has a higher one.
///
/// With `k` compared and `p_j` the one-sided p-value of the best's paired difference against `j`:
///
/// ```text
/// confidence = max(0, 1 - (k - 1) max_j p_j)
/// ```
///
/// The claim is false if a truly best simulation has lost to one of the `k - 1` others: hence the factor, by Bonferroni's
/// inequality. It also makes up for choosing the best from the same data. The confidence is a statement about many runs, not
/// about this result: whatever the truth, at most a share `1 - c` of all runs claim, with a confidence of `c` or more, a best
/// that is not the best. How often such a claim is right when it is made depends on how often there is a difference to be
/// found.
///
/// `margin` says how much is at stake: the mean of the best less the highest mean of the others. The true margin lies between
///
/// ```text
/// min_j (d_j - c s_j)   and   min_j (d_j + c s_j),
/// ```
///
/// `d_j` being the best's paired difference against `j`, `s_j` its standard error, and `c` the two-sided critical value at
/// `0.05 / (k - 1)`. These bounds hold in at least 95 % of all runs, whichever simulation comes out as the best. Let t be the
/// truly best one, and let the `k - 1` intervals against t hold. If t does not come out as the best, the true margin of the one
/// that does is its difference against t: above the lower end and below 0, and the upper end is not below 0. If t does, its
/// true margin is its difference against the second best, above the lower end and below every `d_j + c s_j`.
///
/// # Source
/// Multiple comparisons with the best: Hsu (1984), "Constrained simultaneous confidence intervals for multiple
/// comparisons with the best", Annals of Statistics 12; on common random numbers, where paired differences and
/// Bonferroni's inequality replace independence: Yang and Nelson (1991), "Using common random numbers and control
/// variates in multiple-comparison procedures", Operations Research 39. Intervals of the margin that are not cut at 0:
/// Edwards and Hsu (1983), "Multiple comparisons with the best treatment", Journal of the American Statistical Association
/// 78.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Best {
    /// Label of the simulation with the highest mean return; of the first one where several are equal.
    pub label: String,
    /// One less the largest share of runs that claim, at least as surely, a best that is not the best; `None` where the
    /// episodes do not determine it.
    pub confidence: Option<f64>,
    /// Label of the simulation that is hardest to tell from the best.
    pub closest: String,
    /// Mean return of the best less the highest mean return of the others.
    pub margin: f64,
    /// Interval of 95 % of the true margin: of expected returns instead of means. A margin below 0 says that another one is
    /// better.
    pub margin_ci95: Option<[f64; 2]>,
    /// Labels of all simulations that may be the best: the truly best one is among them in 95 % of all runs.
    pub may_be_best: Vec<String>,
}

/// Finds the best, given all means and the estimate of every difference (`difference(i, j)` is i less j).
///
/// `None` where a mean is undefined.
pub(super) fn best(
    labels: &[&str],
    means: &[Option<f64>],
    difference: impl Fn(usize, usize) -> Option<Estimate>,
) -> Option<Best> {
    let means: Option<Vec<f64>> = means.iter().copied().collect();
    let means = means?;
    // `max_by` returns the last of equal ones, and the first is wanted: hence the reversed order.
    let best = (0..means.len())
        .rev()
        .max_by(|&a, &b| means[a].total_cmp(&means[b]))?;
    let rivals = |of: usize| (0..labels.len()).filter(move |&other| other != of);
    let num_rivals = (labels.len() - 1) as f64;

    // A simulation that cannot be compared counts as one that cannot be told apart.
    let p_value = |i: usize, j: usize| difference(i, j).map(|found| found.upper_tail());
    let unknown = 2.0;
    let against = |j: usize| p_value(best, j).unwrap_or(unknown);
    let closest = rivals(best)
        .rev()
        .max_by(|&a, &b| against(a).total_cmp(&against(b)))?;
    let confidence = p_value(best, closest).map(|p| (1.0 - num_rivals * p).max(0.0));

    let miss = (1.0 - LEVEL) / num_rivals;
    let is_ruled_out = |j: usize| {
        rivals(j).any(|i| difference(i, j).is_some_and(|found| found.mean > found.reach(miss)))
    };
    let intervals = rivals(best).map(|j| Some(difference(best, j)?.interval(miss)));
    let least = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].min(b[1])];
    let intervals: Option<Vec<[f64; 2]>> = intervals.collect();
    let highest = rivals(best)
        .map(|j| means[j])
        .fold(f64::NEG_INFINITY, f64::max);
    Some(Best {
        label: labels[best].to_owned(),
        confidence,
        closest: labels[closest].to_owned(),
        margin: means[best] - highest,
        margin_ci95: intervals.and_then(|all| all.into_iter().reduce(least)),
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
            Estimate::of(Some(means[i] - means[j]), Some(error), 1000)
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
        let unknown = best(&["a", "b"], &[Some(1.0), Some(2.0)], |_, _| None).unwrap();
        assert_eq!((unknown.confidence, unknown.may_be_best.len()), (None, 2));
        assert_eq!((unknown.margin, unknown.margin_ci95), (1.0, None));
        assert!(best(&["a", "b"], &[Some(1.0), None], |_, _| None).is_none());
    }

    #[test]
    fn two_episodes_give_the_confidence_of_students_distribution() {
        let labels = ["a", "b"];
        let two = best(&labels, &[Some(0.0), Some(2.0)], |i, j| {
            let mean = 2.0 * (i as f64 - j as f64);
            Estimate::of(Some(mean), Some(1.0), 2)
        });
        // One degree of freedom is Cauchy's distribution; the normal one would say 97.7 %.
        let confidence = 0.5 + 2_f64.atan() / std::f64::consts::PI;
        assert!((two.unwrap().confidence.unwrap() - confidence).abs() < 1e-12);
    }

    #[test]
    fn the_margin_is_over_the_best_of_the_others() {
        let two = of(&[1.0, 3.0], 1.0);
        let [low, high] = two.margin_ci95.unwrap();
        assert_eq!(two.margin, 2.0);
        assert!((low - 0.040_036).abs() < 1e-5 && (high - 3.959_964).abs() < 1e-5);
        // Against the second, at 0.05 / 3.
        let four = of(&[3.0, 1.0, -5.0, -5.0], 1.0);
        let [low, high] = four.margin_ci95.unwrap();
        assert_eq!(four.margin, 2.0);
        assert!((low + 0.393_980).abs() < 1e-5 && (high - 4.393_980).abs() < 1e-5);
    }

    /// Several sets of true means, some with equal ones: the true margin of whichever simulation comes out as the best.
    #[test]
    fn intervals_of_the_margin_hold_whichever_is_picked() {
        const RUNS: u32 = 4_000;
        let mut random = SmallRng::seed_from_u64(6);
        let mut normal = || {
            let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
            radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
        };
        for truth in [
            [0.0; 4],
            [1.0, 0.0, 0.0, 0.0],
            [3.0, 2.5, 0.0, -9.0],
            [9.0, 0.0, 0.0, 0.0],
        ] {
            let mut hits = 0;
            for _ in 0..RUNS {
                let means: Vec<f64> = truth.iter().map(|mean| mean + normal()).collect();
                let found = of(&means, 2.0_f64.sqrt());
                let index = ["a", "b", "c", "d"]
                    .iter()
                    .position(|label| *label == found.label)
                    .unwrap();
                let others = (0..4).filter(|&j| j != index).map(|j| truth[j]);
                let margin = truth[index] - others.fold(f64::NEG_INFINITY, f64::max);
                let [low, high] = found.margin_ci95.unwrap();
                hits += u32::from((low..=high).contains(&margin));
            }
            // Of 4,000 intervals of 95 %, fewer cover with a probability of 1.2e-4, by the binomial distribution.
            assert!(hits >= 3_748, "{truth:?}: {hits}");
        }
    }

    /// Four equal simulations: the claim of 95 % that one is the best is always false, and must come in 5 % of runs at most.
    /// All are truly best, and each must be ruled out in 5 % of runs at most.
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
        // The bound is not far off: "a", one of four equal ones, is ruled out in some percent of the runs.
        assert!(losses >= 500, "{losses}");
    }
}
