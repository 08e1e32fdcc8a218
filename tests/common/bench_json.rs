//! What `slatesim bench --json` and `benches/lab` have in common.

use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) fn rows<'a>(bench: &'a Value, section: &str) -> &'a [Value] {
    bench[section].as_array().expect("a list")
}

pub(crate) fn assert_is_rate(spread: &Value) {
    let speed = |key: &str| spread[key].as_f64().expect("a rate");
    assert!(speed("min") > 0.0 && speed("min") <= speed("median"));
    assert!(speed("median") <= speed("max"));
    assert!(speed("relative_half_iqr") >= 0.0);
}

/// Fails if `docs/benchmarking.md` has no word on a key of any object in a value.
pub(crate) fn assert_is_described(value: &Value) {
    let text = include_str!("../../docs/benchmarking.md");
    let mut found = BTreeSet::new();
    keys(value, &mut found);
    assert!(found.len() > 4);
    for key in found {
        let names = [format!("`{key}`"), format!("\"{key}\"")];
        assert!(names.iter().any(|name| text.contains(name)), "{key}");
    }
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}
