//! Quoting values in messages.

use toml::Value as Toml;

/// Shortens a text for a message, so that a matrix of a thousand rows does not hide the sentence.
pub(super) fn clip(text: &str) -> String {
    const LONGEST: usize = 80;
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(LONGEST) {
        None => flat,
        Some((end, _)) => format!("{}...", &flat[..end]),
    }
}

/// Names the type of a value, with its article.
pub(super) fn type_name(value: &Toml) -> &'static str {
    match value {
        Toml::String(_) => "a string",
        Toml::Integer(_) => "an integer",
        Toml::Float(_) => "a floating-point number",
        Toml::Boolean(_) => "a boolean",
        Toml::Datetime(_) => "a date or time",
        Toml::Array(_) => "a list",
        Toml::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_quotations_are_cut_at_a_character() {
        let cut = clip(&"é".repeat(200));
        assert_eq!(cut.chars().count(), 83);
        assert_eq!(clip("a\n  b"), "a b");
    }
}
