//! A stationary policy of a finite state: for each state a probability of each candidate. Twin:
//! `shaders/policy/table.wgsl`.
//!
//! The state is the one whole number that is observed of the user. The table is given, or computed by
//! [`exact`](crate::exact).
//!
//! # Precision
//! The cumulative probabilities of a row are rounded to single precision on every backend: an action's probability is
//! right to 2^-23.

use super::{Draws, Offer, Policy, PolicyDefinition, Scratch, Target};
use crate::config::{Bounds, ConfigError, Entry, Key, Settings, Value};
use crate::distribution::{categorical_step, uniform};
use crate::number::{Number, Word};
use crate::shader::{ShaderSource, embedded};

/// How far the sum of a row may lie from 1.
const TOLERANCE: f64 = 1e-6;

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// How many candidates there are.
    num_candidates: u32,
    /// Cumulative probabilities in single precision. Shape `[state][candidate]`, row by row.
    cumulative: Vec<f64>,
}

/// Sums the probabilities of a row up, in single precision; from the last candidate that is ever taken on it is 1.
#[allow(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
fn cumulative(row: &[f64]) -> Vec<f64> {
    let total: f64 = row.iter().sum();
    let last = row.iter().rposition(|&probability| probability > 0.0);
    let sums = row
        .iter()
        .enumerate()
        .scan(0.0, |sum, (candidate, probability)| {
            *sum += probability;
            let is_last = last.is_some_and(|last| candidate >= last);
            Some(if is_last {
                1.0
            } else {
                f64::from((*sum / total) as f32)
            })
        });
    sums.collect()
}

impl PolicyDefinition for Table {
    fn entry() -> Entry {
        let keys = vec![Key::one_of_or_matrix(
            "table",
            "optimal",
            &["optimal", "greedy"],
            Bounds::UNIT,
            "probability of each candidate, a row a state; or computed: the largest expected return, or the largest \
             expected reward of the very next step",
        )];
        let about = "a stationary policy of an environment with a finite state, given or computed";
        Entry::policy("table", about, keys)
    }

    fn new(settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError> {
        let Some(model) = (target.finite_model)() else {
            let allowed = "nothing here: the environment has no finite state";
            return Err(settings.invalid("table", allowed));
        };
        if target.slate_size != 1 {
            return Err(settings.invalid("table", "slates of one document"));
        }
        let (num_states, num_candidates) = (model.num_states(), model.num_actions());
        let table = match settings.value("table") {
            Some(Value::Matrix(rows)) => {
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
                    return Err(settings.invalid("table", allowed));
                }
                rows.clone()
            }
            Some(Value::Text(word)) if word == "greedy" => model.greedy(),
            _ => model
                .optimal()
                .map_err(|error| settings.invalid("table", format!("a matrix, since {error}")))?,
        };
        Ok(Self {
            num_candidates: target.num_candidates,
            cumulative: table.iter().flat_map(|row| cumulative(row)).collect(),
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/table.wgsl")
    }

    fn tables(&self) -> Vec<f64> {
        self.cumulative.clone()
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
