//! Upper confidence bounds of a linear regression. Twin: `shaders/policy/linear_ucb.wgsl`.
//!
//! ```text
//! score = theta . x + alpha sqrt(x' A^-1 x)
//! ```
//!
//! with theta and A of the user's own [`ridge`] regression. The slate is the candidates of the largest
//! scores, ties to the lower index.
//!
//! # Source
//! Li, Chu, Langford and Schapire (2010), "A contextual-bandit approach to personalized news article recommendation": `LinUCB`
//! with one theta for all arms.

use super::posterior::{EXPLORATION, Estimator, rank_by_bounds};
use super::ridge::{self, Ridge};
use super::{Draws, Feedback, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::keys;
use crate::number::Number;
use crate::shader::{ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy, besides those of the regression.
    pub struct Keys from "Li, Chu, Langford and Schapire (2010), LinUCB" {
        /// how many standard deviations are added to the mean
        alpha: f64 = number("alpha", 1.0, EXPLORATION).in_unit("standard deviations"),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearUcb {
    /// The regression that is learned for each user.
    pub ridge: Ridge,
    /// How many standard deviations are added to the mean.
    pub alpha: f64,
}

impl PolicyDefinition for LinearUcb {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let keys = [Keys::declared(), ridge::Keys::declared()].concat();
        let about = "upper confidence bounds of a linear regression, learned within the episode";
        Entry::policy("linear_ucb", about, keys)
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::new(
                "interest exploration, linear upper confidence bounds",
                &["environment.name=interest_exploration", "max_steps=30"],
            ),
            Specimen::new(
                "interest evolution, linear upper confidence bounds of 20 inputs",
                &[
                    "environment.name=interest_evolution",
                    "max_steps=6",
                    "environment.document.sampler=distribution",
                    "environment.document.num_features=10",
                ],
            ),
            Specimen::composed(&[
                "environment.resample_documents=false",
                "policy.layer.name=fixed_length_history",
                "policy.layer.remember_response=false",
                "policy.layer.layer.name=temporal_aggregation",
            ]),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            ridge: Ridge::new("linear_ucb", settings, context)?,
            alpha: Keys::read(settings).alpha,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/linear_ucb.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.ridge.shader_defs()
    }

    /// The ridge, then alpha.
    fn tables(&self) -> Vec<f64> {
        vec![self.ridge.ridge, self.alpha]
    }

    fn state_size(&self) -> usize {
        self.ridge.state_size()
    }

    fn is_deterministic(&self) -> bool {
        true
    }
}

impl<N: Number> Policy<N> for LinearUcb {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        rank_by_bounds(&self.ridge, self.alpha, offer, state, scratch, slate);
    }

    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, scratch: &mut Scratch<N>, state: &mut [N]) {
        self.ridge.observe(feedback, scratch, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::inputs::Inputs;
    use crate::policy::listed::{Listed, no_draws};

    fn policy(alpha: f64) -> LinearUcb {
        LinearUcb {
            ridge: Ridge {
                inputs: Inputs {
                    document: 1,
                    user: 1,
                    layers: 0,
                },
                ridge: 1.0,
                learns_reward: false,
            },
            alpha,
        }
    }

    fn slate(policy: &LinearUcb, state: &mut [f64], features: &[f64]) -> [u32; 2] {
        let mut offer = Listed {
            user: vec![1.0],
            ..Listed::features(features)
        };
        let mut slate = [ScalarWord(0); 2];
        let mut scratch = Scratch::default();
        policy.recommend(&mut offer, &no_draws(), state, &mut scratch, &mut slate);
        slate.map(|candidate| candidate.0)
    }

    /// By hand: after documents 2 (clicked) and 0 for a user of 1, A = ((5, 2), (2, 3)) and b = (2, 1), so that
    /// theta = (4, 1) / 11 and A^-1 = ((3, -2), (-2, 5)) / 11. At x = (f, 1) the variance is (3 f^2 - 4 f + 5) / 11.
    #[test]
    fn a_click_moves_the_mean_and_doubt_speaks_for_the_unknown() {
        let mut state = [0.0; 6];
        let with_doubt = policy(8.0);
        // Before any observation the longest x comes first.
        assert_eq!(slate(&with_doubt, &mut state, &[2.0, 0.0, -3.0]), [2, 0]);
        let mut shown = Listed {
            clicked: Some(0),
            ..Listed::features(&[2.0, 0.0])
        };
        with_doubt.observe(&mut shown, &mut Scratch::default(), &mut state);
        assert_eq!(state, [4.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
        // Means 5/11, 1/11, -7/11 and variances 4/11, 5/11, 25/11 of the features 1, 0, -2.
        assert_eq!(slate(&policy(0.0), &mut state, &[1.0, 0.0, -2.0]), [0, 1]);
        assert_eq!(slate(&with_doubt, &mut state, &[1.0, 0.0, -2.0]), [2, 1]);
    }
}
