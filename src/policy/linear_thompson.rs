//! Thompson sampling of a linear regression. Twin: `shaders/policy/linear_thompson.wgsl`.
//!
//! ```text
//! score = w . x,   w drawn from N(theta, exploration_scale^2 A^-1)
//! ```
//!
//! with theta and A of the user's own [`ridge`] regression; see [`posterior`](super::posterior) for the draw.
//!
//! # Source
//! Agrawal and Goyal (2013), "Thompson sampling for contextual bandits with linear payoffs".

use super::posterior::{EXPLORATION, Estimator, rank_by_draw, scale_of_draws};
use super::ridge::{self, Ridge};
use super::{Draws, Feedback, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::environment::long_term_satisfaction::specimens::CORPUS;
use crate::keys;
use crate::number::Number;
use crate::shader::{ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy, besides those of the regression.
    pub struct Keys from "Agrawal and Goyal (2013), linear Thompson sampling" {
        /// by how much the standard deviations of the posterior are stretched
        exploration_scale: f64 = number("exploration_scale", 1.0, EXPLORATION),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearThompson {
    /// The regression that is learned for each user.
    pub ridge: Ridge,
    /// By how much the deviations of the posterior are stretched.
    pub exploration_scale: f64,
}

impl PolicyDefinition for LinearThompson {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let keys = [Keys::declared(), ridge::Keys::declared()].concat();
        let about = "Thompson sampling of a linear regression, learned within the episode";
        Entry::policy("linear_thompson", about, keys)
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::new(
                "linear Thompson sampling of rewards",
                &[
                    "environment.user.observation_noise_stddev=0.1",
                    "environment.user.time_budget=20",
                    "policy.target=reward",
                    "policy.ridge=2",
                ],
            ),
            Specimen::new(
                "linear Thompson sampling with a history, decided now and then",
                &[
                    CORPUS,
                    "environment.resample_documents=false",
                    "environment.user.observation_noise_stddev=0.1",
                    "environment.user.time_budget=20",
                    "policy.target=reward",
                    "policy.layer.name=fixed_length_history",
                    "policy.layer.history_length=2",
                    "policy.layer.layer.name=temporal_aggregation",
                    "policy.layer.layer.aggregation_period=3",
                    "policy.layer.layer.switching_cost=0.5",
                ],
            ),
            Specimen::new(
                "interest evolution, linear Thompson sampling of 12 inputs",
                &[
                    "environment.name=interest_evolution",
                    "max_steps=6",
                    "environment.document.sampler=distribution",
                    "environment.document.num_features=6",
                    "environment.num_candidates=4",
                    "policy.target=reward",
                ],
            ),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            ridge: Ridge::new("linear_thompson", settings, context)?,
            exploration_scale: scale_of_draws(settings, Keys::exploration_scale)?,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/linear_thompson.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.ridge.shader_defs()
    }

    /// The ridge, then the exploration scale.
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
        let scale = self.exploration_scale;
        rank_by_draw(&self.ridge, scale, offer, draws, state, scratch, slate);
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
