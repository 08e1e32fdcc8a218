//! Thompson sampling of a linear regression. Twin: `shaders/policy/linear_thompson.wgsl`.
//!
//! ```text
//! w = theta + exploration_scale L^-T z,   A = L L',   score = w . x
//! ```
//!
//! with theta and A of the user's own [`ridge`](super::ridge) regression and standard normal numbers z, drawn anew at each
//! step: w has mean theta and covariance `exploration_scale^2 A^-1`. The slate is the candidates of the largest scores, ties
//! to the lower index. Words 2p and 2p + 1 of the policy make numbers 2p and 2p + 1 of z.
//!
//! # Source
//! Agrawal and Goyal (2013), "Thompson sampling for contextual bandits with linear payoffs".

use super::ranking::{begin, insert};
use super::ridge::Ridge;
use super::{Draws, Feedback, Offer, Policy, PolicyDefinition, Scratch, Target};
use crate::config::{ConfigError, Entry, Key, Settings};
use crate::distribution::normal_pair;
use crate::number::{Number, Word};
use crate::regression::{dot_product, solve_upper};
use crate::shader::{ShaderDefs, ShaderSource, embedded};

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearThompson {
    /// What is learned of a user.
    pub ridge: Ridge,
    /// By how much the deviations of the posterior are stretched.
    pub exploration_scale: f64,
}

impl PolicyDefinition for LinearThompson {
    fn entry() -> Entry {
        let mut keys = vec![Key::non_negative(
            "exploration_scale",
            1.0,
            "by how much the standard deviations of the posterior are stretched",
        )];
        keys.extend(Ridge::keys());
        let about = "Thompson sampling of a linear regression, learned within the episode";
        Entry::policy("linear_thompson", about, keys)
    }

    fn new(settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            ridge: Ridge::new("linear_thompson", settings, target)?,
            exploration_scale: settings.number("exploration_scale"),
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/linear_thompson.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.ridge.shader_defs()
    }

    /// The ridge, the exploration scale.
    fn tables(&self) -> Vec<f64> {
        vec![self.ridge.ridge, self.exploration_scale]
    }

    fn state_size(&self) -> usize {
        self.ridge.state_size()
    }
}

impl<N: Number> Policy<N> for LinearThompson {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        begin(scratch, slate.len());
        let dim = self.ridge.inputs.len();
        let all = slate.len() + self.ridge.scratch_size();
        scratch.numbers.resize(all, N::splat(0.0));
        let (keys, numbers) = scratch.numbers.split_at_mut(slate.len());
        self.ridge.fit(offer, state, numbers);
        let (factor, rest) = numbers.split_at_mut(dim * dim);
        let (theta, rest) = rest.split_at_mut(dim);
        let (x, z) = rest.split_at_mut(dim);
        for (pair, numbers) in (0..).zip(z.chunks_mut(2)) {
            let (a, b) = normal_pair(draws.word(2 * pair), draws.word(2 * pair + 1));
            for (number, normal) in numbers.iter_mut().zip([a, b]) {
                *number = normal;
            }
        }
        solve_upper(factor, z);
        for (weight, &deviation) in theta.iter_mut().zip(z.iter()) {
            *weight = *weight + N::splat(self.exploration_scale) * deviation;
        }
        for index in 0..offer.num_candidates() {
            let candidate = N::Word::splat(index);
            offer.look_at(candidate);
            self.ridge.inputs.look_at(offer, x);
            insert(keys, slate, dot_product(x, theta), candidate);
        }
    }

    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, scratch: &mut Scratch<N>, state: &mut [N]) {
        self.ridge.observe(feedback, scratch, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::normal_probability;
    use crate::number::ScalarWord;
    use crate::policy::inputs::Inputs;
    use crate::policy::listed::{Listed, draws};

    /// 100,000 steps with seed 3; the bound is 4 standard errors.
    #[test]
    fn candidates_win_with_the_probability_of_the_posterior() {
        const EPISODES: u32 = 100_000;
        let policy = LinearThompson {
            ridge: Ridge {
                inputs: Inputs {
                    document: 1,
                    user: 0,
                    layers: 0,
                },
                ridge: 1.0,
                learns_reward: true,
            },
            exploration_scale: 0.5,
        };
        let mut state = [0.0; 2];
        let mut scratch = Scratch::default();
        let mut shown = Listed {
            clicked: Some(0),
            reward: 0.75,
            penalty: 0.25,
            ..Listed::features(&[2.0])
        };
        policy.observe(&mut shown, &mut scratch, &mut state);
        assert_eq!(state, [4.0, 1.0]);
        let mut wins = 0;
        for episode in 0..EPISODES {
            let mut slate = [ScalarWord(0)];
            policy.recommend(
                &mut Listed::features(&[-1.0, 1.0]),
                &draws(3, episode.into(), 0),
                &mut state,
                &mut scratch,
                &mut slate,
            );
            wins += slate[0].0;
        }
        // w has mean 1/5 and deviation 0.5 / sqrt(5); candidate 1 wins where it is above 0.
        let probability = normal_probability(0.2 / (0.5 / 5f64.sqrt()));
        let found = f64::from(wins) / f64::from(EPISODES);
        let error = (probability * (1.0 - probability) / f64::from(EPISODES)).sqrt();
        assert!(
            (found - probability).abs() < 4.0 * error,
            "{found}, {probability}"
        );
    }
}
