//! Everything that one needs to write an environment, a choice model, a policy or a layer, in one module.
//!
//! ```
//! use slatesim::authoring::*;
//! ```
//!
//! The tutorial is `docs/authoring.md`; `examples/custom_environment.rs`, `examples/custom_choice_model.rs` and
//! `examples/custom_policy.rs` are whole programs.

pub use crate::choice::first::First;
pub use crate::choice::{Choice, ChoiceDefinition, ChoiceModel, Choices, Scores};
pub use crate::config::{
    Bounds, ChoiceModels, Column, ConfigError, Corpus, Entry, Key, OneOf, Settings, Weights,
    WordOrMatrix,
};
pub use crate::distribution::{
    bounded_integer, categorical, cumulative, fine_uniform, inverse_normal, log_normal,
    normal_pair, normal_probability, truncated_normal, uniform,
};
pub use crate::environment::{
    Definition, Environment, Field, Fields, Kind, Observable, Outline, RandomWords,
};
pub use crate::number::{Mask, Number, Word};
pub use crate::policy::layer::{Layer, LayerDefinition, LayerModel, layer_words};
pub use crate::policy::sorting::By;
pub use crate::policy::{
    Draws, Feedback, Offer, Policy, PolicyContext, PolicyDefinition, PolicyModel, Propensity,
    Scratch,
};
pub use crate::registry::Registry;
pub use crate::shader::{ShaderDef, ShaderDefs, ShaderSource};
pub use crate::specimen::{Figure, Specimen};
pub use crate::{keys, parameters, twin_struct, words};
