//! Propensities: the probability with which a policy shows a slate. Off-policy estimators divide by it.
//!
//! The probability is that of the whole slate in its order, given what the policy sees of the step and remembers of the
//! episode. Only the host computes it, in double precision; no kernel needs it.
//!
//! If the user looks at the first positions only, a rollout may fill only these. All probabilities here are those of the given
//! positions: for fewer positions, the probability that a slate begins with them.

/// What is known about the probability of a slate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Propensity {
    /// The slate is determined by what the policy sees and remembers; true if it is the slate in question.
    Certain(bool),
    /// The slate is drawn, and the slate in question has this probability.
    Probability(f64),
    /// The slate is drawn, and its probability has no closed form.
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

    /// Returns the probability if the slate is drawn.
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

/// Returns the probability of a slate that is drawn position by position without replacement, each from the remaining
/// candidates in proportion to e^(score / temperature).
///
/// ```text
/// product over positions k of  e^(s_k / T) / sum of e^(s_c / T) over the candidates c not at positions before k
///                              0 if a candidate occurs twice
/// ```
///
/// The temperature is above 0, the candidates of the slate are among those that are scored.
///
/// # Precision
/// Every position is divided by a sum of its own, shifted by the largest score in it: a position adds a relative error of
/// some 2^-52 D, and nothing overflows, however far scores lie apart.
///
/// # Source
/// Plackett (1975), "The analysis of permutations".
#[must_use]
pub fn of_plackett_luce(scores: &[f64], temperature: f64, slate: &[u32]) -> f64 {
    let mut left: Vec<Option<f64>> = scores.iter().copied().map(Some).collect();
    let mut probability = 1.0;
    for &candidate in slate {
        let candidate = candidate as usize;
        let Some(score) = left[candidate] else {
            return 0.0;
        };
        let largest = left.iter().flatten().copied().fold(score, f64::max);
        let mass = |score: f64| ((score - largest) / temperature).exp();
        let total: f64 = left.iter().flatten().copied().map(mass).sum();
        probability *= mass(score) / total;
        left[candidate] = None;
    }
    probability
}

#[cfg(test)]
mod tests {
    use super::of_plackett_luce;
    use crate::number::ScalarWord;
    use crate::policy::inputs::Inputs;
    use crate::policy::layer::LayerModel;
    use crate::policy::layer::cluster_click_statistics::ClusterClickStatistics;
    use crate::policy::layer::epsilon_greedy::EpsilonGreedy;
    use crate::policy::layer::temporal_aggregation::TemporalAggregation;
    use crate::policy::listed::{Listed, draws, no_draws};
    use crate::policy::{Layered, PolicyModel, Scratch};
    use crate::policy::{cluster_bandit, greedy, linear_softmax, mlp, random, sorting, r#static};
    use std::collections::BTreeMap;

    const NUM_CANDIDATES: u32 = 4;

    fn offer() -> Listed {
        Listed {
            topics: vec![0, 1, 0, 1],
            ..Listed::features(&[0.3, 0.1, 0.9, 0.5])
        }
    }

    /// The probabilities of all 4^2 slates, including those with duplicates, at the start of an episode.
    fn propensities(layered: &Layered) -> BTreeMap<[u32; 2], Option<f64>> {
        propensities_at(layered, &vec![0.0; layered.state_size()])
    }

    fn propensities_at(layered: &Layered, state: &[f64]) -> BTreeMap<[u32; 2], Option<f64>> {
        let mut found = BTreeMap::new();
        let twin = layered.twin();
        for a in 0..NUM_CANDIDATES {
            for b in 0..NUM_CANDIDATES {
                let mut scratch = Scratch::default();
                let draws = no_draws();
                let propensity =
                    layered.propensity(&twin, &mut offer(), &draws, state, &mut scratch, &[a, b]);
                found.insert([a, b], propensity.of_draw());
            }
        }
        found
    }

    fn sum(propensities: &BTreeMap<[u32; 2], Option<f64>>) -> f64 {
        propensities.values().map(|value| value.unwrap()).sum()
    }

    fn greedy() -> PolicyModel {
        PolicyModel::from(greedy::Greedy {
            by: sorting::By::Feature(0),
            ascending: false,
        })
    }

    fn random(with_replacement: bool) -> PolicyModel {
        PolicyModel::from(random::Random { with_replacement })
    }

    fn exploring(policy: PolicyModel, epsilon: f64) -> Layered {
        let layer = LayerModel::from(EpsilonGreedy { epsilon });
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
        for policy in [greedy(), PolicyModel::from(r#static::Static)] {
            let found = propensities(&policy.into());
            assert!(found.values().all(Option::is_none), "{found:?}");
        }
    }

    #[test]
    fn exploring_mixes_the_policy_with_random_slates_of_distinct_documents() {
        // Greedy shows [2, 3], which is also one of the twelve slates of the exploration.
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
                LayerModel::from(counts),
                LayerModel::from(EpsilonGreedy { epsilon: 0.3 }),
            ];
            Layered::new(PolicyModel::from(bandit), layers)
        };
        let sampler = bandit(cluster_bandit::Algorithm::ThompsonSampling);
        assert!(propensities(&sampler).values().all(Option::is_none));
        let bound = propensities(&bandit(cluster_bandit::Algorithm::Ucb));
        assert!((sum(&bound) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_is_known_of_slates_that_a_layer_revises_unless_it_says_so() {
        let layer = TemporalAggregation {
            aggregation_period: 2,
            switching_cost: 0.0,
            slate_size: 2,
        };
        let revised = Layered::new(random(false), vec![LayerModel::from(layer)]);
        assert!(propensities(&revised).values().all(Option::is_none));
    }

    /// Candidates of the masses 1, 2, 3 and 6 at temperature 2. By hand: (6 / 12) (2 / 6) for 3 and then 1.
    #[test]
    fn a_drawn_slate_has_the_probability_of_plackett_and_luce() {
        let scores = [1.0_f64, 2.0, 3.0, 6.0].map(|mass| 2.0 * mass.ln());
        let expected = [
            (&[3, 1][..], 1.0 / 6.0),
            (&[3], 0.5),
            (&[], 1.0),
            (&[0, 1, 2, 3], 1.0 / 12.0 * 2.0 / 11.0 * 3.0 / 9.0),
            (&[3, 3], 0.0),
        ];
        for (slate, expected) in expected {
            let found = of_plackett_luce(&scores, 2.0, slate);
            assert!((found - expected).abs() < 1e-15, "{slate:?}: {found}");
        }
    }

    #[test]
    fn scores_far_apart_and_a_temperature_next_to_0_give_no_nan() {
        for (scores, temperature) in [([-1e5, 1e5, 0.0], 1.0), ([-1e-3, 0.5, 0.0], 1e-320)] {
            let found = |slate: &[u32]| of_plackett_luce(&scores, temperature, slate);
            assert_eq!(found(&[1, 2, 0]), 1.0);
            assert_eq!(found(&[2, 1, 0]), 0.0);
        }
        assert_eq!(of_plackett_luce(&[7.0, 7.0], 1e-320, &[0, 1]), 0.5);
    }

    /// One feature of the document, and impressions and clicks of two topics.
    const INPUTS: Inputs = Inputs {
        document: 1,
        user: 0,
        layers: 4,
    };
    const COUNTED: [f64; 4] = [4.0, 3.0, 2.0, 0.0];

    fn counting(policy: PolicyModel, epsilon: f64) -> Layered {
        let layers = vec![
            LayerModel::from(ClusterClickStatistics { num_topics: 2 }),
            LayerModel::from(EpsilonGreedy { epsilon }),
        ];
        Layered::new(policy, layers)
    }

    fn linear_softmax(temperature: f64) -> PolicyModel {
        PolicyModel::from(linear_softmax::LinearSoftmax {
            inputs: INPUTS,
            weights: vec![2.0],
            temperature,
        })
    }

    /// With impressions n and clicks r, the score of a feature f is `relu(2 f - n_0 / 8) + relu(r_0 / 4 - f)`.
    fn network(temperature: f64) -> PolicyModel {
        let layers = vec![
            mlp::Dense {
                weights: vec![2.0, -0.125, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.25, 0.0],
                biases: vec![0.0, 0.0],
            },
            mlp::Dense {
                weights: vec![1.0, 1.0],
                biases: vec![0.0],
            },
        ];
        PolicyModel::from(mlp::Mlp {
            inputs: INPUTS,
            layers,
            activation: crate::policy::activation::Activation::Relu,
            temperature,
        })
    }

    #[test]
    fn scores_of_a_network_depend_on_what_its_layers_have_counted() {
        let found = propensities_at(&counting(network(0.5), 0.0), &COUNTED);
        // By hand, for the features 0.3, 0.1, 0.9 and 0.5 with n_0 = 4 and r_0 = 2.
        let scores = [0.1 + 0.2, 0.4, 1.3, 0.5];
        for (slate, probability) in &found {
            let expected = of_plackett_luce(&scores, 0.5, slate);
            assert!((probability.unwrap() - expected).abs() < 1e-15, "{slate:?}");
        }
        assert!((sum(&found) - 1.0).abs() < 1e-14);
        assert_ne!(found, propensities(&counting(network(0.5), 0.0)));
    }

    #[test]
    fn softmax_draws_above_temperature_0_only_and_its_slates_sum_to_1() {
        let found = propensities_at(&counting(linear_softmax(1.5), 0.0), &COUNTED);
        assert!((sum(&found) - 1.0).abs() < 1e-14);
        assert_eq!(found[&[1, 1]], Some(0.0));
        for policy in [linear_softmax(0.0), network(0.0)] {
            let counts = ClusterClickStatistics { num_topics: 2 };
            let layers = vec![LayerModel::from(counts)];
            let best = Layered::new(policy, layers);
            assert!(propensities(&best).values().all(Option::is_none));
        }
        // Without randomness, the best slate is certain except for the exploration: [2, 3] by the feature.
        let found = propensities(&counting(linear_softmax(0.0), 0.3));
        assert!((found[&[2, 3]].unwrap() - (0.7 + 0.3 / 12.0)).abs() < 1e-15);
    }

    /// Shares of 100,000 drawn slates (episodes 0 to 99,999 of seed 5) of policies that explore, that draw by their scores,
    /// and that do both; the bound is 4.5 standard errors of each.
    #[test]
    fn slates_occur_as_often_as_their_propensity_says() {
        const EPISODES: u64 = 100_000;
        let subjects = [
            (exploring(greedy(), 0.4), &[][..]),
            (counting(linear_softmax(1.5), 0.0), &COUNTED),
            (counting(network(0.5), 0.0), &COUNTED),
            (counting(network(0.5), 0.4), &COUNTED),
        ];
        for (layered, state) in subjects {
            let mut counts: BTreeMap<[u32; 2], u64> = BTreeMap::new();
            for episode in 0..EPISODES {
                let (mut state, mut slate) = (state.to_vec(), [ScalarWord(0); 2]);
                let (draws, scratch) = (draws(5, episode, 0), &mut Scratch::default());
                layered.twin::<f64>().recommend(
                    &mut offer(),
                    &draws,
                    &mut state,
                    scratch,
                    &mut slate,
                );
                *counts.entry(slate.map(|word| word.0)).or_default() += 1;
            }
            for (slate, probability) in propensities_at(&layered, state) {
                let probability = probability.unwrap();
                let count = counts.get(&slate).copied().unwrap_or(0);
                let share = count as f64 / EPISODES as f64;
                let error = (probability * (1.0 - probability) / EPISODES as f64).sqrt();
                assert!(
                    (share - probability).abs() <= 4.5 * error,
                    "{slate:?}: {share} of {probability}"
                );
            }
        }
    }
}
