//! Dotted keys with the values that are given for them.

use std::fmt;

use super::dotted::quoted;
use super::{ConfigError, Origin};

/// Sets one dotted key from the command line.
#[derive(Debug, Clone)]
pub struct Override {
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}

impl Override {
    /// Reads `dotted.key=value`, as `--set` takes it.
    ///
    /// The value is read as TOML (`0.058`, `1_000`, `[0.3, 0.7]`, `"text"`), and if it is not TOML, as text without quotes, so
    /// that `policy.name=greedy` needs none.
    ///
    /// # Errors
    /// [`ConfigError::Override`] without `=`, with an empty key or part of a key, without a value, or with a backslash in double
    /// quotes that is no escape.
    pub fn set(text: &str) -> Result<Self, ConfigError> {
        let split = Self::split(text).and_then(|(key, value)| match has_bad_escape(value) {
            true => Err(BAD_ESCAPE),
            false => Ok((key, value)),
        });
        match split {
            Ok((key, value)) => Ok(Self::flag("--set", key, value)),
            Err(problem) => Err(ConfigError::Override {
                flag: "--set".to_owned(),
                text: text.to_owned(),
                problem,
            }),
        }
    }

    /// Splits `dotted.key=value`, or says what it lacks.
    pub(super) fn split(text: &str) -> Result<(&str, &str), &'static str> {
        let (key, value) = text.split_once('=').ok_or("has no `=`")?;
        let key = key.trim();
        if key.is_empty() {
            return Err("has no key before the `=`");
        }
        if key.split('.').any(|part| part.trim().is_empty()) {
            return Err("has an empty part in its key");
        }
        if value.trim().is_empty() {
            return Err("has no value after the `=`");
        }
        Ok((key, value))
    }

    /// Makes the assignment of a flag that stands for a dotted key, such as `--episodes 1000`.
    #[must_use]
    pub fn flag(flag: &str, key: &str, value: impl fmt::Display) -> Self {
        Self {
            key: key.to_owned(),
            value: parse_value(&value.to_string()),
            origin: Origin::Flag(flag.into()),
        }
    }
}

const BAD_ESCAPE: &str = "has a backslash in double quotes, which begins an escape there; single quotes take it as it is, as in \
                          'C:\\folder\\file'";

/// Tells whether a value is a text in double quotes that would be TOML without its backslashes.
fn has_bad_escape(text: &str) -> bool {
    let text = text.trim();
    let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    let is_value = |text: &str| text.parse::<toml::Value>().is_ok();
    is_quoted && text.contains('\\') && !is_value(text) && is_value(&text.replace('\\', "/"))
}

/// Reads a value as TOML, else as a number that TOML does not accept (`.7`, `3.`), else as text.
fn parse_value(text: &str) -> toml::Value {
    let text = text.trim();
    if let Ok(value) = text.parse::<toml::Value>() {
        return value;
    }
    match text.parse::<f64>() {
        Ok(number) if text.contains('.') => toml::Value::Float(number),
        _ => toml::Value::String(text.to_owned()),
    }
}

/// One dotted key with the value given for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}

impl Assignment {
    pub(super) fn into_override(self) -> Override {
        Override {
            key: self.key,
            value: self.value,
            origin: self.origin,
        }
    }
}

/// Turns tables into dotted keys; an empty table stays, so that an unknown one is noticed.
pub(super) fn flatten(key: String, value: toml::Value, origin: &Origin, out: &mut Vec<Assignment>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                flatten(format!("{key}.{}", quoted(&name)), value, origin, out);
            }
        }
        value => out.push(Assignment {
            key,
            value,
            origin: origin.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> (String, toml::Value) {
        let given = Override::set(text).unwrap();
        (given.key, given.value)
    }

    #[test]
    fn a_set_value_is_toml_where_it_can_be_and_a_bare_string_elsewhere() {
        assert_eq!(set("a.b=0.5").1, toml::Value::Float(0.5));
        assert_eq!(set("a.b = 1_000_000 ").1, toml::Value::Integer(1_000_000));
        assert_eq!(set("a=true").1, toml::Value::Boolean(true));
        assert_eq!(set("a=[0.3, 0.7]").1.as_array().unwrap().len(), 2);
        assert_eq!(set("policy.name=greedy").1.as_str(), Some("greedy"));
        assert_eq!(set("policy.name=\"greedy\"").1.as_str(), Some("greedy"));
        assert_eq!(set("a=data/x=1.csv").1.as_str(), Some("data/x=1.csv"));
        assert_eq!(set("a=1\nb=2").1.as_str(), Some("1\nb=2"));
    }

    #[test]
    fn numbers_may_lack_the_digit_that_toml_wants() {
        assert_eq!(set("a=.7").1, toml::Value::Float(0.7));
        assert_eq!(set("a=-.5e-3").1, toml::Value::Float(-0.5e-3));
        assert_eq!(set("a=1.2.3").1.as_str(), Some("1.2.3"));
        // An integer too large for TOML stays text; a seed may be given as text.
        assert_eq!(
            set("seed=18446744073709551615").1.as_str(),
            Some("18446744073709551615")
        );
    }

    #[test]
    fn a_set_without_key_equals_or_value_is_refused() {
        for (text, problem) in [
            ("environment.slate_size", "has no `=`"),
            ("=5", "has no key before the `=`"),
            ("environment..slate_size=5", "has an empty part in its key"),
            (".slate_size=5", "has an empty part in its key"),
            ("environment.slate_size=", "has no value after the `=`"),
        ] {
            let message = Override::set(text).unwrap_err().to_string();
            assert!(message.contains(problem), "{message}");
            assert!(message.contains(&format!("--set {text}")), "{message}");
        }
    }
}
