//! Checks a given value against what its key allows.

use toml::Value as Toml;

use super::assignment::Assignment;
use super::nearest::nearest_name;
use super::quote::{clip, type_name};
use super::value::number;
use super::{Allowed, Bounds, ConfigError, Origin, Value, corpus, weights};

/// Checks the value that is given for a dotted key, and converts it.
pub(super) fn check(allowed: &Allowed, given: &Assignment) -> Result<Value, ConfigError> {
    let at = At {
        key: &given.key,
        allowed,
        origin: &given.origin,
    };
    let value = &given.value;
    match allowed {
        Allowed::Number(bounds) => at.number(value, *bounds).map(Value::Number),
        Allowed::Integer { min, max } => at.integer(value, *min, *max).map(Value::Integer),
        Allowed::Boolean => match value {
            Toml::Boolean(value) => Ok(Value::Boolean(*value)),
            other => Err(at.wrong_type(other)),
        },
        Allowed::Booleans => {
            let list = value.as_array().ok_or_else(|| at.wrong_type(value))?;
            let switches = list
                .iter()
                .map(Toml::as_bool)
                .collect::<Option<Vec<bool>>>();
            switches
                .filter(|switches| !switches.is_empty())
                .map(Value::Booleans)
                .ok_or_else(|| at.invalid(&clip(&value.to_string())))
        }
        Allowed::OneOf(words) => match value {
            Toml::String(word) if words.contains(&word.as_str()) => Ok(Value::Text(word.clone())),
            Toml::String(word) => Err(at.unknown_word(word, words)),
            other => Err(at.wrong_type(other)),
        },
        Allowed::Text => match value {
            Toml::String(text) if !text.trim().is_empty() => Ok(Value::Text(text.clone())),
            Toml::String(_) => Err(at.invalid(&value.to_string())),
            other => Err(at.wrong_type(other)),
        },
        Allowed::Numbers { bounds, length } => {
            let numbers = at.numbers(value, *bounds)?;
            match length {
                Some(length) if numbers.len() != *length => Err(at.invalid(&format!(
                    "{} ({} numbers)",
                    clip(&value.to_string()),
                    numbers.len()
                ))),
                _ => Ok(Value::Numbers(numbers)),
            }
        }
        Allowed::Distribution => at.distribution(value).map(Value::Numbers),
        Allowed::Matrix(bounds) => at.matrix(value, *bounds).map(Value::Matrix),
        Allowed::OneOfOrMatrix { words, bounds } => match value {
            Toml::String(word) if words.contains(&word.as_str()) => Ok(Value::Text(word.clone())),
            Toml::String(word) => Err(at.unknown_word(word, words)),
            matrix => at.matrix(matrix, *bounds).map(Value::Matrix),
        },
        Allowed::Weights => weights::read(given).map(Value::Weights),
        Allowed::Corpus(columns) => corpus::read(columns, given).map(Value::Corpus),
    }
}

/// The place that is being checked, for messages.
#[derive(Clone, Copy)]
struct At<'a> {
    key: &'a str,
    allowed: &'a Allowed,
    origin: &'a Origin,
}

impl At<'_> {
    fn wrong_type(&self, value: &Toml) -> ConfigError {
        ConfigError::WrongType {
            key: self.key.to_owned(),
            value: clip(&value.to_string()),
            found: type_name(value),
            allowed: self.allowed.to_string(),
            origin: self.origin.clone(),
        }
    }

    fn invalid(&self, value: &str) -> ConfigError {
        ConfigError::Invalid {
            key: self.key.to_owned(),
            value: value.to_owned(),
            allowed: self.allowed.to_string(),
            origin: self.origin.clone(),
        }
    }

    fn unknown_word(&self, word: &str, words: &[&str]) -> ConfigError {
        let allowed = match nearest_name(word, words.iter().copied()) {
            Some(nearest) => format!("{}, did you mean {nearest:?}?", self.allowed),
            None => self.allowed.to_string(),
        };
        let value = clip(&format!("{word:?}"));
        ConfigError::invalid(self.key, value, allowed, self.origin.clone())
    }

    fn number(&self, value: &Toml, bounds: Bounds) -> Result<f64, ConfigError> {
        let number = number(value).ok_or_else(|| self.wrong_type(value))?;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "whether it is finite in single precision is what is examined"
        )]
        if !(number as f32).is_finite() {
            return Err(ConfigError::NotFinite {
                key: self.key.to_owned(),
                value: value.to_string(),
                allowed: self.allowed.to_string(),
                origin: self.origin.clone(),
            });
        }
        if bounds.contains(number) {
            Ok(number)
        } else {
            Err(self.invalid(&value.to_string()))
        }
    }

    fn integer(&self, value: &Toml, min: i128, max: i128) -> Result<i128, ConfigError> {
        let integer = match value {
            Toml::Integer(integer) => i128::from(*integer),
            // TOML's integers end at 2^63 - 1, so a larger seed is written as text.
            Toml::String(text) if max > i64::MAX.into() => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(self.wrong_type(value));
                }
                // An integer with more digits than 128 bits hold is out of any range.
                match text.parse::<i128>() {
                    Ok(integer) => integer,
                    Err(_) => return Err(self.invalid(&clip(text))),
                }
            }
            other => return Err(self.wrong_type(other)),
        };
        if (min..=max).contains(&integer) {
            Ok(integer)
        } else {
            Err(self.invalid(&integer.to_string()))
        }
    }

    fn list<'v>(&self, value: &'v Toml) -> Result<&'v [Toml], ConfigError> {
        match value {
            Toml::Array(list) if !list.is_empty() => Ok(list),
            Toml::Array(_) => Err(self.invalid("[] (empty)")),
            other => Err(self.wrong_type(other)),
        }
    }

    fn numbers(&self, value: &Toml, bounds: Bounds) -> Result<Vec<f64>, ConfigError> {
        let check = |(position, entry)| {
            let key = format!("{}[{position}]", self.key);
            let at = At { key: &key, ..*self };
            at.number(entry, bounds)
        };
        self.list(value)?.iter().enumerate().map(check).collect()
    }

    fn distribution(&self, value: &Toml) -> Result<Vec<f64>, ConfigError> {
        let probabilities = self.numbers(value, Bounds::PROBABILITY)?;
        let sum = probabilities.iter().sum::<f64>();
        if (sum - 1.0).abs() <= Allowed::DISTRIBUTION_TOLERANCE {
            Ok(probabilities)
        } else {
            let quoted = clip(&value.to_string());
            Err(self.invalid(&format!("{quoted} (sum {sum})")))
        }
    }

    fn matrix(&self, value: &Toml, bounds: Bounds) -> Result<Vec<Vec<f64>>, ConfigError> {
        let check = |(position, row)| {
            let key = format!("{}[{position}]", self.key);
            let at = At { key: &key, ..*self };
            at.numbers(row, bounds)
        };
        let rows = self.list(value)?.iter().enumerate().map(check);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let columns = rows[0].len();
        match rows.iter().position(|row| row.len() != columns) {
            None => Ok(rows),
            Some(row) => {
                let quoted = clip(&value.to_string());
                let (first, other) = (columns, rows[row].len());
                Err(self.invalid(&format!(
                    "{quoted} (row 0 has {first} numbers, row {row} has {other})"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(allowed: &Allowed, value: &str) -> Result<Value, String> {
        let given = Assignment {
            key: "environment.x".to_owned(),
            value: value.parse().unwrap(),
            origin: Origin::Flag("--set".into()),
        };
        check(allowed, &given).map_err(|error| error.to_string())
    }

    #[test]
    fn an_integer_is_taken_where_a_number_is_wanted_and_not_the_other_way() {
        let number = Allowed::Number(Bounds::FINITE);
        assert_eq!(checked(&number, "60"), Ok(Value::Number(60.0)));
        let integer = Allowed::Integer { min: 0, max: 9 };
        assert_eq!(
            checked(&integer, "5.0").unwrap_err(),
            "`environment.x` = 5.0 is a floating-point number; allowed is an integer from 0 to 9 (given by --set)"
        );
    }

    #[test]
    fn nan_and_infinities_are_refused_and_called_so() {
        for value in ["nan", "-nan", "inf", "-inf", "1e300"] {
            let message = checked(&Allowed::Number(Bounds::FINITE), value).unwrap_err();
            assert!(
                message.contains("NaN and infinities are never allowed"),
                "{message}"
            );
        }
        let list = Allowed::Numbers {
            bounds: Bounds::FINITE,
            length: None,
        };
        let message = checked(&list, "[1.0, nan]").unwrap_err();
        assert!(message.starts_with("`environment.x[1]` = nan"), "{message}");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_the_range() {
        assert_eq!(
            checked(&Allowed::Number(Bounds::NON_NEGATIVE), "-0.1").unwrap_err(),
            "`environment.x` = -0.1 is not allowed; allowed is a number at least 0 and at most 1e12 (given by --set)"
        );
        assert!(checked(&Allowed::Integer { min: 1, max: 9 }, "0").is_err());
        assert!(checked(&Allowed::OneOf(vec!["max", "min"]), "\"most\"").is_err());
        assert!(checked(&Allowed::Text, "\"\"").is_err());
    }

    #[test]
    fn a_misspelled_word_names_the_nearest() {
        let message = checked(
            &Allowed::OneOf(vec!["first", "multinomial_logit"]),
            "\"multinomial-logit\"",
        );
        assert_eq!(
            message.unwrap_err(),
            "`environment.x` = \"multinomial-logit\" is not allowed; allowed is one of \"first\", \
             \"multinomial_logit\", did you mean \"multinomial_logit\"? (given by --set)"
        );
    }

    #[test]
    fn probabilities_must_sum_to_one() {
        let distribution = Allowed::Distribution;
        assert!(checked(&distribution, "[0.3, 0.7]").is_ok());
        assert!(checked(&distribution, "[0.3333333, 0.3333333, 0.3333334]").is_ok());
        assert!(checked(&distribution, "[1]").is_ok());
        let message = checked(&distribution, "[0.5, 0.4]").unwrap_err();
        assert!(message.contains("(sum 0.9)"), "{message}");
        assert!(checked(&distribution, "[1.5, -0.5]").is_err());
        assert!(checked(&distribution, "[]").is_err());
        assert!(checked(&distribution, "0.5").is_err());
    }

    #[test]
    fn a_matrix_has_rows_of_equal_length() {
        let matrix = Allowed::Matrix(Bounds::FINITE);
        assert_eq!(
            checked(&matrix, "[[1, 2.5], [3, 4]]"),
            Ok(Value::from([[1.0, 2.5], [3.0, 4.0]]))
        );
        let message = checked(&matrix, "[[1, 2], [3]]").unwrap_err();
        assert!(
            message.contains("row 0 has 2 numbers, row 1 has 1"),
            "{message}"
        );
        assert!(
            checked(&matrix, "[1, 2]")
                .unwrap_err()
                .contains("environment.x[0]")
        );
        assert!(checked(&matrix, "[]").is_err());
        assert!(checked(&matrix, "[[]]").is_err());
        let message = checked(&matrix, "[[1, 2], [3, \"4\"]]").unwrap_err();
        assert!(
            message.starts_with("`environment.x[1][1]` = \"4\" is a string"),
            "{message}"
        );
    }

    #[test]
    fn a_list_of_fixed_length_has_that_length() {
        let three = Allowed::Numbers {
            bounds: Bounds::FINITE,
            length: Some(3),
        };
        assert!(checked(&three, "[1, 2, 3]").is_ok());
        let message = checked(&three, "[1, 2]").unwrap_err();
        assert!(
            message.contains("(2 numbers)") && message.contains("a list of 3 numbers"),
            "{message}"
        );
    }
}
