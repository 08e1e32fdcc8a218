//! The options of tabular Q learning, with `RecSim`'s names and defaults.

use super::error::AgentError;
use serde::{Deserialize, Serialize};

/// Single precision could not distinguish more bins.
const MAX_BINS: u32 = 1 << 24;

/// How an agent chooses while it learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplorationPolicy {
    /// With probability epsilon any slate, else the first of those with the largest value; after n episodes epsilon is
    /// `exploration_temperature` to the power of n + 1.
    #[default]
    EpsilonGreedy,
    /// The first of the slates that were tried least often in the situation.
    MinCount,
}

/// How much a new value counts against the old one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningRate {
    /// Always the same.
    Constant(f64),
    /// c / (c + n) after n updates of the table.
    Harmonic(f64),
}

impl LearningRate {
    /// Returns the rate of an update, given the number of those before it.
    pub fn at(self, updates: u64) -> f64 {
        match self {
            Self::Constant(rate) => rate,
            Self::Harmonic(c) => c / (c + updates as f64),
        }
    }
}

/// The options of a [`TabularQ`](super::TabularQ); names and defaults are those of `RecSim`'s `TabularQAgent`.
///
/// ```
/// use slatesim::agent::TabularQOptions;
/// let options = TabularQOptions { gamma: 0.9, seed: 7, ..TabularQOptions::default() };
/// assert_eq!(options.exploration_temperature, 0.99);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabularQOptions {
    /// The values of the first and the last edge of the bins for real numbers; by default 0 and 10.
    pub discretization_bounds: [f64; 2],
    /// How many edges the bins have; there is one bin more than edges; by default 100.
    pub number_bins: u32,
    /// How slates are chosen while the agent learns; by default epsilon-greedy.
    pub exploration_policy: ExplorationPolicy,
    /// The first epsilon, and the factor by which it changes after every episode; by default 0.99.
    pub exploration_temperature: f64,
    /// How much a new value counts against the old one; by default always 0.1.
    pub learning_rate: LearningRate,
    /// The factor by which a reward one step later counts less; by default 0.99.
    pub gamma: f64,
    /// Whether slates with the same documents in another order are different slates; by default they are not.
    pub ordinal_slates: bool,
    /// Whether the agent only shows the best slates, and does not learn; by default it learns.
    pub eval_mode: bool,
    /// Whether the agent does not learn from the last reward of an episode, as with `RecSim`; by default it does.
    pub faithful: bool,
    /// The seed of the agent's own draws; by default 0. They never coincide with draws of the environment, whatever its seed.
    pub seed: u64,
}

impl Default for TabularQOptions {
    fn default() -> Self {
        Self {
            discretization_bounds: [0.0, 10.0],
            number_bins: 100,
            exploration_policy: ExplorationPolicy::EpsilonGreedy,
            exploration_temperature: 0.99,
            learning_rate: LearningRate::Constant(0.1),
            gamma: 0.99,
            ordinal_slates: false,
            eval_mode: false,
            faithful: false,
            seed: 0,
        }
    }
}

const UNIT: &str = "a number from 0 to 1";

impl TabularQOptions {
    /// Refuses values that are not allowed.
    pub(super) fn check(&self) -> Result<(), AgentError> {
        let is_unit = |value: f64| (0.0..=1.0).contains(&value);
        let [low, high] = self.discretization_bounds;
        let rate = match self.learning_rate {
            LearningRate::Constant(rate) => (is_unit(rate), rate, UNIT),
            LearningRate::Harmonic(c) => (c.is_finite() && c > 0.0, c, "a number above 0"),
        };
        let checks = [
            (
                low.is_finite() && high.is_finite() && low < high,
                "discretization_bounds",
                format!("[{low}, {high}]"),
                "two numbers, the lower one first",
            ),
            (
                (2..=MAX_BINS).contains(&self.number_bins),
                "number_bins",
                self.number_bins.to_string(),
                "an integer from 2 to 2^24",
            ),
            (
                is_unit(self.exploration_temperature),
                "exploration_temperature",
                self.exploration_temperature.to_string(),
                UNIT,
            ),
            (rate.0, "learning_rate", rate.1.to_string(), rate.2),
            (is_unit(self.gamma), "gamma", self.gamma.to_string(), UNIT),
        ];
        refuse_first(checks)
    }
}

/// Refuses the first option that is not allowed. Each has: whether it is allowed, its name, its value, what is allowed.
pub(super) fn refuse_first<const N: usize>(
    checks: [(bool, &'static str, String, &'static str); N],
) -> Result<(), AgentError> {
    checks
        .into_iter()
        .try_for_each(|(is_allowed, option, given, allowed)| {
            if is_allowed {
                return Ok(());
            }
            Err(AgentError::Option {
                option,
                given,
                allowed,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_by_name_and_value() {
        let refusal = |options: TabularQOptions| options.check().unwrap_err().to_string();
        let default = TabularQOptions::default();
        assert!(default.check().is_ok());
        assert_eq!(
            refusal(TabularQOptions {
                gamma: 1.5,
                ..default.clone()
            }),
            "`gamma` = 1.5: allowed is a number from 0 to 1"
        );
        assert_eq!(
            refusal(TabularQOptions {
                discretization_bounds: [3.0, 3.0],
                ..default.clone()
            }),
            "`discretization_bounds` = [3, 3]: allowed is two numbers, the lower one first"
        );
        assert_eq!(
            refusal(TabularQOptions {
                learning_rate: LearningRate::Harmonic(0.0),
                ..default.clone()
            }),
            "`learning_rate` = 0: allowed is a number above 0"
        );
        assert_eq!(
            refusal(TabularQOptions {
                number_bins: 1,
                ..default.clone()
            }),
            "`number_bins` = 1: allowed is an integer from 2 to 2^24"
        );
        assert!(
            refusal(TabularQOptions {
                exploration_temperature: f64::NAN,
                ..default
            })
            .starts_with("`exploration_temperature` = NaN")
        );
    }

    #[test]
    fn a_harmonic_rate_falls_with_the_updates() {
        let rate = LearningRate::Harmonic(100.0);
        assert_eq!(
            [0, 100, 300].map(|updates| rate.at(updates)),
            [1.0, 0.5, 0.25]
        );
        assert_eq!(LearningRate::Constant(0.1).at(1000), 0.1);
    }
}
