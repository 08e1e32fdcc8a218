//! Variants: several configurations over one base, to be compared.
//!
//! ```toml
//! [environment]                    # the base of all variants
//! name = "long_term_satisfaction"
//!
//! [[variant]]
//! name = "random"
//! set = { policy.name = "random" }
//!
//! [[variant]]
//! name = "greedy"
//! [variant.set.policy]             # the same, written as a table
//! name = "greedy"
//! by = "clickbait_score"
//! ```
//!
//! The values of a variant override all others: defaults < file < flags < variant.

use super::assignment::{Assignment, Override, flatten};
use super::dotted::quoted;
use super::error::UnknownKey;
use super::nearest::nearest_name;
use super::quote::{clip, type_name};
use super::sources::VARIANT;
use super::{Config, ConfigError, Declarations, Hint, Origin, Sources};

/// Keys of one variant in a file.
const KEYS: [&str; 2] = ["name", "set"];

/// Keys that must be the same for all variants, so that the same figures of the same episodes are compared.
const COMMON: [&str; 3] = ["seed", "episodes", "discount"];

/// Holds a label, and values that are laid over a base.
#[derive(Debug, Clone)]
pub struct Variant {
    label: String,
    overrides: Vec<Override>,
}

impl Variant {
    /// Makes a variant of values; without any it is the base itself.
    #[must_use]
    pub fn new(label: impl Into<String>, overrides: Vec<Override>) -> Self {
        Self {
            label: label.into(),
            overrides,
        }
    }

    /// Makes a variant with another policy, labelled with its name, as `--policy` does.
    #[must_use]
    pub fn of_policy(name: &str) -> Self {
        Self {
            label: name.to_owned(),
            overrides: vec![Override::flag("--policy", "policy.name", name)],
        }
    }

    /// Reads `LABEL: dotted.key=value, dotted.key=value`, as `--variant` takes it.
    ///
    /// Values are written as for [`Override::set`]; commas within brackets, braces or quotes do not separate them. If nothing
    /// follows the colon, the variant is the base itself.
    ///
    /// # Errors
    /// [`ConfigError::VariantText`] without a label, or if an assignment is malformed.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad = |problem: String| {
            Err(ConfigError::VariantText {
                text: text.to_owned(),
                problem,
            })
        };
        let Some((label, values)) = text.split_once(':') else {
            return bad("has no `:` after its label".to_owned());
        };
        let label = label.trim();
        if label.is_empty() {
            return bad("has no label before the `:`".to_owned());
        }
        let mut overrides = Vec::new();
        if !values.trim().is_empty() {
            for part in split_at_commas(values) {
                match Override::split(part) {
                    Ok((key, value)) => overrides.push(Override::flag("--variant", key, value)),
                    Err(problem) => return bad(format!("{problem} in {:?}", part.trim())),
                }
            }
        }
        Ok(Self {
            label: label.to_owned(),
            overrides,
        })
    }

    /// Returns the label of the variant.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Lays the variant over a base, and checks the result.
    ///
    /// # Errors
    /// [`ConfigError::Variant`] with the error of [`Config::resolve`], or if a value is set that all variants share.
    pub fn resolve(
        &self,
        base: &Sources,
        declarations: &Declarations,
    ) -> Result<Config, ConfigError> {
        let common = self
            .overrides
            .iter()
            .find(|given| COMMON.contains(&given.key.as_str()));
        if let Some(given) = common {
            let error = ConfigError::invalid(
                &given.key,
                &given.value,
                "nothing within a variant: it is one for all, so that they face the same users and are judged by the same figure",
                given.origin.clone(),
            );
            return Err(error.of_variant(&self.label));
        }
        let sources = self.overrides.iter().cloned();
        let sources = sources.fold(base.clone(), Sources::with_override);
        Config::resolve(&sources, declarations).map_err(|error| error.of_variant(&self.label))
    }
}

impl ConfigError {
    /// Marks an error as one of a variant.
    #[must_use]
    pub fn of_variant(self, label: &str) -> Self {
        Self::Variant {
            label: label.to_owned(),
            source: Box::new(self),
        }
    }
}

impl Sources {
    /// Resolves the variants of the file and `more`, in this order, each with its label.
    ///
    /// # Errors
    /// [`ConfigError::Variants`] unless there are from 2 to `most`, all with different labels; [`ConfigError::Variant`] for
    /// the first one that is wrong; and those of a file that is not TOML or whose `variant` is no list of variants.
    pub fn resolve_variants(
        &self,
        more: Vec<Variant>,
        most: usize,
        declarations: &Declarations,
    ) -> Result<Vec<(String, Config)>, ConfigError> {
        let mut variants = self.file_variants()?;
        variants.extend(more);
        let count = variants.len();
        if !(2..=most).contains(&count) {
            let given = match count {
                0 => "there are no variants to compare".to_owned(),
                1 => format!("there is one variant to compare, {:?}", variants[0].label),
                _ => format!("there are {count} variants to compare"),
            };
            return Err(ConfigError::Variants {
                problem: given,
                allowed: format!(
                    "from 2 to {most}, by `--policy`, `--variant` or [[variant]] in the file"
                ),
            });
        }
        for (index, variant) in variants.iter().enumerate() {
            if variants[..index]
                .iter()
                .any(|other| other.label == variant.label)
            {
                return Err(ConfigError::Variants {
                    problem: format!("two variants are called {:?}", variant.label),
                    allowed: "a label of its own for each".to_owned(),
                });
            }
        }
        let base = self.clone().without_variants();
        variants
            .into_iter()
            .map(|variant| {
                let config = variant.resolve(&base, declarations)?;
                Ok((variant.label, config))
            })
            .collect()
    }

    /// Reads the `[[variant]]` tables of the file.
    fn file_variants(&self) -> Result<Vec<Variant>, ConfigError> {
        let Some((mut table, origin)) = self.file_table()? else {
            return Ok(Vec::new());
        };
        let allowed = "tables [[variant]], each with a name and what it sets";
        match table.remove(VARIANT) {
            None => Ok(Vec::new()),
            Some(toml::Value::Array(variants)) => variants
                .into_iter()
                .enumerate()
                .map(|(index, variant)| match variant {
                    toml::Value::Table(table) => file_variant(index, table, &origin),
                    other => Err(wrong_type(&place(index), &other, allowed, &origin)),
                })
                .collect(),
            Some(other) => Err(wrong_type(VARIANT, &other, allowed, &origin)),
        }
    }
}

/// Names a variant of the file by its position, from 0, while its label is not known.
fn place(index: usize) -> String {
    format!("{VARIANT}[{index}]")
}

fn wrong_type(key: &str, value: &toml::Value, allowed: &str, origin: &Origin) -> ConfigError {
    ConfigError::WrongType {
        key: key.to_owned(),
        value: clip(&value.to_string()),
        found: type_name(value),
        allowed: allowed.to_owned(),
        origin: origin.clone(),
    }
}

fn file_variant(
    index: usize,
    mut table: toml::Table,
    origin: &Origin,
) -> Result<Variant, ConfigError> {
    let place = place(index);
    let name_key = format!("{place}.name");
    let text = "a text that is not empty";
    let label = match table.remove("name") {
        Some(toml::Value::String(label)) if !label.trim().is_empty() => label,
        Some(empty @ toml::Value::String(_)) => {
            return Err(ConfigError::invalid(name_key, empty, text, origin.clone()));
        }
        Some(other) => return Err(wrong_type(&name_key, &other, text, origin)),
        None => {
            return Err(ConfigError::Missing {
                key: name_key,
                reason: "every variant has a name".to_owned(),
                allowed: text.to_owned(),
            });
        }
    };
    let set = table.remove("set");
    if let Some(key) = table.keys().next() {
        let near = nearest_name(key, KEYS).map(|near| Hint::Nearest(near.to_owned()));
        return Err(ConfigError::UnknownKey(Box::new(UnknownKey {
            key: format!("{place}.{}", quoted(key)),
            owner: format!("variant {label:?}"),
            hint: near,
            table: format!("[{VARIANT}]"),
            known: KEYS.map(str::to_owned).to_vec(),
            origin: origin.clone(),
        })));
    }
    let mut given = Vec::new();
    match set {
        None => {}
        Some(toml::Value::Table(set)) => {
            for (key, value) in set {
                flatten(quoted(&key), value, origin, &mut given);
            }
        }
        Some(other) => {
            let allowed = "a table of what the variant sets";
            let error = wrong_type(&format!("{place}.set"), &other, allowed, origin);
            return Err(error.of_variant(&label));
        }
    }
    let overrides = given.into_iter().map(Assignment::into_override).collect();
    Ok(Variant { label, overrides })
}

/// Splits at the commas that stand outside of brackets, braces and quotes.
pub(super) fn split_at_commas(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut depth = 0_u32;
    let mut quote = None;
    let mut is_escaped = false;
    for (position, character) in text.char_indices() {
        if let Some(open) = quote {
            let is_end = character == open && !is_escaped;
            is_escaped = character == '\\' && open == '"' && !is_escaped;
            if is_end {
                quote = None;
            }
            continue;
        }
        match character {
            '"' | '\'' => quote = Some(character),
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::test_support::specimen;

    const MOST: usize = 4;

    fn resolve(text: &str, more: &[&str]) -> Result<Vec<(String, Config)>, ConfigError> {
        let more: Result<Vec<Variant>, _> = more.iter().map(|text| Variant::parse(text)).collect();
        Sources::new()
            .with_file(ConfigFile::from_text("run.toml", text))
            .resolve_variants(more?, MOST, &specimen::declarations())
    }

    fn refusal(text: &str, more: &[&str]) -> String {
        let error = resolve(text, more).unwrap_err();
        let source = std::error::Error::source(&error);
        match source {
            None => error.to_string(),
            Some(source) => format!("{error}: {source}"),
        }
    }

    #[test]
    fn variants_of_file_and_flags_are_laid_over_the_base() {
        let file = r#"
            seed = 5
            environment.user.sensitivity = 0.5
            [[variant]]
            name = "base"
            [[variant]]
            name = "own"
            set = { environment.user.sensitivity = 0.25, policy.name = "static" }
            [[variant]]
            name = "nested"
            [variant.set.environment.user]
            sensitivity = 0.125
        "#;
        let all = resolve(file, &["flag: environment.user.sensitivity = 1"]).unwrap();
        let told: Vec<(&str, f64, &str)> = all
            .iter()
            .map(|(label, config)| {
                let sensitivity = config.environment.settings.read::<f64>("user.sensitivity");
                (label.as_str(), sensitivity, config.policy.name.as_str())
            })
            .collect();
        let expected = [
            ("base", 0.5, "random"),
            ("own", 0.25, "static"),
            ("nested", 0.125, "random"),
            ("flag", 1.0, "random"),
        ];
        assert_eq!(told, expected);
        assert!(all.iter().all(|(_, config)| config.seed == 5));
    }

    #[test]
    fn commas_within_values_do_not_separate() {
        let parts = |text| split_at_commas(text);
        assert_eq!(parts("a=[1, 2], b=3"), ["a=[1, 2]", " b=3"]);
        assert_eq!(parts("a=[[1, 2], [3, 4]],b={x=1, y=2}").len(), 2);
        assert_eq!(parts(r#"a="x, y", b='p, "q', c=1"#).len(), 3);
        assert_eq!(parts(r#"a="x\", y", b=1"#).len(), 2);
        assert_eq!(parts("a=]1, b=2").len(), 2);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn a_variant_text_is_told_what_it_lacks() {
        for (text, problem) in [
            ("policy.name=random", "has no `:` after its label"),
            (" : policy.name=random", "has no label before the `:`"),
            ("x: policy.name", "has no `=` in \"policy.name\""),
            ("x: policy.name=random,", "has no `=` in \"\""),
            ("x: =1", "has no key before the `=` in \"=1\""),
        ] {
            let message = Variant::parse(text).unwrap_err().to_string();
            assert!(message.contains(problem), "{message}");
            assert!(message.contains("LABEL: dotted.key=value"), "{message}");
        }
        let base = Variant::parse("base:").unwrap();
        assert_eq!((base.label(), base.overrides.len()), ("base", 0));
    }

    #[test]
    fn fewer_than_two_many_or_equal_variants_are_refused() {
        assert!(
            refusal("", &[])
                .starts_with("there are no variants to compare; allowed are from 2 to 4")
        );
        assert!(
            refusal("", &["a:"]).starts_with("there is one variant to compare, \"a\"; allowed")
        );
        let five = ["a:", "b:", "c:", "d:", "e:"];
        assert!(refusal("", &five).starts_with("there are 5 variants to compare"));
        assert_eq!(
            refusal("", &["a:", "b:", "a: policy.name=static"]),
            "two variants are called \"a\"; allowed are a label of its own for each"
        );
    }

    #[test]
    fn what_is_wrong_in_a_variant_names_the_variant() {
        let unknown = refusal("", &["a:", "b: environment.user.sensitvity=1"]);
        assert!(
            unknown.starts_with("variant \"b\": unknown key `environment.user.sensitvity`"),
            "{unknown}"
        );
        assert!(unknown.contains("given by --variant"), "{unknown}");
        for (key, value) in [("seed", "7"), ("episodes", "20"), ("discount", "0.5")] {
            let common = refusal("", &["a:", &format!("b: {key}={value}")]);
            let expected =
                format!("variant \"b\": `{key}` = {value} is not allowed; allowed is nothing");
            assert!(common.starts_with(&expected), "{common}");
        }
    }

    #[test]
    fn variants_of_a_file_are_checked_strictly() {
        for (text, problem) in [
            ("variant = 5", "`variant` = 5 is an integer"),
            ("variant = [5]", "`variant[0]` = 5 is an integer"),
            (
                "[[variant]]\nname = 5",
                "`variant[0].name` = 5 is an integer",
            ),
            ("[[variant]]\nname = ' '", "`variant[0].name` = "),
            ("[[variant]]\nset = {}", "`variant[0].name` is missing"),
            (
                "[[variant]]\nname = 'a'\nsets = {}",
                "unknown key `variant[0].sets`: variant \"a\" has no such key (did you mean `set`?)",
            ),
            (
                "[[variant]]\nname = 'a'\nset = 5",
                "variant \"a\": `variant[0].set` = 5 is an integer",
            ),
        ] {
            let message = refusal(text, &["x:", "y:"]);
            assert!(message.starts_with(problem), "{message}");
        }
    }

    #[test]
    fn a_single_run_does_not_know_variants() {
        let file = ConfigFile::from_text("run.toml", "[[variant]]\nname = 'a'");
        let sources = Sources::new().with_file(file);
        let error = Config::resolve(&sources, &specimen::declarations()).unwrap_err();
        assert!(
            error.to_string().starts_with("unknown key `variant`"),
            "{error}"
        );
    }
}
