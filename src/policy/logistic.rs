//! Logistic regression of clicks on the inputs of documents, one per user, over a history of limited length. Twin:
//! `shaders/policy/logistic.wgsl`.
//!
//! At every step [`fit_logistic`] fits the newest `history_length` documents that the user has examined. `RecSim` keeps all
//! documents: so does a history as long as the steps of an episode times the documents that a user examines at each.
//!
//! The state of a user is that of [`ridge`](super::ridge), whose A is the sum over all documents, the forgotten ones included;
//! then the place where the next document is written, how many documents are remembered, their inputs, and their clicks.

use super::inputs::Inputs;
use super::posterior::{EXPLORATION, Estimator, Fit};
use super::ridge::{Ridge, bounded};
use super::{Feedback, Offer, PolicyContext, Scratch};
use crate::config::{Bounds, ConfigError, Settings};
use crate::keys;
use crate::number::{Mask, Number, Word};
use crate::regression::fit_logistic;
use crate::shader::{ShaderDef, ShaderDefs};

/// The most numbers of a history: a GPU lane keeps them in its own memory.
const MAX_NUMBERS: u32 = 8192;

keys! {
    /// The keys of the regression.
    pub struct Keys from "RecSim 0.2.4, UCB_GLM and GLM_TS" {
        /// standard deviation of the prior: the ridge is 1 / sigma0^2
        sigma0: f64 = number("sigma0", 1.0, DEVIATIONS),
        /// how much is explored: 0 trusts the fit
        optimism_scaling: f64 = number("optimism_scaling", 1.0, EXPLORATION),
        /// documents, the newest, that the regression is fitted to; fewer than 11 are not fitted; at most 8192 by the number of
        /// inputs and 1
        history_length: u32 = integer("history_length", 100, 11, MAX_NUMBERS / 2)
            .in_unit("documents")
            .from_source("slatesim"),
    }
}

/// Bounds of sigma0: single precision has to invert the sum of 1 / sigma0^2 and sums of squared inputs.
const DEVIATIONS: Bounds = Bounds::between(1e-3, 30.0);

/// The regression of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    /// The matrix over all documents, with the inputs.
    pub ridge: Ridge,
    /// How many documents, the newest ones, are fitted.
    pub history_length: usize,
    /// Whether A is that of the fit, X' diag(h (1 - h)) X + ridge I, rather than that over all documents.
    pub factors_fit: bool,
}

impl Logistic {
    /// Makes the regression from checked settings.
    ///
    /// # Errors
    /// [`ConfigError`] if there are no inputs or too many, or the history is too long for them.
    pub(super) fn new(
        name: &str,
        settings: &Settings,
        context: &PolicyContext<'_>,
        factors_fit: bool,
    ) -> Result<Self, ConfigError> {
        let inputs = bounded(name, settings, context)?;
        let keys = Keys::read(settings);
        let history_length = keys.history_length as usize;
        let entry = inputs.len() + 1;
        if history_length.saturating_mul(entry) > MAX_NUMBERS as usize {
            let most = MAX_NUMBERS as usize / entry;
            let allowed = format!("at most {most}: {entry} numbers are kept of a document");
            return Err(settings.invalid(Keys::history_length, allowed));
        }
        Ok(Self {
            ridge: Ridge {
                inputs,
                ridge: keys.sigma0.powi(-2),
                learns_reward: false,
            },
            history_length,
            factors_fit,
        })
    }

    /// Returns the definitions that the WGSL twin is specialised by.
    ///
    /// # Panics
    /// Never: histories are short.
    #[must_use]
    pub fn shader_defs(&self) -> ShaderDefs {
        let mut defs = self.ridge.shader_defs();
        let history = u32::try_from(self.history_length).expect("histories are short");
        defs.insert("HISTORY".to_owned(), ShaderDef::UInt(history));
        defs.insert("FACTORS_FIT".to_owned(), ShaderDef::Bool(self.factors_fit));
        defs
    }

    /// Learns from the documents that the user has examined.
    ///
    /// # Panics
    /// Never: histories are short.
    #[inline(always)]
    pub fn observe<N: Number>(
        &self,
        feedback: &mut dyn Feedback<N>,
        scratch: &mut Scratch<N>,
        state: &mut [N],
    ) {
        self.ridge.observe(feedback, scratch, state);
        let dim = self.ridge.inputs.len();
        let (known, own) = state.split_at_mut(self.ridge.state_size());
        let shared = &known[known.len() - self.ridge.inputs.shared()..];
        let (at, history) = own.split_at_mut(2);
        let (features, rest) = history.split_at_mut(self.history_length * dim);
        let clicks = &mut rest[..self.history_length];
        let number = |count: usize| {
            N::from_word(N::Word::splat(
                u32::try_from(count).expect("histories are short"),
            ))
        };
        let (zero, one, length) = (number(0), number(1), number(self.history_length));
        let x = &mut scratch.numbers[..dim];
        x[self.ridge.inputs.document..].copy_from_slice(shared);
        for position in 0..feedback.num_considered() {
            self.ridge.inputs.look_back_at(feedback, position, x);
            let click = N::select(feedback.is_clicked(position), one, zero);
            let next = at[0].to_word();
            let entries = features.chunks_exact_mut(dim).zip(clicks.iter_mut());
            for (entry, (row, kept)) in (0..).zip(entries) {
                let here = next.equals(N::Word::splat(entry));
                if !here.any() {
                    continue;
                }
                for (number, &input) in row.iter_mut().zip(x.iter()) {
                    *number = N::select(here, input, *number);
                }
                *kept = N::select(here, click, *kept);
            }
            let after = at[0] + one;
            at[0] = N::select(after.less_than(length), after, zero);
            at[1] = (at[1] + one).min(length);
        }
    }
}

impl Estimator for Logistic {
    fn inputs(&self) -> &Inputs {
        &self.ridge.inputs
    }

    fn state_size(&self) -> usize {
        self.ridge.state_size() + 2 + self.history_length * (self.ridge.inputs.len() + 1)
    }

    fn scratch_size(&self) -> usize {
        let dim = self.ridge.inputs.len();
        dim * dim + dim
    }

    #[inline(always)]
    fn fit<N: Number>(
        &self,
        offer: &mut dyn Offer<N>,
        own: &mut [N],
        layers: &[N],
        fit: Fit<'_, N>,
    ) {
        let dim = self.ridge.inputs.len();
        let history = &own[self.ridge.state_size()..];
        let (features, rest) = history[2..].split_at(self.history_length * dim);
        fit_logistic(
            features,
            &rest[..self.history_length],
            history[1].to_word(),
            N::splat(self.ridge.ridge),
            fit.theta,
            fit.factor,
            fit.scratch,
        );
        if !self.factors_fit {
            self.ridge.factorize(own, fit.factor);
        }
        self.ridge.begin(offer, own, layers, fit.x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::listed::Listed;

    const HISTORY: usize = 11;

    fn logistic() -> Logistic {
        Logistic {
            ridge: Ridge {
                inputs: Inputs {
                    document: 1,
                    user: 1,
                    layers: 0,
                },
                ridge: 1.0,
                learns_reward: false,
            },
            history_length: HISTORY,
            factors_fit: false,
        }
    }

    #[test]
    fn the_oldest_documents_are_forgotten_and_their_outer_products_are_not() {
        let logistic = logistic();
        let mut state = vec![0.0; logistic.state_size()];
        let known = logistic.ridge.state_size();
        // The observed number of the user when the slate was made.
        state[known - 1] = 0.5;
        let mut scratch = Scratch::default();
        for document in 0..13u8 {
            let mut shown = Listed {
                clicked: (document % 2 == 1).then_some(0),
                ..Listed::features(&[f64::from(document)])
            };
            logistic.observe(&mut shown, &mut scratch, &mut state);
        }
        let sum_of_squares: f64 = (0..13).map(|document| f64::from(document * document)).sum();
        assert_eq!(state[0], sum_of_squares);
        assert_eq!(state[known..known + 2], [2.0, 11.0]);
        let entries: Vec<f64> = [11, 12, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(f64::from).into();
        let features: Vec<f64> = entries.iter().flat_map(|&entry| [entry, 0.5]).collect();
        let clicks: Vec<f64> = entries.iter().map(|entry| entry % 2.0).collect();
        assert_eq!(state[known + 2..], [features, clicks].concat());
    }
}
