//! With which probability a policy shows a slate: what estimators for other policies divide by.
//!
//! The probability is that of the whole slate in its order, given what the policy sees of the step and remembers of the
//! episode. It is a matter of the host alone, in double precision; no kernel needs it.

/// What is known of the probability that a slate is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Propensity {
    /// The slate follows from what the policy sees and remembers; whether it is the one asked about.
    Certain(bool),
    /// The slate is drawn, and the one asked about has this probability.
    Probability(f64),
    /// The slate is drawn, with a probability of no closed form.
    Unknown,
}

impl Propensity {
    /// Returns the probability; 0 or 1 where the slate is not drawn.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Certain(is_shown) => Some(f64::from(is_shown)),
            Self::Probability(probability) => Some(probability),
            Self::Unknown => None,
        }
    }

    /// Returns the probability where the slate is drawn.
    #[must_use]
    pub fn of_draw(self) -> Option<f64> {
        match self {
            Self::Probability(probability) => Some(probability),
            Self::Certain(_) | Self::Unknown => None,
        }
    }
}

/// Returns the probability of a slate when all ordered slates of distinct candidates are equally likely.
///
/// ```text
/// (D - K)! / D!    0 if a candidate occurs twice
/// ```
#[must_use]
pub fn of_distinct(num_candidates: u32, slate: &[u32]) -> f64 {
    let mut probability = 1.0;
    for (position, candidate) in slate.iter().enumerate() {
        if slate[..position].contains(candidate) {
            return 0.0;
        }
        probability /= f64::from(num_candidates) - position as f64;
    }
    probability
}

/// Returns the probability of a slate when positions are drawn independently: D^-K.
#[must_use]
pub fn of_independent(num_candidates: u32, slate: &[u32]) -> f64 {
    slate.iter().fold(1.0, |probability, _| {
        probability / f64::from(num_candidates)
    })
}

#[cfg(test)]
mod tests {
    use crate::number::ScalarWord;
    use crate::policy::layer::LayerModel;
    use crate::policy::layer::cluster_click_statistics::ClusterClickStatistics;
    use crate::policy::layer::epsilon_greedy::EpsilonGreedy;
    use crate::policy::listed::{Listed, no_draws};
    use crate::policy::{Draws, Layered, PolicyModel, Scratch};
    use crate::policy::{cluster_bandit, greedy, random, sorting, r#static};
    use crate::rng::Stream;
    use std::collections::BTreeMap;

    const NUM_CANDIDATES: u32 = 4;

    fn offer() -> Listed {
        Listed {
            topics: vec![0, 1, 0, 1],
            ..Listed::features(&[0.3, 0.1, 0.9, 0.5])
        }
    }

    /// The probabilities of all 4^2 slates, duplicates among them.
    fn propensities(layered: &Layered) -> BTreeMap<[u32; 2], Option<f64>> {
        let state = vec![0.0; layered.state_size()];
        let mut found = BTreeMap::new();
        for a in 0..NUM_CANDIDATES {
            for b in 0..NUM_CANDIDATES {
                let mut scratch = Scratch::default();
                let draws = no_draws();
                let propensity =
                    layered.propensity(&mut offer(), &draws, &state, &mut scratch, &[a, b]);
                found.insert([a, b], propensity.of_draw());
            }
        }
        found
    }

    fn sum(propensities: &BTreeMap<[u32; 2], Option<f64>>) -> f64 {
        propensities.values().map(|value| value.unwrap()).sum()
    }

    fn greedy() -> PolicyModel {
        PolicyModel::Greedy(greedy::Greedy {
            by: sorting::By::Feature(0),
            ascending: false,
        })
    }

    fn random(with_replacement: bool) -> PolicyModel {
        PolicyModel::Random(random::Random { with_replacement })
    }

    fn exploring(policy: PolicyModel, epsilon: f64) -> Layered {
        let layer = LayerModel::EpsilonGreedy(EpsilonGreedy { epsilon });
        Layered::new(policy, vec![layer])
    }

    #[test]
    fn random_slates_are_equally_likely() {
        let distinct = propensities(&random(false).into());
        assert_eq!(distinct[&[0, 3]], Some(1.0 / 12.0));
        assert_eq!(distinct[&[2, 2]], Some(0.0));
        assert!((sum(&distinct) - 1.0).abs() < 1e-15);
        let any = propensities(&random(true).into());
        assert_eq!(any[&[2, 2]], Some(1.0 / 16.0));
        assert!((sum(&any) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_slate_that_is_not_drawn_has_no_propensity() {
        for policy in [greedy(), PolicyModel::Static(r#static::Static)] {
            let found = propensities(&policy.into());
            assert!(found.values().all(Option::is_none), "{found:?}");
        }
    }

    #[test]
    fn exploring_mixes_the_policy_with_random_slates_of_distinct_documents() {
        // Greedy shows [2, 3]; a twelfth of the explored slates are it.
        let found = propensities(&exploring(greedy(), 0.3));
        assert!((found[&[2, 3]].unwrap() - (0.7 + 0.3 / 12.0)).abs() < 1e-15);
        assert!((found[&[3, 2]].unwrap() - 0.3 / 12.0).abs() < 1e-15);
        assert_eq!(found[&[1, 1]], Some(0.0));
        assert!((sum(&found) - 1.0).abs() < 1e-15);
        let found = propensities(&exploring(random(true), 0.3));
        assert!((found[&[2, 3]].unwrap() - (0.7 / 16.0 + 0.3 / 12.0)).abs() < 1e-15);
        assert!((found[&[1, 1]].unwrap() - 0.7 / 16.0).abs() < 1e-15);
        assert!((sum(&found) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_thompson_sampler_has_no_closed_form_and_a_confidence_bound_draws_nothing() {
        let bandit = |algorithm| {
            let bandit = cluster_bandit::ClusterBandit {
                algorithm,
                ci_scaling: 1.0,
                is_faithful: false,
                by: sorting::By::Feature(0),
                descending: vec![true; 2],
            };
            let counts = ClusterClickStatistics { num_topics: 2 };
            let layers = vec![
                LayerModel::ClusterClickStatistics(counts),
                LayerModel::EpsilonGreedy(EpsilonGreedy { epsilon: 0.3 }),
            ];
            Layered::new(PolicyModel::ClusterBandit(bandit), layers)
        };
        let sampler = bandit(cluster_bandit::Algorithm::ThompsonSampling);
        assert!(propensities(&sampler).values().all(Option::is_none));
        let bound = propensities(&bandit(cluster_bandit::Algorithm::Ucb));
        assert!((sum(&bound) - 1.0).abs() < 1e-15);
    }

    /// Shares of 100,000 drawn slates (episodes 0 to 99,999 of seed 5) of an exploring policy; the bound is 4.5 standard
    /// errors of each.
    #[test]
    fn slates_occur_as_often_as_their_propensity_says() {
        const EPISODES: u64 = 100_000;
        let layered = exploring(greedy(), 0.4);
        let mut counts: BTreeMap<[u32; 2], u64> = BTreeMap::new();
        for episode in 0..EPISODES {
            let stream = Stream::of_consecutive_episodes(5, episode, 0);
            let first_word = stream.words(crate::rng::STEP, ScalarWord(0))[3];
            let draws = Draws { stream, first_word };
            let mut slate = [ScalarWord(0); 2];
            let scratch = &mut Scratch::default();
            layered.recommend(&mut offer(), &draws, &mut [], scratch, &mut slate);
            *counts.entry(slate.map(|word| word.0)).or_default() += 1;
        }
        for (slate, probability) in propensities(&layered) {
            let probability = probability.unwrap();
            let count = counts.get(&slate).copied().unwrap_or(0);
            let share = count as f64 / EPISODES as f64;
            let error = (probability * (1.0 - probability) / EPISODES as f64).sqrt();
            assert!(
                (share - probability).abs() <= 4.5 * error,
                "{slate:?}: {share}"
            );
        }
    }
}
