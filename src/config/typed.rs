//! The types that the values of keys are read as.

use super::{Corpus, Value, Weights};

/// The words that a key allows: an enum declared by [`words!`](crate::words).
pub trait OneOf: Copy + 'static {
    /// All of them, in the order in which they are listed.
    const ALL: &'static [Self];
    /// Returns the word in configurations.
    fn word(self) -> &'static str;
    /// Returns all words.
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|value| value.word()).collect()
    }
    /// Finds the value of a word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// One of the words of a key, or a matrix instead of it.
#[derive(Clone, Debug, PartialEq)]
pub enum WordOrMatrix<T> {
    /// A word.
    Word(T),
    /// Rows of equal length.
    Matrix(Vec<Vec<f64>>),
}

/// A type that the value of a key can be read as.
pub trait FromValue: Sized {
    /// Reads the checked value of a key; `None` if it is of another type than the key was declared with.
    fn from_value(value: Option<&Value>) -> Option<Self>;
}

/// Implements reading for a kind of value, and for the same kind where the key may be left out.
macro_rules! from_value {
    ($($type:ty: $value:ident => $read:expr;)*) => {
        $(
            impl FromValue for $type {
                fn from_value(value: Option<&Value>) -> Option<Self> {
                    match value? {
                        Value::$value($value) => $read,
                        _ => None,
                    }
                }
            }
        )*
    };
}

#[allow(non_snake_case, reason = "each value is named as its kind")]
mod values {
    use super::*;

    from_value! {
        f64: Number => Some(*Number);
        u32: Integer => u32::try_from(*Integer).ok();
        u64: Integer => u64::try_from(*Integer).ok();
        bool: Boolean => Some(*Boolean);
        Vec<bool>: Booleans => Some(Booleans.clone());
        String: Text => Some(Text.clone());
        Vec<f64>: Numbers => Some(Numbers.clone());
        Vec<Vec<f64>>: Matrix => Some(Matrix.clone());
        Corpus: Corpus => Some(Corpus.clone());
        Weights: Weights => Some(Weights.clone());
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Option<&Value>) -> Option<Self> {
        match value {
            None => Some(None),
            given => T::from_value(given).map(Some),
        }
    }
}

impl<T: OneOf> FromValue for WordOrMatrix<T> {
    fn from_value(value: Option<&Value>) -> Option<Self> {
        match value? {
            Value::Text(word) => T::from_word(word).map(Self::Word),
            Value::Matrix(rows) => Some(Self::Matrix(rows.clone())),
            _ => None,
        }
    }
}
