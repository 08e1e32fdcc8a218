//! Policies: they choose which documents a user is shown, and in which order.
//!
//! A policy is a pair of twins: a type here and `shaders/policy/<name>.wgsl`. To add one, write the two files, and register it:
//! [`Registry::with_policy`](crate::registry::Registry::with_policy). [Layers](layer) go around any policy.
//!
//! A policy may learn within an episode: it then has a state of some numbers for each user, all zero at the start, which
//! [`Policy::observe`] updates after each step. Nothing is learned across episodes, so that an episode stays a pure
//! function of the seed and its index.

pub mod activation;
pub mod cluster_bandit;
pub mod dense;
pub mod glm_thompson;
pub mod glm_ucb;
pub mod greedy;
pub mod greedy_pctr;
pub mod inputs;
pub mod layer;
mod layered;
pub mod linear_softmax;
pub mod linear_thompson;
pub mod linear_ucb;
#[cfg(test)]
pub(crate) mod listed;
pub mod logistic;
pub mod mlp;
mod model;
pub mod posterior;
pub mod propensity;
pub mod random;
pub mod ranking;
pub mod ridge;
pub mod scoring;
pub mod shuffle;
pub mod sorting;
pub mod r#static;
pub mod table;

pub use layered::{Layered, LayeredTwin};
pub use model::PolicyModel;
pub use propensity::Propensity;

use layer::LayerModel;

use crate::config::{ConfigError, Entry, Settings};
use crate::environment::Outline;
use crate::exact::FiniteModel;
use crate::number::Number;
use crate::rng::{PolicyWords, Stream};
use crate::shader::{ShaderDefs, ShaderSource};
use crate::specimen::Specimen;
use std::fmt::Debug;

/// What a policy sees of one step before it recommends.
///
/// Documents are made when they are looked at, one at a time: a policy that does not look at all candidates does not pay
/// for them.
pub trait Offer<N: Number> {
    /// Returns how many candidates there are.
    fn num_candidates(&self) -> u32;
    /// Returns a number that is observed of the user, numbered as
    /// [`Outline::user`](crate::environment::Outline::user) lists them.
    fn user(&mut self, number: usize) -> N;
    /// Selects the candidate that the functions below describe.
    fn look_at(&mut self, candidate: N::Word);
    /// Returns an observable feature, numbered as
    /// [`Outline::document`](crate::environment::Outline::document) lists them.
    fn feature(&mut self, feature: usize) -> N;
    /// Returns the topic, where documents have one.
    fn topic(&mut self) -> N::Word;
    /// Returns the quality, where documents have one, observed or not.
    fn quality(&mut self) -> N;
    /// Returns the score that the user gives, which only an oracle knows unless the whole state of the user is observed.
    fn score(&mut self) -> N;
    /// Returns the score that the user whom the policy [assumes](PolicyDefinition::belief) gives.
    fn believed_score(&mut self) -> N;
    /// Writes all observable features of the candidate, as [`Offer::feature`] numbers them.
    fn observe_document(&mut self, observation: &mut [N]) {
        for (feature, number) in observation.iter_mut().enumerate() {
            *number = self.feature(feature);
        }
    }
    /// Writes all that is observed of the user, as [`Offer::user`] numbers it.
    fn observe_user(&mut self, observation: &mut [N]) {
        for (index, number) in observation.iter_mut().enumerate() {
            *number = self.user(index);
        }
    }
}

/// What a policy sees of one step after it.
pub trait Feedback<N: Number> {
    /// Returns how many documents were shown.
    fn num_shown(&self) -> usize;
    /// Returns how many of them, from the first position on, the user has examined.
    fn num_considered(&self) -> usize;
    /// Returns the topic of a document of the slate, where documents have one.
    fn topic(&mut self, position: usize) -> N::Word;
    /// Returns an observable feature of a document of the slate.
    fn feature(&mut self, position: usize, feature: usize) -> N;
    /// Tells whether the document was clicked.
    fn is_clicked(&self, position: usize) -> N::Mask;
    /// Writes what is observed of the response to a document of the slate, as
    /// [`Outline::response`](crate::environment::Outline::response) lists it.
    fn observe_response(&mut self, position: usize, observation: &mut [N]);
    /// Returns the reward of the step.
    fn reward(&self) -> N;
    /// Returns what layers have subtracted for the slate so far.
    fn penalty(&self) -> N;
    /// Subtracts a cost of the slate from the reward that layers further inside and the policy see. The rewards that a run
    /// reports do not change.
    fn penalise(&mut self, cost: N);
    /// Returns what a document of the slate has earned: the reward if it was clicked, less the penalty.
    fn earned(&self, position: usize) -> N {
        N::select(self.is_clicked(position), self.reward(), N::splat(0.0)) - self.penalty()
    }
}

/// The draws of one step, for a policy.
#[derive(Clone, Copy, Debug)]
pub struct Draws<W> {
    /// The random stream of the step.
    pub stream: Stream<W>,
    /// The policy's word 0, which lies in the step's own block.
    pub first_word: W,
}

impl<W: crate::number::Word> Draws<W> {
    /// Starts reading the policy's words, which are asked for in order.
    #[inline(always)]
    pub fn words(&self) -> PolicyWords<W> {
        PolicyWords::new(self.stream, self.first_word)
    }
}

/// Memory that a policy may use within one call, so that it does not allocate.
#[derive(Clone, Debug)]
pub struct Scratch<N: Number> {
    /// Numbers.
    pub numbers: Vec<N>,
    /// Words.
    pub words: Vec<N::Word>,
}

impl<N: Number> Default for Scratch<N> {
    fn default() -> Self {
        Self {
            numbers: Vec::new(),
            words: Vec::new(),
        }
    }
}

/// The host twin of a policy.
pub trait Policy<N: Number>: Debug + Send + Sync {
    /// Recommends candidates, the first position first.
    ///
    /// A policy fills the whole of `slate`, which may be shorter than the slate of the environment where the user does
    /// not look at the rest; what it writes to a position must not depend on how many follow. `state` begins with
    /// [`PolicyDefinition::state_size`] numbers of the policy's own, which it may change; the layers' follow.
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    );

    /// Learns from a step; needed only where there is a state.
    fn observe(
        &self,
        _feedback: &mut dyn Feedback<N>,
        _scratch: &mut Scratch<N>,
        _state: &mut [N],
    ) {
    }
}

/// What a policy can know of the simulation when it is made.
#[derive(Clone, Copy)]
pub struct PolicyContext<'a> {
    /// Sizes and observables of the environment.
    pub outline: &'a Outline,
    /// How many documents are offered at a step.
    pub num_candidates: u32,
    /// How many of them are shown.
    pub slate_size: u32,
    /// Returns the environment as a finite model, if it is one.
    pub finite_model: &'a dyn Fn() -> Option<FiniteModel>,
    /// The fields of the average user, where the environment has one.
    pub average_user: Option<&'a [f64]>,
    /// Describes what is wrong with the fields of a user, if they are no state of the environment.
    pub misfit_of_user: &'a dyn Fn(&[f64]) -> Option<String>,
    /// How many fields a user has.
    pub num_user_fields: usize,
    /// Whether the documents are the same at every step.
    pub has_fixed_documents: bool,
    /// How many numbers of the layers the policy can read; 0 while the layers themselves are made.
    pub num_layer_numbers: usize,
}

impl Debug for PolicyContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyContext")
            .field("outline", self.outline)
            .field("num_candidates", &self.num_candidates)
            .field("slate_size", &self.slate_size)
            .finish_non_exhaustive()
    }
}

/// A policy with its parameters: has the WGSL twin, and makes the host twin.
///
/// `docs/authoring.md` shows how to write one; `examples/custom_policy.rs` is a whole program.
pub trait PolicyDefinition: Debug + Sized + Send + Sync + 'static {
    /// The host twin; mostly the definition itself.
    type Twin<N: Number>: Policy<N> + 'static;
    /// Makes the host twin for a number type.
    fn twin<N: Number>(&self) -> Self::Twin<N>;
    /// Names the policy and declares its configuration keys.
    fn entry() -> Entry;
    /// Lists settings under which the policy is checked: at least one for each of its forms.
    fn specimens() -> Vec<Specimen> {
        Vec::new()
    }
    /// Makes the policy from checked settings, for an environment.
    ///
    /// # Errors
    /// [`ConfigError`] if the environment does not have what the policy needs.
    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError>;
    /// Returns the WGSL twin.
    fn shader(&self) -> ShaderSource;
    /// Returns the definitions that the WGSL twin is specialised by, besides its sizes.
    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::new()
    }
    /// Returns the numbers that the WGSL twin reads with `slatesim::tables::policy_table(index)`.
    fn tables(&self) -> Vec<f64> {
        Vec::new()
    }
    /// Returns how many numbers the policy remembers of a user; 0 where it does not learn.
    fn state_size(&self) -> usize {
        0
    }
    /// Returns the layer that the policy needs to read, if any; its state follows the policy's own.
    fn needed_layer(&self) -> Option<LayerModel> {
        None
    }
    /// Tells whether the slate is a function of what is observed and remembered, without a draw.
    fn is_deterministic(&self) -> bool {
        false
    }
    /// Returns the probability of showing `slate` for this offer. Without a closed form it is known only for slates that are
    /// not drawn.
    ///
    /// `state` is the state that [`Policy::recommend`] reads, and `own` the slate that it recommends with the draws of the
    /// step. If `slate` is shorter than the environment's slates, the result is the probability that the slate begins with it.
    fn propensity(
        &self,
        _offer: &mut dyn Offer<f64>,
        _state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        if self.is_deterministic() {
            Propensity::Certain(own == slate)
        } else {
            Propensity::Unknown
        }
    }
    /// Returns the fields of the user that the policy assumes, if it scores documents for one.
    fn belief(&self) -> Option<&[f64]> {
        None
    }
}
