//! What a key accepts, as data: the checker, the error texts and `slatesim list` all read it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Bounds;

/// Describes one column of a corpus: a feature that every document must be given.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub(super) name: &'static str,
    pub(super) bounds: Bounds,
    pub(super) whole: bool,
}

impl Column {
    /// Declares a feature that is a number within `bounds`.
    #[must_use]
    pub const fn number(name: &'static str, bounds: Bounds) -> Self {
        Self {
            name,
            bounds,
            whole: false,
        }
    }

    /// Declares a feature that is an index: a whole number from 0, such as a topic.
    #[must_use]
    pub const fn index(name: &'static str) -> Self {
        Self {
            name,
            // Above 2^24 neighbouring indices are one and the same f32.
            bounds: Bounds::between(0.0, 16_777_216.0),
            whole: true,
        }
    }

    /// Returns the name.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns where a number of this column must lie.
    pub(crate) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Tells whether only whole numbers are allowed.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Tells whether a document may have `value` in this column.
    pub(super) fn accepts(&self, value: f64) -> bool {
        self.bounds.contains(value) && (!self.whole || value.fract() == 0.0)
    }

    /// Says what is allowed where single precision cannot hold a number.
    pub(super) fn sentence_of_too_large(&self) -> String {
        match (self.whole, self.bounds.phrase()) {
            (true, _) => self.sentence(),
            (false, Some(phrase)) => format!("a number {phrase}, of at most 3.4e38 in size"),
            (false, None) => {
                "a number of at most 3.4e38 in size, which is the most that single precision holds"
                    .to_owned()
            }
        }
    }

    /// Says what is allowed.
    pub(super) fn sentence(&self) -> String {
        if self.whole {
            "a whole number from 0".to_owned()
        } else {
            self.bounds.to_string()
        }
    }
}

/// Lists what a key may be set to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Allowed {
    /// A number; an integer is taken for one.
    Number(Bounds),
    /// A whole number, both ends included; `5.0` is not one.
    Integer {
        /// The smallest allowed.
        min: i128,
        /// The largest allowed.
        max: i128,
    },
    /// True or false.
    Boolean,
    /// Switches, at least one.
    Booleans,
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// Any text that is not empty.
    Text,
    /// A list of numbers, not empty; of exactly `length` where that is given.
    Numbers {
        /// Where each of them must lie.
        bounds: Bounds,
        /// How many there must be.
        length: Option<usize>,
    },
    /// A list of probabilities, not empty, whose sum is 1 within 1e-6.
    Distribution,
    /// Rows of numbers, not empty, of equal length.
    Matrix(Bounds),
    /// One of these words, or rows of numbers as of a matrix.
    OneOfOrMatrix {
        /// The words.
        words: Vec<&'static str>,
        /// Where each number must lie.
        bounds: Bounds,
    },
    /// Fixed documents with these columns: inline, or the path of a CSV file.
    Corpus(Vec<Column>),
    /// The weights of a policy: inline, or the path of a safetensors file.
    Weights,
}

impl Allowed {
    /// How far the sum of a distribution may lie from 1.
    pub const DISTRIBUTION_TOLERANCE: f64 = 1e-6;
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(bounds) => bounds.fmt(f),
            Self::Integer { min, max } => write!(f, "an integer from {min} to {max}"),
            Self::Boolean => f.write_str("true or false"),
            Self::Booleans => f.write_str("a list of true and false"),
            Self::OneOf(words) => {
                f.write_str(if words.len() == 1 { "only " } else { "one of " })?;
                for (position, word) in words.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}{word:?}")?;
                }
                Ok(())
            }
            Self::OneOfOrMatrix { words, bounds } => {
                write!(
                    f,
                    "{}, or {}",
                    Self::OneOf(words.clone()),
                    Self::Matrix(*bounds)
                )
            }
            Self::Text => f.write_str("a text that is not empty"),
            Self::Numbers { bounds, length } => {
                f.write_str("a list of ")?;
                if let Some(length) = length {
                    write!(f, "{length} ")?;
                }
                f.write_str("numbers")?;
                each(f, bounds)
            }
            Self::Distribution => write!(
                f,
                "a list of probabilities that sum to 1 (within {:e})",
                Self::DISTRIBUTION_TOLERANCE
            ),
            Self::Matrix(bounds) => {
                f.write_str("a matrix: a list of rows, lists of numbers of equal length")?;
                each(f, bounds)
            }
            Self::Weights => f.write_str(
                "the path of a safetensors file, a list of numbers, or a list of layers, each a list of units, each a list of \
                 weights and a bias",
            ),
            Self::Corpus(columns) => {
                let names = columns.iter().map(|column| column.name);
                let names = names.collect::<Vec<_>>().join(", ");
                if columns.len() == 1 {
                    write!(
                        f,
                        "one {names} a candidate: a list of numbers, or the path of a CSV file with the column {names}"
                    )
                } else {
                    write!(
                        f,
                        "one document a candidate: a list of tables with the keys {names}, \
                         or the path of a CSV file with those columns"
                    )
                }
            }
        }
    }
}

/// Adds what holds for each number of a list.
fn each(f: &mut fmt::Formatter<'_>, bounds: &Bounds) -> fmt::Result {
    match bounds.phrase() {
        Some(phrase) => write!(f, ", each {phrase}"),
        None => Ok(()),
    }
}

impl Serialize for Allowed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_as_a_sentence() {
        let sentences = [
            (
                Allowed::Number(Bounds::UNIT),
                "a number at least 0 and at most 1",
            ),
            (
                Allowed::Integer { min: 1, max: 9 },
                "an integer from 1 to 9",
            ),
            (Allowed::Boolean, "true or false"),
            (Allowed::Booleans, "a list of true and false"),
            (Allowed::OneOf(vec!["max", "min"]), r#"one of "max", "min""#),
            (Allowed::OneOf(vec!["first"]), r#"only "first""#),
            (
                Allowed::Numbers {
                    bounds: Bounds::NON_NEGATIVE,
                    length: Some(3),
                },
                "a list of 3 numbers, each at least 0",
            ),
            (
                Allowed::Distribution,
                "a list of probabilities that sum to 1 (within 1e-6)",
            ),
            (
                Allowed::Matrix(Bounds::FINITE),
                "a matrix: a list of rows, lists of numbers of equal length",
            ),
            (
                Allowed::OneOfOrMatrix {
                    words: vec!["optimal"],
                    bounds: Bounds::FINITE,
                },
                r#"only "optimal", or a matrix: a list of rows, lists of numbers of equal length"#,
            ),
            (
                Allowed::Corpus(vec![
                    Column::index("cluster_id"),
                    Column::number("quality", Bounds::FINITE),
                ]),
                "one document a candidate: a list of tables with the keys cluster_id, quality, \
                 or the path of a CSV file with those columns",
            ),
        ];
        for (allowed, sentence) in sentences {
            assert_eq!(allowed.to_string(), sentence);
        }
    }
}
