//! Choice models: which document of the slate a user clicks, if any.
//!
//! A choice model is a pair of twins: a type here and `shaders/choice/<name>.wgsl`. To add one, write the two files and
//! its line in [`ChoiceModel`].

pub mod first;
pub mod multinomial_logit;

use crate::number::Number;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use std::fmt::Debug;

/// The host twin of a choice model.
pub trait Choice<N: Number>: Debug + Send + Sync {
    /// Chooses a position of the slate from the scores of its documents and one uniform draw.
    ///
    /// Returns the position, or `scores.len()` where nothing is clicked.
    fn choose(&self, scores: &[N], uniform: N) -> N::Word;
}

/// A choice model with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChoiceModel {
    /// The first document of the slate, always.
    First,
    /// A softmax over the scores.
    MultinomialLogit {
        /// The logit of choosing nothing; `None`: something is always chosen.
        no_click_mass: Option<f64>,
    },
}

impl ChoiceModel {
    /// Returns the name in configurations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::First => "first",
            Self::MultinomialLogit { .. } => "multinomial_logit",
        }
    }

    /// Returns how many documents of a slate the user looks at; further ones have no influence on the choice.
    pub fn num_considered(&self, slate_size: u32) -> u32 {
        match self {
            Self::First => 1,
            Self::MultinomialLogit { .. } => slate_size,
        }
    }

    /// Tells whether scores matter.
    pub fn needs_scores(&self) -> bool {
        !matches!(self, Self::First)
    }

    /// Makes the host twin.
    pub fn twin<N: Number>(&self) -> ChoiceTwin<N> {
        match *self {
            Self::First => ChoiceTwin::First(first::First),
            Self::MultinomialLogit { no_click_mass } => {
                ChoiceTwin::MultinomialLogit(multinomial_logit::MultinomialLogit {
                    no_click_mass: no_click_mass.map(N::splat),
                })
            }
        }
    }

    /// Returns the numbers of the WGSL twin's `struct Parameters`, in its order.
    pub fn parameters(&self) -> Vec<f64> {
        match *self {
            Self::First => vec![0.0],
            Self::MultinomialLogit { no_click_mass } => vec![no_click_mass.unwrap_or(0.0)],
        }
    }

    /// Returns the WGSL twin.
    pub fn shader(&self) -> ShaderSource {
        match self {
            Self::First => embedded!("choice", "choice/first.wgsl"),
            Self::MultinomialLogit { .. } => embedded!("choice", "choice/multinomial_logit.wgsl"),
        }
    }

    /// Returns what the WGSL twin is specialised by, besides its sizes.
    pub fn shader_defs(&self) -> ShaderDefs {
        let has_no_click = matches!(
            self,
            Self::MultinomialLogit {
                no_click_mass: Some(_)
            }
        );
        ShaderDefs::from([("HAS_NO_CLICK".to_owned(), ShaderDef::Bool(has_no_click))])
    }
}

/// The host twin of any choice model.
#[derive(Clone, Copy, Debug)]
pub enum ChoiceTwin<N> {
    /// See [`first`].
    First(first::First),
    /// See [`multinomial_logit`].
    MultinomialLogit(multinomial_logit::MultinomialLogit<N>),
}

impl<N: Number> Choice<N> for ChoiceTwin<N> {
    #[inline(always)]
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        match self {
            Self::First(model) => model.choose(scores, uniform),
            Self::MultinomialLogit(model) => model.choose(scores, uniform),
        }
    }
}
