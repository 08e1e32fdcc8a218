//! A value that a key can have, whether default or given.

use std::fmt;

use serde::{Serialize, Serializer};
use toml::Value as Toml;

use super::{Corpus, Weights};

/// The largest number up to which double precision has every integer.
const LARGEST_EXACT: u64 = 1 << 53;

/// Holds one checked value of the configuration.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A whole number; wide enough for any seed.
    Integer(i128),
    /// True or false.
    Boolean(bool),
    /// A list of truth values.
    Booleans(Vec<bool>),
    /// A name or other text.
    Text(String),
    /// A list of numbers.
    Numbers(Vec<f64>),
    /// Rows of equal length.
    Matrix(Vec<Vec<f64>>),
    /// Fixed documents.
    Corpus(Corpus),
    /// The weights of a policy.
    Weights(Weights),
}

impl Value {
    /// Rounds numbers, except whole ones, and weights, which are in single precision already.
    pub(super) fn in_single_precision(self) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "rounding to single precision is what this does"
        )]
        let round = |number: &mut f64| *number = f64::from(*number as f32);
        let mut value = self;
        match &mut value {
            Self::Number(number) => round(number),
            Self::Numbers(numbers) => numbers.iter_mut().for_each(round),
            Self::Matrix(rows) => rows.iter_mut().flatten().for_each(round),
            Self::Corpus(corpus) => {
                let columns = corpus.columns.iter_mut();
                columns.flat_map(|(_, values)| values).for_each(round);
            }
            Self::Integer(_)
            | Self::Boolean(_)
            | Self::Booleans(_)
            | Self::Text(_)
            | Self::Weights(_) => {}
        }
        value
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&[f64]> for Value {
    fn from(value: &[f64]) -> Self {
        Self::Numbers(value.to_vec())
    }
}

impl<const N: usize> From<[f64; N]> for Value {
    fn from(value: [f64; N]) -> Self {
        Self::Numbers(value.to_vec())
    }
}

impl From<Vec<Vec<f64>>> for Value {
    fn from(value: Vec<Vec<f64>>) -> Self {
        Self::Matrix(value)
    }
}

impl<const R: usize, const C: usize> From<[[f64; C]; R]> for Value {
    fn from(value: [[f64; C]; R]) -> Self {
        Self::Matrix(value.iter().map(|row| row.to_vec()).collect())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(value) => serializer.serialize_f64(*value),
            // Not every program that reads JSON has integers above 2^53, and TOML has none above 2^63 - 1.
            Self::Integer(value) => match i64::try_from(*value) {
                Ok(small) if small.unsigned_abs() <= LARGEST_EXACT => {
                    serializer.serialize_i64(small)
                }
                _ => serializer.collect_str(value),
            },
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Booleans(values) => values.serialize(serializer),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Numbers(values) => values.serialize(serializer),
            Self::Matrix(rows) => rows.serialize(serializer),
            Self::Corpus(corpus) => corpus.serialize(serializer),
            Self::Weights(weights) => weights.serialize(serializer),
        }
    }
}

impl fmt::Display for Value {
    /// Writes the value as it stands in a configuration file; a corpus is only summarised.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Booleans(values) => write!(f, "{values:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Numbers(values) => write!(f, "{values:?}"),
            Self::Matrix(rows) => write!(f, "{rows:?}"),
            Self::Corpus(corpus) => write!(f, "a corpus of {} documents", corpus.rows),
            Self::Weights(weights) => write!(f, "{weights}"),
        }
    }
}

/// Reads a number; an integer is accepted as one.
pub(super) fn number(value: &Toml) -> Option<f64> {
    match value {
        Toml::Float(number) => Some(*number),
        #[allow(
            clippy::cast_precision_loss,
            reason = "beyond 2^53 the nearest number is meant"
        )]
        Toml::Integer(integer) => Some(*integer as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_a_double_does_not_hold_serialize_as_texts() {
        for (integer, written) in [
            (u64::MAX.into(), "\"18446744073709551615\""),
            ((1 << 53) + 1, "\"9007199254740993\""),
            (1 << 53, "9007199254740992"),
            (-7, "-7"),
        ] {
            let value = Value::Integer(integer);
            assert_eq!(serde_json::to_string(&value).unwrap(), written);
        }
    }
}
