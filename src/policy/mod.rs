//! Policies: which documents, in which order, a user is shown.
//!
//! A policy is a pair of twins: a type here and `shaders/policy/<name>.wgsl`. To add one, write the two files and its
//! line in the list below.

pub mod greedy;
pub mod random;
pub mod r#static;
pub mod table;

use crate::config::{ConfigError, Entry, Settings};
use crate::environment::Outline;
use crate::exact::FiniteModel;
use crate::number::Number;
use crate::rng::Stream;
use crate::shader::{ShaderDefs, ShaderSource};
use std::fmt::Debug;

/// What a policy sees of one step.
pub trait Offer<N: Number> {
    /// Returns how many candidates there are.
    fn num_candidates(&self) -> u32;
    /// Returns an observable feature of a candidate; features are numbered as
    /// [`Outline::document`](crate::environment::Outline::document) lists them.
    fn feature(&mut self, candidate: N::Word, feature: usize) -> N;
    /// Returns a number that is observed of the user, numbered as
    /// [`Outline::user`](crate::environment::Outline::user) lists them.
    fn user(&mut self, number: usize) -> N;
}

/// Memory that a policy may use within one call, so that it need not allocate.
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
    /// not look at the rest; what it writes to a position must not depend on how many follow.
    /// `stream` names the draws of the step and `first_word` is the policy's word 0.
    fn recommend(
        &self,
        offer: &mut impl Offer<N>,
        stream: &Stream<N::Word>,
        first_word: N::Word,
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    );
}

/// What a policy is made for.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Sizes and observables of the environment.
    pub outline: &'a Outline,
    /// How many documents are offered at a step.
    pub num_candidates: u32,
    /// How many of them are shown.
    pub slate_size: u32,
    /// Returns the environment as a finite model, if it is one.
    pub finite_model: &'a dyn Fn() -> Option<FiniteModel>,
}

impl Debug for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("outline", self.outline)
            .field("num_candidates", &self.num_candidates)
            .field("slate_size", &self.slate_size)
            .finish_non_exhaustive()
    }
}

/// A policy with its parameters: what makes its WGSL twin, and is its host twin.
pub trait PolicyDefinition: Sized {
    /// Names the policy and declares its configuration keys.
    fn entry() -> Entry;
    /// Makes the policy from checked settings, for an environment.
    ///
    /// # Errors
    /// [`ConfigError`] if the environment cannot feed the policy.
    fn new(settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError>;
    /// Returns the WGSL twin.
    fn shader(&self) -> ShaderSource;
    /// Returns what the WGSL twin is specialised by, besides its sizes.
    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::new()
    }
    /// Returns the numbers that the WGSL twin reads with `slatesim::tables::policy_table(index)`.
    fn tables(&self) -> Vec<f64> {
        Vec::new()
    }
}

/// Declares the policies: name of the file, name of the variant and of the type.
macro_rules! policies {
    ($($(#[$attribute:meta])* $module:ident :: $variant:ident),+ $(,)?) => {
        /// A policy with its parameters, and its host twin: a policy's twins hold no numbers of the twin's type.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum PolicyModel {
            $($(#[$attribute])* $variant($module::$variant),)+
        }

        /// Lists the policies with their configuration keys.
        pub fn entries() -> Vec<Entry> {
            vec![$($module::$variant::entry()),+]
        }

        impl PolicyModel {
            /// Makes a policy from checked settings, for an environment.
            ///
            /// # Errors
            /// [`ConfigError`] if the environment cannot feed the policy.
            pub fn new(name: &str, settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError> {
                $(if name == $module::$variant::entry().name {
                    return Ok(Self::$variant($module::$variant::new(settings, target)?));
                })+
                unreachable!("the catalogue has no policy {name}")
            }

            /// Returns the name in configurations.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $module::$variant::entry().name,)+ }
            }

            /// See [`PolicyDefinition::shader`].
            pub fn shader(&self) -> ShaderSource {
                match self { $(Self::$variant(policy) => policy.shader(),)+ }
            }

            /// See [`PolicyDefinition::shader_defs`].
            pub fn shader_defs(&self) -> ShaderDefs {
                match self { $(Self::$variant(policy) => policy.shader_defs(),)+ }
            }

            /// See [`PolicyDefinition::tables`].
            pub fn tables(&self) -> Vec<f64> {
                match self { $(Self::$variant(policy) => policy.tables(),)+ }
            }
        }

        impl<N: Number> Policy<N> for PolicyModel {
            #[inline(always)]
            fn recommend(
                &self,
                offer: &mut impl Offer<N>,
                stream: &Stream<N::Word>,
                first_word: N::Word,
                scratch: &mut Scratch<N>,
                slate: &mut [N::Word],
            ) {
                match self { $(Self::$variant(policy) => policy.recommend(offer, stream, first_word, scratch, slate),)+ }
            }
        }
    };
}

policies! {
    /// See [`random`].
    random::Random,
    /// See [`static`](mod@static).
    r#static::Static,
    /// See [`greedy`].
    greedy::Greedy,
    /// See [`table`].
    table::Table,
}
