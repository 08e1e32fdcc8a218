//! Policies: which documents, in which order, a user is shown.
//!
//! A policy is a pair of twins: a type here and `shaders/policy/<name>.wgsl`. To add one, write the two files and its
//! line in the list below.

pub mod greedy;
pub mod random;
pub mod r#static;

use crate::config::{ConfigError, Entry, Settings};
use crate::environment::Outline;
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

/// Declares the policies: name of the file, name of the variant and of the type, of its definition.
macro_rules! policies {
    ($($(#[$attribute:meta])* $module:ident :: $variant:ident),+ $(,)?) => {
        /// A policy with its parameters, and its host twin: a policy's twins hold no numbers of the twin's type.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum PolicyModel {
            $($(#[$attribute])* $variant($module::$variant),)+
        }

        /// Lists the policies with their configuration keys.
        pub fn entries() -> Vec<Entry> {
            vec![$(Entry::policy($module::NAME, $module::ABOUT, $module::keys())),+]
        }

        impl PolicyModel {
            /// Makes a policy from checked settings, for an environment.
            ///
            /// # Errors
            /// [`ConfigError`] if the environment cannot feed the policy.
            pub fn new(name: &str, settings: &Settings, outline: &Outline) -> Result<Self, ConfigError> {
                $(if name == $module::NAME {
                    return Ok(Self::$variant($module::$variant::new(settings, outline)?));
                })+
                unreachable!("the catalogue has no policy {name}")
            }

            /// Returns the name in configurations.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $module::NAME,)+ }
            }

            /// Returns the WGSL twin.
            pub fn shader(&self) -> ShaderSource {
                match self { $(Self::$variant(_) => $module::shader(),)+ }
            }

            /// Returns what the WGSL twin is specialised by, besides its sizes.
            pub fn shader_defs(&self) -> ShaderDefs {
                match self { $(Self::$variant(policy) => policy.shader_defs(),)+ }
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
}
