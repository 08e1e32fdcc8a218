//! The options of a linear bandit.

use super::error::AgentError;
use serde::{Deserialize, Serialize};

/// How a linear bandit explores, and whether its regression is linear or logistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearAlgorithm {
    /// `LinUCB`, the policy `linear_ucb`: x w + scale sqrt(x' A^-1 x).
    #[default]
    Ucb,
    /// Linear Thompson sampling, the policy `linear_thompson`: x v, where v is drawn from N(w, scale^2 A^-1).
    ThompsonSampling,
    /// UCB-GLM, the policy `glm_ucb`: x w + W sqrt(x' A^-1 x), where w is a logistic fit and W is
    /// [`ucb_glm_width`](crate::regression::ucb_glm_width).
    GlmUcb,
    /// GLM-TS, the policy `glm_thompson`: x v, where v is drawn from N(w, scale^2 G^-1), and w and G are a logistic fit.
    GlmThompson,
}

impl LinearAlgorithm {
    /// Tells whether the regression is a logistic one.
    pub fn is_logistic(self) -> bool {
        matches!(self, Self::GlmUcb | Self::GlmThompson)
    }
}

/// The outcome that the regression learns for a shown document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegressionTarget {
    /// 1 if it was clicked, else 0.
    #[default]
    Clicked,
    /// The reward of the step if it was clicked, else 0; not for logistic regressions.
    Reward,
}

/// The options of a [`LinearBandit`](super::LinearBandit).
///
/// ```
/// use slatesim::agent::{LinearAlgorithm, LinearBanditOptions};
/// let options = LinearBanditOptions {
///     algorithm: LinearAlgorithm::ThompsonSampling,
///     ..LinearBanditOptions::default()
/// };
/// assert_eq!((options.scale, options.ridge), (1.0, 1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearBanditOptions {
    /// How documents are scored; by default by `LinUCB`.
    pub algorithm: LinearAlgorithm,
    /// How much is explored: the alpha of `LinUCB`; by default 1.
    pub scale: f64,
    /// What the diagonal of A and G begins with, 1 / sigma0^2 for `RecSim`; by default 1.
    pub ridge: f64,
    /// The outcome that the regression learns for a shown document; by default 1 for a click.
    pub target: RegressionTarget,
    /// Whether a constant 1 follows the observed numbers; by default it does not.
    pub intercept: bool,
    /// For how many decisions the width of UCB-GLM is computed; by default 1,000.
    pub horizon: u32,
    /// How many observations, the latest, a logistic regression is fitted to; by default 1,024.
    pub window: u32,
    /// Whether the agent only shows the best documents, and does not learn; by default it learns.
    pub eval_mode: bool,
    /// The seed of the agent's own draws; by default 0. They never coincide with draws of the environment, whatever its seed.
    pub seed: u64,
}

impl Default for LinearBanditOptions {
    fn default() -> Self {
        Self {
            algorithm: LinearAlgorithm::Ucb,
            scale: 1.0,
            ridge: 1.0,
            target: RegressionTarget::Clicked,
            intercept: false,
            horizon: 1000,
            window: 1024,
            eval_mode: false,
            seed: 0,
        }
    }
}

impl LinearBanditOptions {
    /// Refuses values that are not allowed.
    pub(super) fn check(&self) -> Result<(), AgentError> {
        let is_reward = self.target == RegressionTarget::Reward;
        let checks = [
            (
                self.scale.is_finite() && self.scale >= 0.0,
                "scale",
                self.scale.to_string(),
                "a number from 0",
            ),
            (
                self.ridge.is_finite() && self.ridge > 0.0,
                "ridge",
                self.ridge.to_string(),
                "a number above 0",
            ),
            (
                !(is_reward && self.algorithm.is_logistic()),
                "target",
                "reward".to_owned(),
                "clicked, for a logistic regression",
            ),
            (
                self.horizon > 0,
                "horizon",
                self.horizon.to_string(),
                "an integer from 1",
            ),
            (
                (11..=1 << 20).contains(&self.window),
                "window",
                self.window.to_string(),
                "an integer from 11, fewer are not fitted, to 2^20",
            ),
        ];
        super::options::refuse_first(checks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_by_name_and_value() {
        let refusal = |options: LinearBanditOptions| options.check().unwrap_err().to_string();
        let default = LinearBanditOptions::default();
        assert!(default.check().is_ok());
        assert_eq!(
            refusal(LinearBanditOptions {
                scale: -1.0,
                ..default.clone()
            }),
            "`scale` = -1: allowed is a number from 0"
        );
        assert_eq!(
            refusal(LinearBanditOptions {
                ridge: 0.0,
                ..default.clone()
            }),
            "`ridge` = 0: allowed is a number above 0"
        );
        assert_eq!(
            refusal(LinearBanditOptions {
                algorithm: LinearAlgorithm::GlmUcb,
                target: RegressionTarget::Reward,
                ..default.clone()
            }),
            "`target` = reward: allowed is clicked, for a logistic regression"
        );
        assert!(
            refusal(LinearBanditOptions {
                window: 10,
                ..default
            })
            .starts_with("`window` = 10")
        );
    }
}
