//! Where two written configurations differ.

use super::json_numbers::is_same;
use serde_json::Value;

/// Holds a dotted key with the value on either side; `None` where a side lacks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The dotted key.
    pub key: String,
    /// The value on the left.
    pub left: Option<Value>,
    /// The value on the right.
    pub right: Option<Value>,
}

/// Lists the keys in which two JSON objects differ, nested ones dotted, in the order of the left.
///
/// Numbers are compared by value, not as they are written: 5 is the same as 5.0.
#[must_use]
pub fn differences(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    descend("", Some(left), Some(right), &mut found);
    found
}

fn descend(key: &str, left: Option<&Value>, right: Option<&Value>, found: &mut Vec<Difference>) {
    let is_equal = match (left, right) {
        (Some(left), Some(right)) => is_same(left, right),
        (left, right) => left == right,
    };
    if is_equal {
        return;
    }
    // A side that lacks a table lacks everything in it.
    let as_table = |side: Option<&Value>| match side {
        None => Some(serde_json::Map::new()),
        Some(side) => side.as_object().cloned(),
    };
    let (Some(left_table), Some(right_table)) = (as_table(left), as_table(right)) else {
        found.push(Difference {
            key: key.to_owned(),
            left: left.cloned(),
            right: right.cloned(),
        });
        return;
    };
    let only_right = right_table
        .keys()
        .filter(|name| !left_table.contains_key(*name));
    for name in left_table.keys().chain(only_right) {
        let inner = if key.is_empty() {
            name.clone()
        } else {
            format!("{key}.{name}")
        };
        descend(&inner, left_table.get(name), right_table.get(name), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_differences_are_found_by_their_dotted_key() {
        let left =
            json!({"name": "a", "user": {"x": 1.0, "y": [1, 2]}, "document": {"corpus": null}});
        let right =
            json!({"name": "a", "user": {"x": 2.0, "y": [1, 2]}, "extra": {"deep": {"z": 0}}});
        let keys: Vec<String> = differences(&left, &right)
            .into_iter()
            .map(|difference| difference.key)
            .collect();
        assert_eq!(keys, ["user.x", "document.corpus", "extra.deep.z"]);
        assert!(differences(&left, &left).is_empty());
    }

    #[test]
    fn numbers_do_not_differ_by_how_they_are_written() {
        let left = json!({"a": 5, "b": [1, 2.0], "c": {"seed": u64::MAX}});
        let right = json!({"a": 5.0, "b": [1.0, 2], "c": {"seed": "18446744073709551615"}});
        assert!(differences(&left, &right).is_empty());
        assert_eq!(differences(&left, &json!({"a": 5.5})).len(), 3);
    }

    #[test]
    fn a_value_against_a_table_is_one_difference() {
        let found = differences(&json!({"a": 1}), &json!({"a": {"b": 2}}));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].left, Some(json!(1)));
    }
}
