//! Warnings about figures that are doubtful, for reports and stderr.

use crate::statistics::{
    FEW_EPISODES, LEVEL, Moments, Summary, safe_share, student_one_sided, two_sided,
};
use serde::Serialize;

/// A warning that a figure is doubtful; only its text stands in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
#[non_exhaustive]
pub struct Warning {
    /// A sentence without a full stop, which names the variant, pair or point where there are several.
    pub text: String,
    /// Whether `--strict` makes it an error: the figures are not those of what was configured.
    pub is_error_where_strict: bool,
}

impl Warning {
    /// Makes a warning that is none of figures: `--strict` does not fail on it.
    #[must_use]
    pub fn plain(text: String) -> Self {
        Self {
            text,
            is_error_where_strict: false,
        }
    }
}

impl From<Warning> for String {
    fn from(warning: Warning) -> Self {
        warning.text
    }
}

/// Warns about small samples, for which the normal distribution is a poor approximation.
pub(super) fn of_size(episodes: u64) -> Vec<Warning> {
    few(episodes).map(Warning::plain).into_iter().collect()
}

fn few(episodes: u64) -> Option<String> {
    let rest = format!("from {FEW_EPISODES} episodes on nothing is to be minded");
    match episodes {
        0 | FEW_EPISODES.. => None,
        1 => Some(format!("1 episode tells no standard error; {rest}")),
        _ => {
            let miss = 1.0 - LEVEL;
            let student = student_one_sided(miss / 2.0, episodes - 1);
            Some(format!(
                "{episodes} episodes are few: intervals of {} % need ± {student:.2} standard errors (Student's t) in place \
                 of ± {:.2}, and cover less often where returns are skew; {rest}",
                100.0 * LEVEL,
                two_sided(miss)
            ))
        }
    }
}

/// Warns about the figures of a campaign, except for its size; the sentences begin with `whose`.
///
/// `has_own_max_steps` says whether the configuration sets the step at which episodes are truncated.
pub(super) fn of_figures(summary: &Summary, whose: &str, has_own_max_steps: bool) -> Vec<Warning> {
    let errors = [
        of_invalid_choices(summary),
        of_non_finite(summary),
        of_truncation(summary).filter(|_| !has_own_max_steps),
    ];
    let errors = errors.into_iter().flatten().map(|text| Warning {
        text: format!("{whose}{text}"),
        is_error_where_strict: true,
    });
    let clicks = of_rare_clicks(summary).map(|(text, is_error_where_strict)| Warning {
        text: format!("{whose}{text}"),
        is_error_where_strict,
    });
    let spread = of_spread(summary).map(|text| format!("{whose}{text}"));
    errors
        .chain(clicks)
        .chain(spread.map(Warning::plain))
        .chain(of_tails(summary, whose).into_iter().map(Warning::plain))
        .collect()
}

/// Warns about choices whose scores were clamped.
fn of_invalid_choices(summary: &Summary) -> Option<String> {
    let count = summary.invalid_choices;
    (count > 0).then(|| {
        format!(
            "in {count} of {} choices a score of the slate could be no probability and was clamped",
            summary.user_steps
        )
    })
}

/// Warns about returns that are not finite: their figures are withheld, because they would not be of all episodes.
fn of_non_finite(summary: &Summary) -> Option<String> {
    let count = summary.non_finite_returns;
    (count > 0).then(|| {
        format!(
            "{count} of {} returns are infinite or not a number, so that there is no mean: rewards exceed the range of the \
             numbers",
            summary.episodes
        )
    })
}

/// Warns about episodes that were truncated although the user did not ask for it.
fn of_truncation(summary: &Summary) -> Option<String> {
    let count = summary.truncated.episodes;
    (count > 0).then(|| {
        format!(
            "{count} of {} episodes were cut at the built-in limit of {} steps and had not ended: set --max-steps",
            summary.episodes,
            summary.length.max.unwrap_or(0)
        )
    })
}

/// Warns about clicks so rare that draws do not resolve their probability, and says whether that is an error, too.
fn of_rare_clicks(summary: &Summary) -> Option<(String, bool)> {
    /// Draws have 24 bits: a smaller probability can be off by more than a sixteenth, or counts as 0.
    const RAREST: f64 = 1.0 / (1 << 20) as f64;
    /// With this many clicks it is known well enough how rare they are.
    const FEW: f64 = 4.0;
    let steps = summary.user_steps as f64;
    let clicks = (summary.click_rate.mean? * steps).round();
    match clicks {
        // After this many steps, a probability that draws of 24 bits resolve would have given a click.
        0.0 => (steps > 16_777_216.0).then(|| {
            let text = format!(
                "no click in {steps} steps: where its probability is not 0 it is below 2^-24, which draws do not resolve"
            );
            (text, false)
        }),
        _ => (clicks < RAREST * steps && clicks >= FEW).then(|| {
            let text = format!(
                "{clicks} clicks in {steps} steps: draws have 24 bits, and meet what is rarer than 2^-20 too often or too seldom"
            );
            (text, true)
        }),
    }
}

/// Warns about returns that are all the same, whose ± means nothing.
fn of_spread(summary: &Summary) -> Option<String> {
    let (min, max) = summary.returns.min.zip(summary.returns.max)?;
    (summary.episodes > 1 && min.total_cmp(&max).is_eq()).then(|| {
        format!(
            "all {} returns are {min}: ± knows nothing of events rarer than 1 in {} episodes, which would not have been met \
             (95 % confidence)",
            summary.episodes,
            (summary.episodes / 3).max(1)
        )
    })
}

/// Warns about figures that depend on a single episode.
fn of_tails(summary: &Summary, whose: &str) -> Vec<String> {
    let (returns, length) = (&summary.returns, &summary.length);
    let is_long = |mean: Option<f64>, min: Option<f64>, max: Option<f64>| {
        let (mean, (min, max)) = mean.zip(min.zip(max))?;
        Some(max - mean >= mean - min)
    };
    let tails = [
        Tail {
            what: "returns",
            share: returns.largest_share,
            is_above: is_long(returns.mean, returns.min, returns.max),
            remedy: "; their trimmed mean does not hang on it",
        },
        Tail {
            what: "lengths",
            share: length.largest_share,
            is_above: is_long(
                length.mean,
                length.min.map(f64::from),
                length.max.map(f64::from),
            ),
            remedy: "",
        },
        Tail {
            what: "reward slopes",
            share: summary.reward_slope.largest_share,
            is_above: None,
            remedy: "",
        },
    ];
    let tails = tails.iter();
    let tails = tails.filter_map(|tail| tail.doubt(summary.episodes, whose));
    let discounted = summary.discounted_returns.iter().filter_map(|returns| {
        let tail = Tail {
            what: &format!("returns discounted by {}", returns.discount),
            share: returns.largest_share,
            is_above: is_long(returns.mean, returns.min, returns.max),
            remedy: "",
        };
        tail.doubt(summary.episodes, whose)
    });
    tails.chain(discounted).collect()
}

/// Warns about the difference of a pair.
pub(super) fn of_difference(moments: &Moments, pair: &str) -> Option<Warning> {
    let range = moments.min().zip(moments.max());
    let is_above = moments.mean().zip(range);
    let tail = Tail {
        what: "paired differences",
        share: moments.largest_share(),
        is_above: is_above.map(|(mean, (min, max))| max - mean >= mean - min),
        remedy: "",
    };
    tail.doubt(moments.count(), pair).map(Warning::plain)
}

/// The farthest observation of a sample.
struct Tail<'a> {
    what: &'a str,
    share: Option<f64>,
    /// Whether it lies above the mean, where that is known.
    is_above: Option<bool>,
    remedy: &'static str,
}

impl Tail<'_> {
    fn doubt(&self, episodes: u64, whose: &str) -> Option<String> {
        let share = self.share.filter(|&share| share > safe_share(episodes))?;
        // Of few episodes each has a large share.
        if episodes < FEW_EPISODES {
            return None;
        }
        let bias = match self.is_above {
            Some(true) => " and the mean rather too low",
            Some(false) => " and the mean rather too high",
            None => "",
        };
        Some(format!(
            "{whose}one of {episodes} episodes has {} of the sum of squares of the {} (up to {} is safe): with so heavy a \
             tail ± tends to be too small{bias}{}",
            percent(share),
            self.what,
            percent(safe_share(episodes)),
            self.remedy
        ))
    }
}

/// Writes a share in percent, to two digits.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent < 10.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{EpisodeBlock, Statistics};

    fn summary(returns: &[f64]) -> Summary {
        let mut statistics = Statistics::new(0, false);
        for returns in returns.chunks(256) {
            let size = returns.len();
            statistics.add(&EpisodeBlock {
                returns: returns.to_vec(),
                lengths: vec![1; size],
                clicks: vec![0; size],
                slopes: vec![0.0; size],
                reward_by_step: vec![returns.iter().sum()],
                squared_reward_by_step: vec![returns.iter().map(|x| x * x).sum()],
                clicks_by_step: vec![0],
                ..EpisodeBlock::default()
            });
        }
        statistics.summary()
    }

    /// A sample of 1,000 with one value far away, which makes up nearly all of the sum of squares.
    fn with_one_at(far: f64) -> Summary {
        let mut returns: Vec<f64> = (0..999).map(|k| f64::from(k % 7)).collect();
        returns.push(far);
        summary(&returns)
    }

    #[test]
    fn few_episodes_are_told_with_students_critical_value() {
        assert_eq!((few(0), few(100)), (None, None));
        assert!(few(1).unwrap().contains("no standard error"));
        let two = few(2).unwrap();
        assert!(two.contains("± 12.71 standard errors") && two.contains("± 1.96"));
        let ten = few(10).unwrap();
        assert!(ten.starts_with("10 episodes are few") && ten.contains("± 2.26"));
    }

    #[test]
    fn returns_without_spread_are_told_with_what_they_leave_open() {
        let told = of_figures(&summary(&[5.0; 300]), "x: ", true);
        let [warning] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(
            warning.text,
            "x: all 300 returns are 5: ± knows nothing of events rarer than 1 in 100 episodes, which would not have been met \
             (95 % confidence)"
        );
        assert!(!warning.is_error_where_strict);
        assert!(of_figures(&with_one_at(6.0), "", true).is_empty());
    }

    #[test]
    fn clicks_that_draws_do_not_resolve_are_told() {
        let with = |clicks: f64, steps: u64| {
            let mut summary = with_one_at(6.0);
            summary.user_steps = steps;
            summary.click_rate.mean = Some(clicks / steps as f64);
            of_rare_clicks(&summary)
        };
        assert_eq!(with(0.0, 1 << 24), None);
        let (text, is_error) = with(0.0, 1_000_000_000).unwrap();
        assert!(text.starts_with("no click in 1000000000 steps") && !is_error);
        let (text, is_error) = with(102.0, 960_000_000).unwrap();
        assert!(text.starts_with("102 clicks in 960000000 steps") && is_error);
        assert_eq!(with(3.0, 1_000_000_000), None);
        assert_eq!(with(2000.0, 1_000_000_000), None);
    }

    #[test]
    fn a_heavy_tail_is_told_with_its_side_and_light_ones_are_not() {
        let high = of_tails(&with_one_at(1e4), "");
        assert_eq!(high.len(), 1, "{high:?}");
        assert!(
            high[0]
                .starts_with("one of 1000 episodes has 100 % of the sum of squares of the returns")
        );
        assert!(high[0].contains("too low") && high[0].contains("trimmed mean"));
        let low = of_tails(&with_one_at(-50.0), "point x: ");
        assert!(low[0].starts_with("point x: one of") && low[0].contains("too high"));
        assert!(of_tails(&with_one_at(6.0), "").is_empty());
        assert!(of_tails(&summary(&[5.0; 300]), "").is_empty());
        // Of few episodes each has a large share; the warning about their number covers that.
        assert!(of_tails(&summary(&[0.0, 0.0, 0.0, 9.0]), "").is_empty());
        assert!(with_one_at(1e4).is_heavy_tailed() && !with_one_at(6.0).is_heavy_tailed());
    }

    #[test]
    fn differences_are_judged_as_returns_are() {
        let mut moments = Moments::new();
        moments.add_all(&[0.0; 999]);
        assert_eq!(of_difference(&moments, "a - b: "), None);
        moments.add(-1.0);
        let doubt = of_difference(&moments, "a - b: ").unwrap().text;
        assert!(
            doubt.starts_with("a - b: one of 1000 episodes has 100 %"),
            "{doubt}"
        );
        assert!(doubt.contains("paired differences") && doubt.contains("too high"));
    }
}
