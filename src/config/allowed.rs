//! The values that a key accepts, as data: the checker, the error texts and `slatesim list` all read it.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::Bounds;
use super::condition::Condition;

/// Describes one column of a corpus: a feature that every document must have, unless it is optional.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub(super) name: Cow<'static, str>,
    pub(super) bounds: Bounds,
    pub(super) whole: bool,
    pub(super) is_optional: bool,
    /// Whether it stands for a list of columns, `name[0]`, `name[1]` and so on.
    pub(super) is_list: bool,
    /// The condition under which the column exists, if there is one.
    pub(super) applies_when: Option<Condition>,
}

impl Column {
    const fn new(name: &'static str, bounds: Bounds, whole: bool, is_list: bool) -> Self {
        Self {
            name: Cow::Borrowed(name),
            bounds,
            whole,
            is_optional: false,
            is_list,
            applies_when: None,
        }
    }

    /// Declares a feature that is a number within `bounds`.
    #[must_use]
    pub const fn number(name: &'static str, bounds: Bounds) -> Self {
        Self::new(name, bounds, false, false)
    }

    /// Declares a feature that is an index: a whole number from 0, such as a topic.
    #[must_use]
    pub const fn index(name: &'static str) -> Self {
        // Above 2^24 single precision does not distinguish neighbouring indices.
        Self::new(name, Bounds::between(0.0, 16_777_216.0), true, false)
    }

    /// Declares a list of numbers within `bounds`, `name[0]`, `name[1]` and so on in a table. If there is a key
    /// `document.num_name` and it is not given, its value is the length of the list.
    #[must_use]
    pub const fn numbers(name: &'static str, bounds: Bounds) -> Self {
        Self::new(name, bounds, false, true)
    }

    /// Makes the column optional: a document without it has a drawn value.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// Restricts the column to configurations in which the key `other`, declared before the corpus, has the value `is`.
    #[must_use]
    pub fn applies_when(mut self, other: &'static str, is: impl Into<&'static str>) -> Self {
        let is = is.into();
        self.applies_when = Some(Condition { key: other, is });
        self
    }

    /// Tells whether this column, or one of its list, has this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        if !self.is_list {
            return self.name == name;
        }
        let index = name.strip_prefix(&*self.name);
        let index = index.and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'));
        index.is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Names the column or its list, for a sentence.
    pub(super) fn title(&self) -> String {
        let name = &self.name;
        match (self.is_list, self.is_optional) {
            (true, _) => format!("{name}[0], {name}[1], ..."),
            (false, true) => format!("{name} (may be left out)"),
            (false, false) => name.to_string(),
        }
    }

    /// Lists the columns that a table with these names is searched for: those of a list one by one, and optional ones only if
    /// the table has them.
    pub(super) fn asked_for<'a>(
        columns: &[Self],
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Vec<Self> {
        let of = |column: &Self| {
            let count = names.clone().filter(|name| column.is_called(name)).count();
            match (column.is_list, column.is_optional) {
                (false, true) if count == 0 => Vec::new(),
                (false, _) => vec![column.clone()],
                (true, _) => (0..count.max(1))
                    .map(|index| Self {
                        name: Cow::Owned(format!("{}[{index}]", column.name)),
                        is_list: false,
                        ..column.clone()
                    })
                    .collect(),
            }
        };
        columns.iter().flat_map(of).collect()
    }

    /// Lists the columns that it stands for among the fields of a document.
    pub(crate) fn names_among<'a>(&'a self, fields: &'a [String]) -> Vec<&'a str> {
        let called = fields.iter().map(String::as_str);
        let called: Vec<&str> = called.filter(|name| self.is_called(name)).collect();
        match called.is_empty() && !self.is_list {
            true => vec![&*self.name],
            false => called,
        }
    }

    /// Tells whether the column is optional.
    pub(crate) const fn may_lack(&self) -> bool {
        self.is_optional
    }

    /// Tells whether the column exists, given the values of the section's text keys.
    pub(crate) fn applies_under<'a>(&self, text_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.applies_when
            .is_none_or(|condition| text_of(condition.key) == Some(condition.is))
    }

    /// Returns the bounds of a number in this column.
    pub(crate) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Tells whether only whole numbers are allowed.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Tells whether `value` is allowed in this column.
    pub(super) fn accepts(&self, value: f64) -> bool {
        self.bounds.contains(value) && (!self.whole || value.fract() == 0.0)
    }

    /// Says what is allowed, for a number that single precision cannot hold.
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
            let [_, most] = self.bounds.ends();
            format!("a whole number from 0 to {most}")
        } else {
            self.bounds.to_string()
        }
    }
}

/// Describes the values that a key accepts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Allowed {
    /// A number; an integer is accepted as one.
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
    /// A list of truth values, at least one.
    Booleans,
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// Any text that is not empty.
    Text,
    /// A list of numbers, not empty; of exactly `length` where that is given.
    Numbers {
        /// The bounds of each number.
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
        /// The bounds of each number.
        bounds: Bounds,
    },
    /// Fixed documents with these columns: inline, or the path of a CSV file.
    Corpus(Vec<Column>),
    /// The weights of a policy: inline, or the path of a safetensors file.
    Weights,
}

impl Allowed {
    /// How far the sum of a distribution may lie from 1.
    pub(super) const DISTRIBUTION_TOLERANCE: f64 = 1e-6;
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
                let mut asked = columns.iter().filter(|column| !column.is_optional);
                if let (Some(one), None) = (asked.next().filter(|one| !one.is_list), asked.next()) {
                    let name = &one.name;
                    return write!(
                        f,
                        "one {name} a candidate: a list of numbers, or the path of a CSV or JSON file with the column {name}"
                    );
                }
                f.write_str("one document a candidate: a list of tables with the keys ")?;
                let mut condition = None;
                for (position, column) in columns.iter().enumerate() {
                    let separator = match (position, column.applies_when == condition) {
                        (0, _) => "",
                        (_, true) => ", ",
                        (_, false) => "; ",
                    };
                    f.write_str(separator)?;
                    if let Some(when) = column.applies_when.filter(|_| column.applies_when != condition) {
                        write!(f, "where {} = {:?}: ", when.key, when.is)?;
                    }
                    condition = column.applies_when;
                    f.write_str(&column.title())?;
                }
                f.write_str(", or the path of a CSV or JSON file with those columns")
            }
        }
    }
}

/// Adds the bounds of each number of a list.
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
                "a list of 3 numbers, each at least 0 and at most 1e12",
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
                 or the path of a CSV or JSON file with those columns",
            ),
        ];
        for (allowed, sentence) in sentences {
            assert_eq!(allowed.to_string(), sentence);
        }
    }
}
