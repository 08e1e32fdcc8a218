//! The values of `--backend`.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Names a backend, or leaves the choice to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendChoice {
    /// A GPU if there is one, else cpu
    Auto,
    /// wgpu; a software adapter where there is no other
    Gpu,
    /// All cores, f32
    Cpu,
    /// All cores, f64, one user at a time
    Reference,
}

impl BackendChoice {
    /// Makes a parser for a command that accepts only some backends.
    pub(crate) fn among(allowed: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let names = allowed.iter().filter_map(Self::to_possible_value);
        PossibleValuesParser::new(names)
            .map(|name| <Self as ValueEnum>::from_str(&name, false).expect("one of the names"))
    }
}
