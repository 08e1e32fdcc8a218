//! Writes measurements as tables: one for each list of rows, with the keys of the JSON as titles of the columns.

use serde_json::Value;
use std::fmt::Write;

/// Writes every section that has rows.
pub(crate) fn text(report: &Value) -> String {
    let mut text = String::new();
    for (name, section) in report.as_object().into_iter().flatten() {
        let rows: Vec<Vec<String>> = match section {
            Value::Array(rows) => table(rows),
            Value::Object(_) => table(std::slice::from_ref(section)),
            value => {
                let _ = writeln!(text, "{name}: {}", cell(value));
                continue;
            }
        };
        if !rows.is_empty() {
            let _ = write!(text, "\n{name}\n\n{}", aligned(&rows));
        }
    }
    text
}

/// Lists the keys, then the values of each row.
fn table(rows: &[Value]) -> Vec<Vec<String>> {
    let objects = rows.iter().filter_map(Value::as_object);
    let keys = objects.clone().take(1);
    let keys = keys.map(|row| row.keys().cloned().collect());
    keys.chain(objects.map(|row| row.values().map(cell).collect()))
        .collect()
}

/// Writes a value; for a rate, the median with the slowest and the fastest run.
fn cell(value: &Value) -> String {
    let number = |value: &Value| format!("{:.4e}", value.as_f64().unwrap_or(f64::NAN));
    match value {
        Value::String(text) => text.clone(),
        Value::Number(count) if count.is_f64() => number(value),
        Value::Object(rate) => {
            let [median, min, max] = ["median", "min", "max"].map(|key| number(&rate[key]));
            format!("{median} ({min}, {max})")
        }
        other => other.to_string(),
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let num_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..num_columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, &width)| format!("{cell:<width$}"))
            .collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
