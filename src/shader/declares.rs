//! Which items the text of a module declares.

use super::ShaderSource;

impl ShaderSource {
    /// Tells whether a line of the text begins with `keyword name`, such as `fn revise`.
    pub(crate) fn declares(&self, keyword: &str, name: &str) -> bool {
        declares(&self.text, keyword, name)
    }
}

fn declares(text: &str, keyword: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let after = line.trim_start().strip_prefix(keyword);
        let after = after.filter(|after| after.starts_with(char::is_whitespace));
        let after = after.and_then(|after| after.trim_start().strip_prefix(name));
        after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_found_where_it_is_one() {
        let text =
            "// fn reward(x)\nfn rewarded() {}\n  fn  score (x: f32) -> f32 {\nstruct User {";
        assert!(declares(text, "fn", "score"));
        assert!(declares(text, "struct", "User"));
        assert!(!declares(text, "fn", "reward"));
        assert!(!declares(text, "fn", "User"));
    }
}
