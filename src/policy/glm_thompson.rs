//! Thompson sampling of a logistic regression. Twin: `shaders/policy/glm_thompson.wgsl`.
//!
//! ```text
//! score = w . x,   w drawn from N(theta, optimism_scaling^2 G^-1),   G = X' diag(h (1 - h)) X + I / sigma0^2
//! ```
//!
//! with theta and G of the user's own [`logistic`] regression; see [`posterior`](super::posterior) for the
//! draw.
//!
//! # Source
//! `RecSim` 0.2.4, `GLM_TS`, which none of its agents uses; Abeille and Lazaric (2017), "Linear Thompson sampling revisited".

use super::logistic::{self, Logistic};
use super::posterior::{Estimator, rank_by_draw, scale_of_draws};
use super::{Draws, Feedback, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::Number;
use crate::shader::{ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct GlmThompson {
    /// The regression that is learned for each user.
    pub logistic: Logistic,
    /// By how much the deviations of the posterior are stretched.
    pub optimism_scaling: f64,
}

impl PolicyDefinition for GlmThompson {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let about = "Thompson sampling of a logistic regression, learned within the episode";
        Entry::policy("glm_thompson", about, logistic::Keys::declared())
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::new(
            "interest exploration, logistic Thompson sampling, forgetting",
            &[
                "environment.name=interest_exploration",
                "max_steps=12",
                "policy.history_length=14",
            ],
        )]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            logistic: Logistic::new("glm_thompson", settings, context, true)?,
            optimism_scaling: scale_of_draws(settings, logistic::Keys::optimism_scaling)?,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/glm_thompson.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.logistic.shader_defs()
    }

    /// The ridge, then the optimism scaling.
    fn tables(&self) -> Vec<f64> {
        vec![self.logistic.ridge.ridge, self.optimism_scaling]
    }

    fn state_size(&self) -> usize {
        self.logistic.state_size()
    }
}

impl<N: Number> Policy<N> for GlmThompson {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let scale = self.optimism_scaling;
        rank_by_draw(&self.logistic, scale, offer, draws, state, scratch, slate);
    }

    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, scratch: &mut Scratch<N>, state: &mut [N]) {
        self.logistic.observe(feedback, scratch, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::inputs::Inputs;
    use crate::policy::listed::{Listed, draws};
    use crate::policy::ridge::Ridge;

    /// 100,000 steps with seed 5; the bounds are 4.5 standard errors, significance 2.7e-5 for the four.
    ///
    /// One input of 1, shown 12 times and clicked 9 times. The fit solves 9 - 12 h = theta / sigma0^2 with
    /// h = 1 / (1 + e^-theta), and G = 12 h (1 - h) + 1 / sigma0^2. At sigma0 = 2, the steps of the fit are 12/13, 0.990394,
    /// 0.991315, and the G of the last one is 2.619797.
    #[test]
    fn scores_are_drawn_around_the_fit_with_the_variance_of_its_matrix() {
        const EPISODES: u32 = 100_000;
        const THETA: f64 = 0.991_315;
        const GRAM: f64 = 2.619_797;
        let mut policy = GlmThompson {
            logistic: Logistic {
                ridge: Ridge {
                    inputs: Inputs {
                        document: 1,
                        user: 0,
                        layers: 0,
                    },
                    ridge: 0.25,
                    learns_reward: false,
                },
                history_length: 12,
                factors_fit: true,
            },
            optimism_scaling: 1.0,
        };
        let mut state = vec![0.0; policy.state_size()];
        let mut scratch = Scratch::default();
        for document in 0..12 {
            let mut shown = Listed {
                clicked: (document < 9).then_some(0),
                ..Listed::features(&[1.0])
            };
            policy.observe(&mut shown, &mut scratch, &mut state);
        }
        for scaling in [1.0, 0.5] {
            policy.optimism_scaling = scaling;
            let (mut sum, mut squares) = (0.0, 0.0);
            for episode in 0..EPISODES {
                let mut slate = [ScalarWord(0)];
                policy.recommend(
                    &mut Listed::features(&[1.0]),
                    &draws(5, episode.into(), 0),
                    &mut state,
                    &mut scratch,
                    &mut slate,
                );
                let deviation = scratch.numbers[0] - THETA;
                sum += deviation;
                squares += deviation * deviation;
            }
            let size = f64::from(EPISODES);
            let variance = scaling * scaling / GRAM;
            let error = (variance / size).sqrt();
            assert!((sum / size).abs() < 4.5 * error + 1e-6, "{}", sum / size);
            let error = variance * (2.0 / size).sqrt();
            assert!((squares / size - variance).abs() < 4.5 * error + 1e-6);
        }
    }
}
