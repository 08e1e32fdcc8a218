//! Upper confidence bounds of a logistic regression. Twin: `shaders/policy/glm_ucb.wgsl`.
//!
//! ```text
//! score = theta . x + W sqrt(x' M^-1 x)
//! ```
//!
//! with theta of the user's own [`logistic`] regression, M = I / sigma0^2 + sum x x' over all documents that
//! the user has examined, and the width W of [`ucb_glm_width`]. The slate is the candidates of the largest scores. Ties go to
//! the lower index; `RecSim` draws lots.
//!
//! # Source
//! `RecSim` 0.2.4, `UCB_GLM`, which none of its agents uses; Li, Lu and Zhou (2017), "Provably optimal algorithms for
//! generalized linear contextual bandits".

use super::logistic::{self, Logistic};
use super::posterior::{Estimator, rank_by_bounds};
use super::{Draws, Feedback, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::keys;
use crate::number::Number;
use crate::regression::ucb_glm_width;
use crate::shader::{ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy, besides those of the regression.
    pub struct Keys from "RecSim 0.2.4, UCB_GLM; Li, Lu and Zhou (2017)" {
        /// how many decisions the bounds are to hold for
        horizon: u32 = count("horizon", 1000, 1).in_unit("decisions"),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct GlmUcb {
    /// The regression that is learned for each user.
    pub logistic: Logistic,
    /// The width of the bounds.
    pub width: f64,
}

impl PolicyDefinition for GlmUcb {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let keys = [Keys::declared(), logistic::Keys::declared()].concat();
        let about = "upper confidence bounds of a logistic regression, learned within the episode";
        Entry::policy("glm_ucb", about, keys)
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::new(
                "interest exploration, logistic upper confidence bounds",
                &[
                    "environment.name=interest_exploration",
                    "max_steps=12",
                    "policy.optimism_scaling=0.1",
                ],
            ),
            Specimen::new(
                "interest evolution, logistic upper confidence bounds",
                &[
                    "environment.name=interest_evolution",
                    "max_steps=12",
                    "environment.document.sampler=distribution",
                    "environment.document.num_features=3",
                    "policy.history_length=12",
                    "policy.optimism_scaling=0.1",
                ],
            ),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let logistic = Logistic::new("glm_ucb", settings, context, false)?;
        let dim = u32::try_from(logistic.inputs().len()).expect("inputs are few");
        let scale = logistic::Keys::read(settings).optimism_scaling;
        let Keys { horizon } = Keys::read(settings);
        Ok(Self {
            logistic,
            width: ucb_glm_width(dim, horizon, scale),
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/glm_ucb.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.logistic.shader_defs()
    }

    /// The ridge, then the width.
    fn tables(&self) -> Vec<f64> {
        vec![self.logistic.ridge.ridge, self.width]
    }

    fn state_size(&self) -> usize {
        self.logistic.state_size()
    }

    fn is_deterministic(&self) -> bool {
        true
    }
}

impl<N: Number> Policy<N> for GlmUcb {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        rank_by_bounds(&self.logistic, self.width, offer, state, scratch, slate);
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
    use crate::policy::listed::{Listed, no_draws};
    use crate::policy::ridge::Ridge;

    /// Documents that were shown to `RecSim` 0.2.4, two features each, and whether each was clicked.
    const SHOWN: [([f64; 2], bool); 12] = [
        ([1.0, 0.0], true),
        ([0.0, 1.0], false),
        ([1.0, 1.0], true),
        ([1.0, 0.5], true),
        ([0.5, 1.0], false),
        ([0.2, 0.3], false),
        ([0.9, 0.1], true),
        ([0.1, 0.9], false),
        ([0.7, 0.7], true),
        ([0.3, 0.8], false),
        ([0.6, 0.2], true),
        ([1.0, 0.9], true),
    ];

    #[test]
    fn documents_are_scored_as_recsim_scores_them() {
        let policy = GlmUcb {
            logistic: Logistic {
                ridge: Ridge {
                    inputs: Inputs {
                        document: 2,
                        user: 0,
                        layers: 0,
                    },
                    ridge: 1.0,
                    learns_reward: false,
                },
                history_length: 12,
                factors_fit: false,
            },
            width: ucb_glm_width(2, 100, 1.0),
        };
        let mut state = vec![0.0; policy.state_size()];
        let mut scratch = Scratch::default();
        let score_of = |state: &mut Vec<f64>, x: [f64; 2]| {
            let mut offer = Listed {
                features: vec![x.to_vec()],
                ..Listed::default()
            };
            let mut scratch = Scratch::default();
            let mut slate = [ScalarWord(0)];
            policy.recommend(&mut offer, &no_draws(), state, &mut scratch, &mut slate);
            // The key of the only candidate comes first.
            scratch.numbers[0]
        };
        // Up to 10 observations nothing is fitted and only the width counts: at first W sqrt(x' x).
        let width = ucb_glm_width(2, 100, 1.0);
        assert!((score_of(&mut state, [3.0, 4.0]) - 5.0 * width).abs() < 1e-12);
        for (x, clicked) in SHOWN {
            let mut shown = Listed {
                features: vec![x.to_vec()],
                clicked: clicked.then_some(0),
                ..Listed::default()
            };
            policy.observe(&mut shown, &mut scratch, &mut state);
        }
        for (x, expected) in [
            ([1.0, 0.0], 4.0675592106),
            ([0.0, 1.0], 2.1266615512),
            ([0.5, 0.5], 1.6295988839),
        ] {
            let found = score_of(&mut state, x);
            assert!((found - expected).abs() < 1e-9, "{x:?}: {found}");
        }
    }
}
