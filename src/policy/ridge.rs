//! Ridge regression of what documents earn on their inputs, one per user. Twin: `shaders/policy/ridge.wgsl`.
//!
//! ```text
//! A = ridge I + sum x x',   b = sum y x   over the documents that the user has examined:   theta = A^-1 b
//! ```
//!
//! The state of a user is the lower triangle of A - ridge I row by row, b, and the inputs that all candidates of the last step
//! shared when the slate was made.
//!
//! # Precision
//! A is factorised anew at every step. With a ridge above 0 it cannot be singular; in single precision the factor is good
//! as long as the largest eigenvalue is below some 10^6 ridges, that is for inputs of size 1 a million documents.

use super::inputs::Inputs;
use super::posterior::{Estimator, Fit};
use super::{Feedback, Offer, PolicyContext, Scratch};
use crate::config::{Bounds, ConfigError, Settings};
use crate::number::Number;
use crate::regression::{factorize, solve};
use crate::shader::{ShaderDef, ShaderDefs};
use crate::{keys, words};

/// The most inputs: a GPU lane keeps a matrix of their square in its own memory, and half of it in its state.
pub const MAX_INPUTS: usize = 64;

words! {
    /// The quantity that the regression learns for a document that the user has examined.
    pub enum Learned {
        /// Whether it was clicked.
        Clicked = "clicked",
        /// What it earned.
        Reward = "reward",
    }
}

keys! {
    /// The keys of the regression.
    pub struct Keys {
        /// weight of the prior: A begins as so many identities
        ridge: f64 = number("ridge", 1.0, RIDGES),
        /// what is learned of a document that the user has examined: 1 if it was clicked, or the reward that it earned
        target: Learned = one_of("target", Learned::Clicked),
    }
}

/// Bounds of the ridge: single precision has to invert the sum of it and sums of squared inputs.
const RIDGES: Bounds = Bounds::between(1e-3, 1e6);

/// The regression of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ridge {
    /// The numbers that documents are scored by.
    pub inputs: Inputs,
    /// What is added to the diagonal.
    pub ridge: f64,
    /// Whether y is the reward, rather than 1 for a click.
    pub learns_reward: bool,
}

impl Ridge {
    /// Makes the regression from checked settings.
    ///
    /// # Errors
    /// [`ConfigError`] if there are no inputs or too many.
    pub(super) fn new(
        name: &str,
        settings: &Settings,
        context: &PolicyContext<'_>,
    ) -> Result<Self, ConfigError> {
        let keys = Keys::read(settings);
        Ok(Self {
            inputs: bounded(name, settings, context)?,
            ridge: keys.ridge,
            learns_reward: match keys.target {
                Learned::Clicked => false,
                Learned::Reward => true,
            },
        })
    }

    /// Returns how many numbers the lower triangle has.
    pub(super) fn packed(&self) -> usize {
        self.inputs.len() * (self.inputs.len() + 1) / 2
    }

    /// Returns the definitions that the WGSL twin is specialised by.
    ///
    /// # Panics
    /// Never: inputs are few.
    #[must_use]
    pub fn shader_defs(&self) -> ShaderDefs {
        let size = |size: usize| ShaderDef::UInt(u32::try_from(size).expect("inputs are few"));
        let mut defs = self.inputs.shader_defs();
        defs.insert("DIM".to_owned(), size(self.inputs.len()));
        defs.insert("DIM_QUADS".to_owned(), size(self.inputs.len().div_ceil(4)));
        defs.insert(
            "LEARNS_REWARD".to_owned(),
            ShaderDef::Bool(self.learns_reward),
        );
        defs
    }

    /// Factorises A.
    #[inline(always)]
    pub(super) fn factorize<N: Number>(&self, own: &[N], factor: &mut [N]) {
        let dim = self.inputs.len();
        let mut at = 0;
        for row in 0..dim {
            for column in 0..=row {
                factor[row * dim + column] = own[at];
                at += 1;
            }
            let diagonal = row * dim + row;
            factor[diagonal] = factor[diagonal] + N::splat(self.ridge);
        }
        factorize(factor, dim);
    }

    /// Writes the shared inputs of a step, and keeps them for the observation.
    #[inline(always)]
    pub(super) fn begin<N: Number>(
        &self,
        offer: &mut dyn Offer<N>,
        own: &mut [N],
        layers: &[N],
        x: &mut [N],
    ) {
        self.inputs.begin(offer, layers, x);
        let at = self.packed() + self.inputs.len();
        own[at..self.state_size()].copy_from_slice(&x[self.inputs.document..]);
    }

    /// Learns from the documents that the user has examined.
    #[inline(always)]
    pub fn observe<N: Number>(
        &self,
        feedback: &mut dyn Feedback<N>,
        scratch: &mut Scratch<N>,
        state: &mut [N],
    ) {
        let (dim, packed) = (self.inputs.len(), self.packed());
        scratch.numbers.clear();
        scratch.numbers.resize(dim, N::splat(0.0));
        let x = &mut scratch.numbers[..];
        let own = &mut state[..self.state_size()];
        x[self.inputs.document..].copy_from_slice(&own[packed + dim..]);
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        for position in 0..feedback.num_considered() {
            self.inputs.look_back_at(feedback, position, x);
            let y = if self.learns_reward {
                feedback.earned(position)
            } else {
                N::select(feedback.is_clicked(position), one, zero)
            };
            let mut at = 0;
            for row in 0..dim {
                for column in 0..=row {
                    own[at] = own[at] + x[row] * x[column];
                    at += 1;
                }
            }
            for row in 0..dim {
                own[packed + row] = own[packed + row] + y * x[row];
            }
        }
    }
}

impl Estimator for Ridge {
    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn state_size(&self) -> usize {
        self.packed() + self.inputs.len() + self.inputs.shared()
    }

    fn scratch_size(&self) -> usize {
        0
    }

    #[inline(always)]
    fn fit<N: Number>(
        &self,
        offer: &mut dyn Offer<N>,
        own: &mut [N],
        layers: &[N],
        fit: Fit<'_, N>,
    ) {
        let (dim, packed) = (self.inputs.len(), self.packed());
        self.factorize(own, fit.factor);
        fit.theta.copy_from_slice(&own[packed..packed + dim]);
        solve(fit.factor, fit.theta);
        self.begin(offer, own, layers, fit.x);
    }
}

/// Returns the inputs of a policy; an error if there are none or too many.
pub(super) fn bounded(
    name: &str,
    settings: &Settings,
    context: &PolicyContext<'_>,
) -> Result<Inputs, ConfigError> {
    let inputs = Inputs::of(context);
    if (1..=MAX_INPUTS).contains(&inputs.len()) {
        return Ok(inputs);
    }
    let needs = format!(
        "1 to {MAX_INPUTS} inputs, and there are {}",
        inputs.description()
    );
    Err(settings.unfit(name, needs))
}
