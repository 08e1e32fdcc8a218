//! The choice models that an environment offers: their names, and its own defaults of their keys.

use super::condition::Condition;
use super::{Key, Value};

/// Names the registered choice models that users of an environment can have, the default first, with the environment's own
/// defaults of their keys.
///
/// If there are several, the environment has the key `choice.model`.
#[derive(Clone, Debug)]
pub struct ChoiceModels {
    names: Vec<&'static str>,
    defaults: Vec<OwnDefault>,
}

/// A default that replaces the one of a choice model.
#[derive(Clone, Debug)]
struct OwnDefault {
    key: &'static str,
    when: Option<Condition>,
    default: Value,
}

impl ChoiceModels {
    /// Offers choice models by their names, the default first.
    ///
    /// # Panics
    /// If there is none: a mistake of the environment's author.
    #[must_use]
    pub fn of(names: &[&'static str]) -> Self {
        assert!(!names.is_empty(), "an environment offers no choice model");
        Self {
            names: names.to_vec(),
            defaults: Vec::new(),
        }
    }

    /// Gives a key of the choice models another default.
    #[must_use]
    pub fn with_default(mut self, key: &'static str, default: impl Into<Value>) -> Self {
        self.defaults.push(OwnDefault {
            key,
            when: None,
            default: default.into(),
        });
        self
    }

    /// Gives a key of the choice models another default where the environment's own key `other` is `is`.
    #[must_use]
    pub fn with_default_when(
        mut self,
        key: &'static str,
        other: &'static str,
        is: impl Into<&'static str>,
        default: impl Into<Value>,
    ) -> Self {
        self.defaults.push(OwnDefault {
            key,
            when: Some(Condition {
                key: other,
                is: is.into(),
            }),
            default: default.into(),
        });
        self
    }

    /// Returns the names, the default first.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Returns the first key with a default of its own that none of these keys has: a mistake of the author.
    pub(super) fn unknown_default(&self, keys: &[Key]) -> Option<&'static str> {
        let mut unknown = self.defaults.iter().map(|default| default.key);
        unknown.find(|name| keys.iter().all(|key| key.name != *name))
    }

    /// Returns a key of a choice model as the environment has it.
    pub(super) fn adapt(&self, key: &Key) -> Key {
        let mut key = key.clone();
        for own in self.defaults.iter().filter(|own| own.key == key.name) {
            let default = own.default.clone();
            match own.when {
                Some(when) => key.default_when.push((when, default)),
                None => {
                    key.default = Some(default);
                    key.required = false;
                }
            }
        }
        key
    }
}
