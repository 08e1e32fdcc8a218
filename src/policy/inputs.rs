//! The numbers from which a policy computes the score of a candidate. Twin: `shaders/policy/inputs.wgsl`.
//!
//! ```text
//! x = (observed features of the document, observed numbers of the user, numbers of the layers)
//! ```
//!
//! Layers are in the order in which they nest, the one closest to the policy first.

use super::{Feedback, Offer, PolicyContext};
use crate::environment::Observable;
use crate::number::{Number, ScalarWord};
use crate::shader::{ShaderDef, ShaderDefs};

/// The assumed largest value of an input without a limit, mostly a count of sessions. Larger values do no harm: single
/// precision holds 1e8 times what policies refuse, and no input is larger than 1e12.
const LARGEST_UNBOUNDED: f64 = 1e4;

/// How many numbers there are of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Observed features of a document.
    pub document: usize,
    /// Observed numbers of the user.
    pub user: usize,
    /// Numbers of the layers.
    pub layers: usize,
}

impl Inputs {
    /// Counts the inputs of a policy.
    #[must_use]
    pub fn of(context: &PolicyContext<'_>) -> Self {
        Self {
            document: context.outline.document_size(),
            user: context.outline.user_size(),
            layers: context.num_layer_numbers,
        }
    }

    /// Returns how many numbers there are in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.document + self.shared()
    }

    /// Tells whether there are no inputs at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many inputs are the same for all candidates of a step.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.user + self.layers
    }

    /// Describes the inputs, for a message.
    #[must_use]
    pub fn description(&self) -> String {
        format!(
            "{} inputs, {} of the document, {} of the user and {} of layers",
            self.len(),
            self.document,
            self.user,
            self.layers
        )
    }

    /// Returns how large each input may be in magnitude; 10^4 for one without a limit.
    pub(super) fn largest(&self, context: &PolicyContext<'_>) -> Vec<f64> {
        let observables = context.outline.document.iter().chain(&context.outline.user);
        let largest = |observable: &Observable| {
            let largest = observable.low.abs().max(observable.high.abs());
            let largest = if largest.is_finite() {
                largest
            } else {
                LARGEST_UNBOUNDED
            };
            std::iter::repeat_n(largest, observable.length)
        };
        let layers = std::iter::repeat_n(LARGEST_UNBOUNDED, self.layers);
        observables.flat_map(largest).chain(layers).collect()
    }

    /// Returns the definitions that the WGSL twin is specialised by.
    ///
    /// # Panics
    /// Never: inputs are few.
    #[must_use]
    pub fn shader_defs(&self) -> ShaderDefs {
        let size = |name: &str, size: usize| {
            let size = u32::try_from(size).expect("inputs are few");
            (name.to_owned(), ShaderDef::UInt(size))
        };
        ShaderDefs::from([
            size("INPUTS", self.len()),
            size("DOCUMENT_INPUTS", self.document),
            size("LAYER_INPUTS", self.layers),
        ])
    }

    /// Writes the inputs that all candidates of a step share; `layers` is the state of the layers.
    #[inline(always)]
    pub fn begin<N: Number>(&self, offer: &mut dyn Offer<N>, layers: &[N], x: &mut [N]) {
        let (user, numbers) = x[self.document..].split_at_mut(self.user);
        offer.observe_user(user);
        numbers.copy_from_slice(&layers[..self.layers]);
    }

    /// Writes the observed features of the candidate that is looked at.
    #[inline(always)]
    pub fn look_at<N: Number>(&self, offer: &mut dyn Offer<N>, x: &mut [N]) {
        offer.observe_document(&mut x[..self.document]);
    }

    /// Returns the score of each candidate of a step, for code that runs on the host only.
    pub(super) fn scores(
        &self,
        offer: &mut dyn Offer<f64>,
        layers: &[f64],
        mut score: impl FnMut(&[f64]) -> f64,
    ) -> Vec<f64> {
        let mut x = vec![0.0; self.len()];
        self.begin(offer, layers, &mut x);
        let candidates = 0..offer.num_candidates();
        let scored = candidates.map(|candidate| {
            offer.look_at(ScalarWord(candidate));
            self.look_at(offer, &mut x);
            score(&x)
        });
        scored.collect()
    }

    /// Writes the observed features of a document of the slate.
    #[inline(always)]
    pub fn look_back_at<N: Number>(
        &self,
        feedback: &mut dyn Feedback<N>,
        position: usize,
        x: &mut [N],
    ) {
        for (feature, number) in x[..self.document].iter_mut().enumerate() {
            *number = feedback.feature(position, feature);
        }
    }
}
