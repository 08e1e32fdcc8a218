//! Reads JSON, and refuses objects in which a name occurs twice: one of the values would be lost unnoticed.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads a JSON value from a text.
///
/// # Errors
/// The error of `serde_json` if the text is no JSON; and the name that an object has twice.
pub(crate) fn read(text: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Unique.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Makes a [`Value`] whose objects have each name once.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Self)?;
            if object.insert(name.clone(), value).is_some() {
                let shown: String = name.chars().take(60).collect();
                return Err(A::Error::custom(format!("the name {shown:?} occurs twice")));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_without_doubles_is_read_as_serde_json_reads_it() {
        let text = r#" {"b": [1, -2, 1.5e-7, 18446744073709551615, "x\n", null, true, {}], "a": {"b": {"b": 1}}} "#;
        let expected: Value = serde_json::from_str(text).unwrap();
        let found = read(text.as_bytes()).unwrap();
        assert_eq!(found, expected);
        assert_eq!(found.to_string(), expected.to_string());
    }

    #[test]
    fn a_name_that_occurs_twice_and_what_follows_are_refused() {
        let refused = read(br#"[{"quality": 0.5, "quality": 7}]"#).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("the name \"quality\" occurs twice at line 1")
        );
        assert!(read(b"{} {}").is_err());
        assert!(read(b"[1,").is_err());
    }
}
