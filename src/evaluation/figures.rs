//! Checks that the figures of a written report follow from its state.

use serde_json::Value;

/// Relative difference that is allowed between a written figure and the computed one: processors may round differently.
const TOLERANCE: f64 = 1e-9;

/// The same for a quantile, which is interpolated within a bucket.
const QUANTILE_TOLERANCE: f64 = 1e-3;

/// Finds the first figure that differs between a written report and what was computed from its state, and returns its dotted
/// key.
///
/// A figure that only one side has is no contradiction: versions have different figures, and withhold different ones.
pub(super) fn contradiction(written: &Value, computed: &Value) -> Option<String> {
    let mut key = Vec::new();
    find(written, computed, TOLERANCE, &mut key).then(|| key.join("."))
}

fn find(written: &Value, computed: &Value, tolerance: f64, key: &mut Vec<String>) -> bool {
    match (written, computed) {
        (Value::Object(written), Value::Object(computed)) => {
            for (name, computed) in computed {
                let Some(written) = written.get(name) else {
                    continue;
                };
                // The standard error of a step comes from rounded sums, and versions may round them differently.
                if name.ends_with("per_step_standard_error") {
                    continue;
                }
                let tolerance = match name.as_str() {
                    "quantiles" | "trimmed_mean" => QUANTILE_TOLERANCE,
                    _ => tolerance,
                };
                key.push(name.clone());
                if find(written, computed, tolerance, key) {
                    return true;
                }
                key.pop();
            }
            false
        }
        (Value::Array(written), Value::Array(computed)) => {
            if written.len() != computed.len() {
                return false;
            }
            for (index, (written, computed)) in written.iter().zip(computed).enumerate() {
                key.push(index.to_string());
                if find(written, computed, tolerance, key) {
                    return true;
                }
                key.pop();
            }
            false
        }
        (Value::Null, _) | (_, Value::Null) => false,
        (written, computed) => match (written.as_f64(), computed.as_f64()) {
            (Some(written), Some(computed)) => {
                let scale = written.abs().max(computed.abs()).max(f64::MIN_POSITIVE);
                (written - computed).abs() > tolerance * scale
            }
            _ => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_figure_that_was_changed_is_named() {
        let computed = json!({"return": {"mean": 2.0, "quantiles": {"0.5": 3.0}}, "curve": [1.0, null], "count": 4});
        let same = json!({"return": {"mean": 2, "quantiles": {"0.5": 3.0001}}, "curve": [1, 5.0], "count": 4.0, "other": 1});
        assert_eq!(contradiction(&same, &computed), None);
        for (pointer, value, key) in [
            ("/return/mean", json!(2.1), "return.mean"),
            ("/return/mean", json!("2"), "return.mean"),
            ("/return/quantiles/0.5", json!(3.1), "return.quantiles.0.5"),
            ("/curve/0", json!(-1.0), "curve.0"),
            ("/count", json!(5), "count"),
        ] {
            let mut written = computed.clone();
            *written.pointer_mut(pointer).unwrap() = value;
            assert_eq!(contradiction(&written, &computed).as_deref(), Some(key));
        }
    }
}
