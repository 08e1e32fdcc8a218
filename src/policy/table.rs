//! A stationary policy for a finite state: for each state, a probability of each candidate. Twin: `shaders/policy/table.wgsl`.
//!
//! The state is the one whole number that is observed of the user. The table is given, or computed by
//! [`exact`](crate::exact).
//!
//! # Precision
//! The cumulative probabilities of a row are rounded to single precision on every backend: an action's probability is accurate
//! to 2^-23.

use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Propensity, Scratch};
use crate::config::{Bounds, ConfigError, Entry, Settings, WordOrMatrix};
use crate::distribution::{categorical_step, cumulative, uniform};
use crate::environment::Outline;
use crate::exact::FiniteModel;
use crate::number::{Number, Word};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;
use crate::{keys, words};

/// How far the sum of a row may lie from 1.
const TOLERANCE: f64 = 1e-6;

words! {
    /// The criterion by which a table is computed.
    pub enum Computed {
        /// The largest expected return.
        Optimal = "optimal",
        /// The largest expected reward of the next step.
        Greedy = "greedy",
    }
}

keys! {
    /// The keys of the policy.
    pub struct Keys {
        /// probability of each candidate, a row a state; or computed: the largest expected return, or the largest
        /// expected reward of the very next step
        table: WordOrMatrix<Computed> = one_of_or_matrix("table", Computed::Optimal, Bounds::PROBABILITY),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// How many candidates there are.
    num_candidates: u32,
    /// Cumulative probabilities in single precision. Shape `[state][candidate]`, row by row.
    cumulative: Vec<f64>,
}

/// Returns the number of states, if the state is all that is observed of the user and is one whole number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "discrete observables count from 0, and the conversion saturates"
)]
fn observed_states(outline: &Outline) -> Option<usize> {
    match outline.user.as_slice() {
        [state] if state.discrete && state.length == 1 => Some(state.high as usize + 1),
        _ => None,
    }
}

impl PolicyDefinition for Table {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let about = "a stationary policy of an environment with a finite state, given or computed";
        Entry::policy("table", about, Keys::declared())
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&["environment.name=item_transition"])]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let model = (context.finite_model)();
        let num_states = model.as_ref().map(FiniteModel::num_states);
        let Some(num_states) = num_states.or_else(|| observed_states(context.outline)) else {
            let allowed = "nothing here: the environment has no finite state";
            return Err(settings.invalid(Keys::table, allowed));
        };
        if context.slate_size != 1 {
            return Err(settings.invalid(Keys::table, "slates of one document"));
        }
        let num_candidates = context.num_candidates as usize;
        let table = match (Keys::read(settings).table, model) {
            (WordOrMatrix::Matrix(rows), _) => {
                let fits = rows.len() == num_states
                    && rows.iter().all(|row| {
                        let sum: f64 = row.iter().sum();
                        row.len() == num_candidates && (sum - 1.0).abs() <= TOLERANCE
                    });
                if !fits {
                    let allowed = format!(
                        "a matrix of {num_states} rows, one a state, and {num_candidates} columns, one a candidate, \
                         each row of sum 1 (within {TOLERANCE:e})"
                    );
                    return Err(settings.invalid(Keys::table, allowed));
                }
                rows
            }
            (WordOrMatrix::Word(_), None) => {
                let allowed = "a matrix: the environment has no exact solution";
                return Err(settings.invalid(Keys::table, allowed));
            }
            (WordOrMatrix::Word(Computed::Greedy), Some(model)) => model.greedy(),
            (WordOrMatrix::Word(Computed::Optimal), Some(model)) => {
                model.optimal().map_err(|error| {
                    settings.invalid(Keys::table, format!("a matrix, since {error}"))
                })?
            }
        };
        Ok(Self {
            num_candidates: context.num_candidates,
            cumulative: table.iter().flat_map(|row| cumulative(row)).collect(),
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/table.wgsl")
    }

    fn tables(&self) -> Vec<f64> {
        self.cumulative.clone()
    }

    /// The probability after rounding; those of a row still sum to 1.
    fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        _state: &[f64],
        _own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        let width = self.num_candidates as usize;
        let state = offer.user(0).to_word().0 as usize;
        let row = self.cumulative.chunks_exact(width).nth(state);
        let probability = row.zip(slate.first()).map_or(0.0, |(row, &candidate)| {
            let candidate = candidate as usize;
            let before = candidate.checked_sub(1).map_or(0.0, |before| row[before]);
            row[candidate] - before
        });
        Propensity::Probability(probability)
    }
}

impl<N: Number> Policy<N> for Table {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        _state: &mut [N],
        _scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let state = offer.user(0).to_word();
        let row = state * N::Word::splat(self.num_candidates);
        let draw = uniform::<N>(draws.first_word);
        let mut chosen = N::Word::splat(0);
        for candidate in 0..self.num_candidates - 1 {
            let entry = row + N::Word::splat(candidate);
            let last = self.cumulative.len() - 1;
            let cumulative =
                N::from_fn(|lane| self.cumulative[last.min(entry.lane(lane) as usize)]);
            chosen = categorical_step(chosen, draw, cumulative);
        }
        slate.fill(chosen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Observable;

    /// Makes a table for an environment that cannot be solved; for its error.
    fn unsolved(user: Vec<Observable>, table: &str) -> Result<Table, String> {
        let outline = Outline {
            user,
            ..Outline::default()
        };
        let context = PolicyContext {
            outline: &outline,
            num_candidates: 2,
            slate_size: 1,
            finite_model: &|| None,
            average_user: None,
            misfit_of_user: &|_| None,
            num_user_fields: 1,
            has_fixed_documents: false,
            num_layer_numbers: 0,
        };
        let settings = Table::entry().settings_with(&[table]).unwrap();
        Table::new(&settings, &context).map_err(|error| error.to_string())
    }

    #[test]
    fn a_state_that_is_observed_takes_a_table_without_a_solution() {
        let state = || vec![Observable::discrete("state", 3)];
        let table = unsolved(state(), "table=[[1, 0], [0.5, 0.5], [0, 1]]").unwrap();
        assert_eq!(table.cumulative, [1.0, 1.0, 0.5, 1.0, 0.0, 1.0]);
        let refusal = unsolved(state(), "table=[[1, 0], [0.5, 0.5]]").unwrap_err();
        assert!(
            refusal.contains("a matrix of 3 rows, one a state, and 2 columns"),
            "{refusal}"
        );
        let refusal = unsolved(state(), "table=optimal").unwrap_err();
        assert!(
            refusal.contains("the environment has no exact solution"),
            "{refusal}"
        );
        let interest = vec![Observable::number("interest", -1.0, 1.0)];
        let refusal = unsolved(interest, "table=[[1, 0]]").unwrap_err();
        assert!(
            refusal.contains("the environment has no finite state"),
            "{refusal}"
        );
    }
}
