//! The values of `--backend`.

use crate::backend::BackendChoice;
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Makes a parser for a command that accepts only some backends.
pub(crate) fn among(
    allowed: &'static [BackendChoice],
) -> impl TypedValueParser<Value = BackendChoice> {
    let names = allowed.iter().filter_map(BackendChoice::to_possible_value);
    PossibleValuesParser::new(names)
        .map(|name| <BackendChoice as ValueEnum>::from_str(&name, false).expect("one of the names"))
}
