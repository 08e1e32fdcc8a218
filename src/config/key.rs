//! One parameter, declared: its name, default, what is allowed, and what it does.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::condition::Condition;
use super::{Allowed, Bounds, Column, Corpus, OneOf, Value, Weights, WordOrMatrix};

/// Declares one parameter of an environment, a choice model, a policy or a layer.
///
/// The name is relative to the section and dotted: `user.sensitivity` of an environment is
/// `environment.user.sensitivity` in a file. Models declare their keys as the fields of a struct, by
/// [`keys!`](crate::keys) and [`parameters!`](crate::parameters): `T` is the type of the field.
#[derive(Debug, Clone, PartialEq)]
pub struct Key<T = AnyType> {
    pub(super) name: &'static str,
    pub(super) default: Option<Value>,
    pub(super) required: bool,
    pub(super) default_when: Vec<(Condition, Value)>,
    pub(super) applies_when: Vec<Condition>,
    pub(super) allowed: Allowed,
    pub(super) about: &'static str,
    pub(super) unit: Option<&'static str>,
    pub(super) source: Option<Cow<'static, str>>,
    pub(super) type_: PhantomData<fn() -> T>,
}

/// Marks a key in a list of keys of all types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnyType;

impl<T> Key<T> {
    fn new(name: &'static str, default: Option<Value>, allowed: Allowed) -> Self {
        Self {
            name,
            default,
            required: false,
            default_when: Vec::new(),
            applies_when: Vec::new(),
            allowed,
            about: "",
            unit: None,
            source: None,
            type_: PhantomData,
        }
    }

    /// Drops the type of the value, so that keys of all types fit into one list.
    #[must_use]
    pub fn of_any_type(self) -> Key {
        Key {
            name: self.name,
            default: self.default,
            required: self.required,
            default_when: self.default_when,
            applies_when: self.applies_when,
            allowed: self.allowed,
            about: self.about,
            unit: self.unit,
            source: self.source,
            type_: PhantomData,
        }
    }
}

impl Key<f64> {
    /// Declares a number within `bounds`.
    #[must_use]
    pub fn number(name: &'static str, default: f64, bounds: Bounds) -> Self {
        Self::new(name, Some(default.into()), Allowed::Number(bounds))
    }

    /// Declares a number that is not negative: a standard deviation, a mass.
    #[must_use]
    pub fn non_negative(name: &'static str, default: f64) -> Self {
        Self::number(name, default, Bounds::NON_NEGATIVE)
    }

    /// Declares a number above zero: a length, a budget.
    #[must_use]
    pub fn positive(name: &'static str, default: f64) -> Self {
        Self::number(name, default, Bounds::POSITIVE)
    }

    /// Declares a number from 0 to 1.
    #[must_use]
    pub fn probability(name: &'static str, default: f64) -> Self {
        Self::number(name, default, Bounds::PROBABILITY)
    }
}

impl Key<Option<f64>> {
    /// Declares a number that may be left out.
    #[must_use]
    pub fn optional_number(name: &'static str, bounds: Bounds) -> Self {
        Self::new(name, None, Allowed::Number(bounds))
    }
}

impl Key<u32> {
    /// Declares a whole number from `min` to `max`, both included.
    #[must_use]
    pub fn integer(name: &'static str, default: u32, min: u32, max: u32) -> Self {
        let allowed = Allowed::Integer {
            min: min.into(),
            max: max.into(),
        };
        Self::new(name, Some(i64::from(default).into()), allowed)
    }

    /// Declares a whole number that counts something, from `min`.
    ///
    /// The largest is 2^31 - 1, so that a count and every index below it are also an `i32`.
    #[must_use]
    pub fn count(name: &'static str, default: u32, min: u32) -> Self {
        Self::integer(name, default, min, i32::MAX.unsigned_abs())
    }
}

impl Key<Option<u32>> {
    /// Declares a whole number from `min` to `max` that may be left out.
    #[must_use]
    pub fn optional_integer(name: &'static str, min: u32, max: u32) -> Self {
        let allowed = Allowed::Integer {
            min: min.into(),
            max: max.into(),
        };
        Self::new(name, None, allowed)
    }
}

impl Key<u64> {
    /// Declares a whole number of 64 bits without sign, from `min` to `max`.
    pub(super) fn unsigned(name: &'static str, default: u64, min: u64, max: u64) -> Self {
        let allowed = Allowed::Integer {
            min: min.into(),
            max: max.into(),
        };
        Self::new(name, Some(Value::Integer(default.into())), allowed)
    }
}

impl Key<Option<u64>> {
    /// Declares a whole number of 64 bits without sign that may be left out, from `min` to `max`.
    pub(super) fn optional_unsigned(name: &'static str, min: u64, max: u64) -> Self {
        let allowed = Allowed::Integer {
            min: min.into(),
            max: max.into(),
        };
        Self::new(name, None, allowed)
    }
}

impl Key<bool> {
    /// Declares a switch.
    #[must_use]
    pub fn boolean(name: &'static str, default: bool) -> Self {
        Self::new(name, Some(default.into()), Allowed::Boolean)
    }
}

impl Key<Option<Vec<bool>>> {
    /// Declares a list of switches that may be left out.
    #[must_use]
    pub fn optional_booleans(name: &'static str) -> Self {
        Self::new(name, None, Allowed::Booleans)
    }
}

impl<T: OneOf> Key<T> {
    /// Declares a choice among the words of an enum.
    #[must_use]
    pub fn one_of(name: &'static str, default: T) -> Self {
        let allowed = Allowed::OneOf(T::words());
        Self::new(name, Some(default.word().into()), allowed)
    }
}

impl<T: OneOf> Key<WordOrMatrix<T>> {
    /// Declares a choice among the words of an enum, or a matrix in their place, row by row, each number within `bounds`.
    #[must_use]
    pub fn one_of_or_matrix(name: &'static str, default: T, bounds: Bounds) -> Self {
        let allowed = Allowed::OneOfOrMatrix {
            words: T::words(),
            bounds,
        };
        Self::new(name, Some(default.word().into()), allowed)
    }
}

impl Key {
    /// Declares the choice among an environment's choice models, which are known when all models are registered.
    pub(super) fn choice_model(
        name: &'static str,
        default: &'static str,
        words: Vec<&'static str>,
    ) -> Self {
        Self::new(name, Some(default.into()), Allowed::OneOf(words))
            .with_about("how the user picks from the slate")
    }

    /// Tells whether two keys allow the same values, in the same unit, and have the same defaults.
    pub(super) fn has_same_values(&self, other: &Self) -> bool {
        self.allowed == other.allowed
            && self.default == other.default
            && self.default_when == other.default_when
            && self.required == other.required
            && self.unit == other.unit
    }
}

impl Key<String> {
    /// Declares a text.
    #[must_use]
    pub fn text(name: &'static str, default: &str) -> Self {
        Self::new(name, Some(default.into()), Allowed::Text)
    }
}

impl Key<Option<String>> {
    /// Declares a text that may be left out.
    #[must_use]
    pub fn optional_text(name: &'static str) -> Self {
        Self::new(name, None, Allowed::Text)
    }
}

impl Key<Vec<f64>> {
    /// Declares a list of numbers of any length but zero, each within `bounds`.
    #[must_use]
    pub fn numbers(name: &'static str, default: &[f64], bounds: Bounds) -> Self {
        let allowed = Allowed::Numbers {
            bounds,
            length: None,
        };
        Self::new(name, Some(default.into()), allowed)
    }

    /// Declares a list of probabilities that sum to 1.
    #[must_use]
    pub fn distribution(name: &'static str, default: &[f64]) -> Self {
        Self::new(name, Some(default.into()), Allowed::Distribution)
    }
}

impl Key<Option<Vec<f64>>> {
    /// Declares a list of numbers that may be left out.
    #[must_use]
    pub fn optional_numbers(name: &'static str, bounds: Bounds) -> Self {
        let allowed = Allowed::Numbers {
            bounds,
            length: None,
        };
        Self::new(name, None, allowed)
    }
}

impl Key<Vec<Vec<f64>>> {
    /// Declares a matrix, row by row, each number within `bounds`.
    #[must_use]
    pub fn matrix(name: &'static str, default: impl Into<Value>, bounds: Bounds) -> Self {
        Self::new(name, Some(default.into()), Allowed::Matrix(bounds))
    }
}

impl Key<Option<Corpus>> {
    /// Declares fixed documents with these columns; they may always be left out.
    #[must_use]
    pub fn corpus(name: &'static str, columns: &[Column]) -> Self {
        Self::new(name, None, Allowed::Corpus(columns.to_vec()))
    }
}

impl Key<Weights> {
    /// Declares the weights of a policy, which must be given.
    #[must_use]
    pub fn weights(name: &'static str) -> Self {
        Self::new(name, None, Allowed::Weights).required()
    }
}

impl<T> Key<T> {
    /// Says what the parameter does.
    #[must_use]
    pub fn with_about(mut self, about: &'static str) -> Self {
        self.about = about.trim_ascii_start();
        self
    }

    /// Says in which unit the value is.
    #[must_use]
    pub fn in_unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Says where the parameter comes from: a paper, a program, a section. Defaults may be others, where an environment has its own.
    #[must_use]
    pub fn from_source(mut self, source: &'static str) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says where the parameter comes from, unless it says so itself.
    #[must_use]
    pub fn or_from_source(mut self, source: Option<&'static str>) -> Self {
        self.source = self.source.or(source.map(Cow::Borrowed));
        self
    }

    /// Adds where another parameter comes from that shares this key.
    pub(super) fn join_source(&mut self, other: Option<Cow<'static, str>>) {
        match (&mut self.source, other) {
            (Some(source), Some(other)) if *source != other => {
                source.to_mut().push_str(&format!("; {other}"));
            }
            (source @ None, other) => *source = other,
            _ => {}
        }
    }

    /// Makes the key one that must be given: it loses its default.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.default = None;
        self.required = true;
        self
    }

    /// Gives the key another default where the key `other`, declared before it, is `is`.
    #[must_use]
    pub fn default_when(
        mut self,
        other: &'static str,
        is: impl Into<&'static str>,
        default: impl Into<Value>,
    ) -> Self {
        let condition = Condition {
            key: other,
            is: is.into(),
        };
        self.default_when.push((condition, default.into()));
        self
    }

    /// Restricts the key to where the key `other`, declared before it, is `is`.
    ///
    /// Otherwise it is an error to give the key, since it would have no effect, and it is left out of the resolved parameters.
    /// If this is called several times, for the same `other`, any of the words will do.
    #[must_use]
    pub fn applies_when(mut self, other: &'static str, is: impl Into<&'static str>) -> Self {
        self.applies_when.push(Condition {
            key: other,
            is: is.into(),
        });
        self
    }

    /// Returns the dotted name, relative to the section.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the default, if it does not depend on other keys.
    #[must_use]
    pub fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Returns what is allowed.
    #[must_use]
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Returns the description of the parameter.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Returns the unit of the value; `None` for words, switches, and numbers without one.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        self.unit
    }

    /// Returns where the parameter comes from, if that is stated.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Tells whether the key must be given.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Returns the default, given the values of the section's text keys.
    pub(crate) fn default_under<'a>(
        &self,
        text_of: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<&Value> {
        let holds = |condition: &Condition| text_of(condition.key) == Some(condition.is);
        let exception = self.default_when.iter().find(|(when, _)| holds(when));
        exception.map(|(_, value)| value).or(self.default.as_ref())
    }

    /// Tells whether the key has an effect, given the values of the section's text keys.
    pub(crate) fn applies_under<'a>(&self, text_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        let mut conditions = self.applies_when.iter();
        self.applies_when.is_empty()
            || conditions.any(|condition| text_of(condition.key) == Some(condition.is))
    }

    /// Describes the default as text: the value with its exceptions, `required`, or `none`.
    #[must_use]
    pub fn default_text(&self) -> String {
        let mut text = match &self.default {
            Some(value) => value.to_string(),
            None if self.required => "required".to_owned(),
            None => "none".to_owned(),
        };
        for (condition, value) in &self.default_when {
            text += &format!("; {value} where {} = {:?}", condition.key, condition.is);
        }
        text
    }
}

impl<T> Serialize for Key<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Exception<'a> {
            key: &'a str,
            is: &'a str,
            default: &'a Value,
        }
        let exceptions = self
            .default_when
            .iter()
            .map(|(condition, default)| Exception {
                key: condition.key,
                is: condition.is,
                default,
            });
        let fields = 5
            + usize::from(!self.default_when.is_empty())
            + usize::from(!self.applies_when.is_empty())
            + usize::from(self.unit.is_some())
            + usize::from(self.source.is_some());
        let mut out = serializer.serialize_struct("Key", fields)?;
        out.serialize_field("name", self.name)?;
        out.serialize_field("default", &self.default)?;
        out.serialize_field("required", &self.required)?;
        if !self.default_when.is_empty() {
            out.serialize_field("default_when", &exceptions.collect::<Vec<_>>())?;
        }
        match self.applies_when.as_slice() {
            [] => {}
            [condition] => out.serialize_field("applies_when", condition)?,
            several => out.serialize_field("applies_when", several)?,
        }
        out.serialize_field("allowed", &self.allowed)?;
        out.serialize_field("about", self.about)?;
        if let Some(unit) = self.unit {
            out.serialize_field("unit", unit)?;
        }
        if let Some(source) = &self.source {
            out.serialize_field("source", source)?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_serializes_with_its_allowed_values_as_a_sentence() {
        let key =
            Key::non_negative("user.choc_stddev", 1.0).with_about("spread of chocolate engagement");
        assert_eq!(
            serde_json::to_string(&key).unwrap(),
            r#"{"name":"user.choc_stddev","default":1.0,"required":false,"allowed":"a number at least 0 and at most 1e12","about":"spread of chocolate engagement"}"#
        );
    }

    #[test]
    fn a_key_serializes_with_its_unit_and_its_source() {
        let key = Key::positive("user.time_budget", 60.0)
            .in_unit("steps")
            .or_from_source(Some("RecSim 0.2.4"));
        let json = serde_json::to_value(&key).unwrap();
        assert_eq!([&json["unit"], &json["source"]], ["steps", "RecSim 0.2.4"]);
        let own = key
            .from_source("a paper")
            .or_from_source(Some("RecSim 0.2.4"));
        assert_eq!(own.source(), Some("a paper"));
    }

    #[test]
    fn conditional_defaults_are_listed() {
        let key = Key::positive("user.time_budget", 200.0)
            .with_about("minutes")
            .default_when("user.sampler", "distribution", 60.0)
            .applies_when("user.kind", "budgeted");
        assert_eq!(
            key.default_text(),
            "200; 60 where user.sampler = \"distribution\""
        );
        let json = serde_json::to_value(&key).unwrap();
        assert_eq!(json["default_when"][0]["default"], 60.0);
        assert_eq!(json["applies_when"]["is"], "budgeted");
    }

    #[test]
    fn a_required_key_has_no_default() {
        let key = Key::optional_text("by").with_about("feature").required();
        assert_eq!(key.default_text(), "required");
        assert!(key.default().is_none());
    }
}
