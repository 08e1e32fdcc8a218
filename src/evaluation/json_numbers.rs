//! Numbers in JSON that other programs may have rewritten: jq and everything in JavaScript write 5.0 as 5, and have no integers
//! above 2^53.
//!
//! Integers above 2^53 are therefore written as strings, and numbers are compared and hashed by value.

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

/// The largest number up to which double precision has every integer.
pub(super) const LARGEST_EXACT: u64 = 1 << 53;

/// Serialises an integer: as a string if it is above 2^53.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if *value > LARGEST_EXACT {
        serializer.collect_str(value)
    } else {
        value.serialize(serializer)
    }
}

/// Turns the integers above 2^53 into strings.
pub(super) fn write_large_as_text(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(large) = number.as_u64().filter(|&large| large > LARGEST_EXACT) {
                *value = Value::String(large.to_string());
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(write_large_as_text),
        Value::Object(entries) => entries.values_mut().for_each(write_large_as_text),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Turns strings that hold large integers back into integers, and whole numbers that are written with a decimal point, too.
pub(super) fn read_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *value = Value::from(whole);
            }
        }
        Value::String(text) => {
            if let Some(large) = large_integer(text) {
                *value = Value::from(large);
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(read_integers),
        Value::Object(entries) => entries.values_mut().for_each(read_integers),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Returns a whole number as an integer, except negative zero, which stays a floating-point number.
#[allow(clippy::cast_possible_truncation, reason = "known to be exact")]
fn whole(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() <= LARGEST_EXACT as f64;
    let is_negative_zero = number == 0.0 && number.is_sign_negative();
    (is_whole && !is_negative_zero).then_some(number as i64)
}

fn large_integer(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let large = is_plain.then(|| text.parse::<u64>().ok()).flatten();
    large.filter(|&large| large > LARGEST_EXACT)
}

/// Tells whether two values are the same. Numbers are compared by value: 5 is 5.0, and a large integer equals the string that
/// holds it.
pub(super) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => key(a) == key(b),
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => {
            large_integer(text).is_some_and(|large| number.as_u64() == Some(large))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let found = |(name, value): (&String, &Value)| {
                b.get(name).is_some_and(|other| is_same(value, other))
            };
            a.len() == b.len() && a.iter().all(found)
        }
        _ => a == b,
    }
}

/// The value of a number, however it is written.
#[derive(PartialEq)]
enum Key {
    /// The bits of a double-precision number; negative zero counts as zero.
    Double(u64),
    /// An integer that no double-precision number equals.
    Large(u64),
    /// The same below zero.
    Small(i64),
}

fn key(number: &Number) -> Key {
    if let Some(large) = number.as_u64().filter(|&large| large > LARGEST_EXACT) {
        return Key::Large(large);
    }
    if let Some(small) = number
        .as_i64()
        .filter(|small| small.unsigned_abs() > LARGEST_EXACT)
    {
        return Key::Small(small);
    }
    // JSON has no infinite numbers, and none that are not a number.
    let double = number.as_f64().unwrap_or(f64::NAN);
    Key::Double(if double == 0.0 { 0 } else { double.to_bits() })
}

/// Computes the 64-bit FNV-1a hash of a value. It does not depend on how numbers, strings and spaces are written, nor on the
/// order of the keys of objects.
#[cfg(test)]
fn hash(value: &Value) -> u64 {
    let mut hash = Fnv(OFFSET);
    hash.value(value);
    hash.0
}

/// Computes [`hash`] of an object of these entries.
pub(super) fn hash_of_entries(entries: Vec<(&str, &Value)>) -> u64 {
    let mut hash = Fnv(OFFSET);
    hash.object(entries);
    hash.0
}

/// The offset basis of FNV-1a.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Adds a letter for the kind of value, then a number that tells two values of one kind apart.
    fn tagged(&mut self, tag: u8, payload: u64) {
        self.bytes(&[tag]);
        self.bytes(&payload.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.tagged(b's', text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.tagged(b'n', 0),
            Value::Bool(value) => self.tagged(b'b', u64::from(*value)),
            Value::Number(number) => match key(number) {
                Key::Double(bits) => self.tagged(b'd', bits),
                // Such an integer should have been written as a string, so it has the hash of that string.
                Key::Large(large) => self.text(&large.to_string()),
                Key::Small(small) => self.text(&small.to_string()),
            },
            Value::String(text) => self.text(text),
            Value::Array(entries) => {
                self.tagged(b'a', entries.len() as u64);
                for entry in entries {
                    self.value(entry);
                }
            }
            Value::Object(entries) => {
                self.object(
                    entries
                        .iter()
                        .map(|(name, value)| (name.as_str(), value))
                        .collect(),
                );
            }
        }
    }

    fn object(&mut self, mut entries: Vec<(&str, &Value)>) {
        entries.sort_unstable_by_key(|(name, _)| *name);
        self.tagged(b'o', entries.len() as u64);
        for (name, entry) in entries {
            self.text(name);
            self.value(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        for (a, b) in [
            ("5", "5.0"),
            ("[0.1, 1e3]", "[1e-1, 1000]"),
            ("-0.0", "0"),
            ("18446744073709551615", "\"18446744073709551615\""),
            ("{\"a\": 1, \"b\": 2}", "{\"b\": 2.0, \"a\": 1}"),
        ] {
            assert!(is_same(&read(a), &read(b)), "{a} {b}");
            assert_eq!(hash(&read(a)), hash(&read(b)), "{a} {b}");
        }
        for (a, b) in [
            ("5", "5.000000000000001"),
            ("5", "\"5\""),
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993", "\"9007199254740995\""),
            ("[1, 2]", "[2, 1]"),
            ("[[1], 2]", "[[1, 2]]"),
            ("{\"a\": 1}", "{\"b\": 1}"),
            ("null", "0"),
            ("false", "null"),
            ("\"ab\"", "\"ba\""),
        ] {
            assert!(!is_same(&read(a), &read(b)), "{a} {b}");
            assert_ne!(hash(&read(a)), hash(&read(b)), "{a} {b}");
        }
    }

    #[test]
    fn integers_above_2_to_the_53_are_written_as_texts_and_read_back() {
        let exact = json!({"seed": u64::MAX, "ranges": [[0, LARGEST_EXACT + 1]], "name": "12"});
        let mut written = exact.clone();
        write_large_as_text(&mut written);
        assert_eq!(
            written,
            json!({"seed": "18446744073709551615", "ranges": [[0, "9007199254740993"]], "name": "12"})
        );
        read_integers(&mut written);
        assert_eq!(written, exact);
        let mut small = json!([LARGEST_EXACT, "9007199254740992", "0018446744073709551615"]);
        let kept = small.clone();
        write_large_as_text(&mut small);
        read_integers(&mut small);
        assert_eq!(small, kept);
    }
}
