//! Where values come from: one file and the flags, laid over the defaults.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ConfigError;
use super::error::{SyntaxError, named};
use super::variants::VARIANT;
use crate::text_file::read_text;

/// Says where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In a file.
    File(Arc<Path>),
    /// By a flag, such as `--set`.
    Flag(Arc<str>),
    /// Nowhere: it follows from what was given for another key, which is named.
    Other(Arc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "in {}", named(path)),
            Self::Flag(flag) => write!(f, "given by {flag}"),
            Self::Other(key) => write!(f, "as `{key}` has it"),
        }
    }
}

/// Holds the text of a configuration file and the path it came from.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
}

impl ConfigFile {
    /// Reads a file, or the standard input where it is `-`, without looking at what is in it.
    ///
    /// Paths in what comes from the standard input are relative to the working folder.
    ///
    /// # Errors
    /// [`ConfigError::Read`] where it is missing, not readable, or not UTF-8.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        let path = path.into();
        match read_text(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    /// Takes a text for the content of a file; paths in it are relative to the folder of `path`.
    #[must_use]
    pub fn from_text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Sets one dotted key from the command line.
#[derive(Debug, Clone)]
pub struct Override {
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}

impl Override {
    /// Reads `dotted.key=value`, as `--set` takes it.
    ///
    /// The value is read as TOML (`0.058`, `1_000`, `[0.3, 0.7]`, `"text"`) and, where it is none, as a bare string,
    /// so that `policy.name=greedy` needs no quotes.
    ///
    /// # Errors
    /// [`ConfigError::Override`] without `=`, with an empty key or part of a key, without a value, or with a backslash in double
    /// quotes that is no escape.
    pub fn set(text: &str) -> Result<Self, ConfigError> {
        let split = Self::split(text).and_then(|(key, value)| match has_bad_escape(value) {
            true => Err(BAD_ESCAPE),
            false => Ok((key, value)),
        });
        match split {
            Ok((key, value)) => Ok(Self::flag("--set", key, value)),
            Err(problem) => Err(ConfigError::Override {
                flag: "--set".to_owned(),
                text: text.to_owned(),
                problem,
            }),
        }
    }

    /// Splits `dotted.key=value`, or says what it lacks.
    pub(super) fn split(text: &str) -> Result<(&str, &str), &'static str> {
        let (key, value) = text.split_once('=').ok_or("has no `=`")?;
        let key = key.trim();
        if key.is_empty() {
            return Err("has no key before the `=`");
        }
        if key.split('.').any(|part| part.trim().is_empty()) {
            return Err("has an empty part in its key");
        }
        if value.trim().is_empty() {
            return Err("has no value after the `=`");
        }
        Ok((key, value))
    }

    /// Takes the value of a flag of its own, such as `--episodes 1000`, for the dotted key that it stands for.
    #[must_use]
    pub fn flag(flag: &str, key: &str, value: impl fmt::Display) -> Self {
        Self {
            key: key.to_owned(),
            value: parse_value(&value.to_string()),
            origin: Origin::Flag(flag.into()),
        }
    }
}

const BAD_ESCAPE: &str = "has a backslash in double quotes, which begins an escape there; single quotes take it as it is, as in \
                          'C:\\folder\\file'";

/// Tells whether a value is a text in double quotes that TOML would take, were it not for its backslashes.
fn has_bad_escape(text: &str) -> bool {
    let text = text.trim();
    let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    let is_value = |text: &str| text.parse::<toml::Value>().is_ok();
    is_quoted && text.contains('\\') && !is_value(text) && is_value(&text.replace('\\', "/"))
}

/// Reads a value as TOML, else as a number that TOML wants a digit more of (`.7`, `3.`), else as a bare string.
fn parse_value(text: &str) -> toml::Value {
    let text = text.trim();
    if let Ok(value) = text.parse::<toml::Value>() {
        return value;
    }
    match text.parse::<f64>() {
        Ok(number) if text.contains('.') => toml::Value::Float(number),
        _ => toml::Value::String(text.to_owned()),
    }
}

/// Collects what was given, the file below the flags.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    file: Option<ConfigFile>,
    overrides: Vec<Override>,
    /// Whether the `[[variant]]` tables of the file are left out: a single run does not know them.
    is_without_variants: bool,
}

impl Layers {
    /// Starts with nothing but the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lays a file over the defaults.
    #[must_use]
    pub fn with_file(mut self, file: ConfigFile) -> Self {
        self.file = Some(file);
        self
    }

    /// Lays a value over everything given so far.
    #[must_use]
    pub fn with_override(mut self, value: Override) -> Self {
        self.overrides.push(value);
        self
    }

    /// Lays `dotted.key=value` over everything given so far; see [`Override::set`].
    ///
    /// # Errors
    /// Those of [`Override::set`].
    pub fn set(self, text: &str) -> Result<Self, ConfigError> {
        Ok(self.with_override(Override::set(text)?))
    }

    /// Leaves out the `[[variant]]` tables of the file.
    pub(super) fn without_variants(mut self) -> Self {
        self.is_without_variants = true;
        self
    }

    /// Tells where a dotted key was given last; `None` where it was not.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] if the file is not TOML.
    pub fn origin(&self, key: &str) -> Result<Option<Origin>, ConfigError> {
        let given = self.assignments()?;
        let mut given = given.into_iter();
        let found = given.find(|assignment| assignment.key == key);
        Ok(found.map(|assignment| assignment.origin))
    }

    /// Parses the file.
    pub(super) fn file_table(&self) -> Result<Option<(toml::Table, Origin)>, ConfigError> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let table = file
            .text
            .parse::<toml::Table>()
            .map_err(|error| ConfigError::Syntax {
                path: file.path.clone(),
                source: SyntaxError::new(&error, &file.text),
            })?;
        Ok(Some((table, Origin::File(file.path.as_path().into()))))
    }

    /// Parses and flattens the layers to one assignment a key, the last given of each.
    pub(super) fn assignments(&self) -> Result<Vec<Assignment>, ConfigError> {
        let mut all = Vec::new();
        if let Some((table, origin)) = self.file_table()? {
            for (key, value) in table {
                if self.is_without_variants && key == VARIANT {
                    continue;
                }
                flatten(quoted(&key), value, &origin, &mut all);
            }
        }
        for given in &self.overrides {
            flatten(
                given.key.clone(),
                given.value.clone(),
                &given.origin,
                &mut all,
            );
        }
        let mut last: Vec<Assignment> = Vec::with_capacity(all.len());
        let mut places: HashMap<String, usize> = HashMap::with_capacity(all.len());
        for assignment in all {
            match places.get(&assignment.key) {
                Some(&place) => last[place] = assignment,
                None => {
                    places.insert(assignment.key.clone(), last.len());
                    last.push(assignment);
                }
            }
        }
        Ok(last)
    }
}

/// One dotted key with the value given for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}

impl Assignment {
    pub(super) fn into_override(self) -> Override {
        Override {
            key: self.key,
            value: self.value,
            origin: self.origin,
        }
    }
}

/// Turns tables into dotted keys; an empty table stays, so that an unknown one is noticed.
pub(super) fn flatten(key: String, value: toml::Value, origin: &Origin, out: &mut Vec<Assignment>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                flatten(format!("{key}.{}", quoted(&name)), value, origin, out);
            }
        }
        value => out.push(Assignment {
            key,
            value,
            origin: origin.clone(),
        }),
    }
}

/// Quotes a name that is no bare one, so that `"user.sensitivity"` in quotes is not mistaken for the dotted key.
pub(super) fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> (String, toml::Value) {
        let given = Override::set(text).unwrap();
        (given.key, given.value)
    }

    #[test]
    fn a_set_value_is_toml_where_it_can_be_and_a_bare_string_elsewhere() {
        assert_eq!(set("a.b=0.5").1, toml::Value::Float(0.5));
        assert_eq!(set("a.b = 1_000_000 ").1, toml::Value::Integer(1_000_000));
        assert_eq!(set("a=true").1, toml::Value::Boolean(true));
        assert_eq!(set("a=[0.3, 0.7]").1.as_array().unwrap().len(), 2);
        assert_eq!(set("policy.name=greedy").1.as_str(), Some("greedy"));
        assert_eq!(set("policy.name=\"greedy\"").1.as_str(), Some("greedy"));
        assert_eq!(set("a=data/x=1.csv").1.as_str(), Some("data/x=1.csv"));
        assert_eq!(set("a=1\nb=2").1.as_str(), Some("1\nb=2"));
    }

    #[test]
    fn numbers_may_lack_the_digit_that_toml_wants() {
        assert_eq!(set("a=.7").1, toml::Value::Float(0.7));
        assert_eq!(set("a=-.5e-3").1, toml::Value::Float(-0.5e-3));
        assert_eq!(set("a=1.2.3").1.as_str(), Some("1.2.3"));
        // An integer too large for TOML stays a text, which a seed may be.
        assert_eq!(
            set("seed=18446744073709551615").1.as_str(),
            Some("18446744073709551615")
        );
    }

    #[test]
    fn a_set_without_key_equals_or_value_is_refused() {
        for (text, problem) in [
            ("environment.slate_size", "has no `=`"),
            ("=5", "has no key before the `=`"),
            ("environment..slate_size=5", "has an empty part in its key"),
            (".slate_size=5", "has an empty part in its key"),
            ("environment.slate_size=", "has no value after the `=`"),
        ] {
            let message = Override::set(text).unwrap_err().to_string();
            assert!(message.contains(problem), "{message}");
            assert!(message.contains(&format!("--set {text}")), "{message}");
        }
    }

    #[test]
    fn the_last_value_given_for_a_key_counts() {
        let layers = Layers::new()
            .with_file(ConfigFile::from_text("run.toml", "seed = 1\nepisodes = 2"))
            .set("seed=3")
            .unwrap()
            .with_override(Override::flag("--seed", "seed", 4));
        let seeds = layers.assignments().unwrap();
        assert_eq!(seeds.len(), 2);
        assert_eq!(seeds[0].value, toml::Value::Integer(4));
        assert_eq!(seeds[0].origin.to_string(), "given by --seed");
    }

    #[test]
    fn tables_become_dotted_keys_however_they_are_written() {
        let written = [
            "[environment.user]\nsensitivity = 0.1",
            "environment.user.sensitivity = 0.1",
            "environment = { user = { sensitivity = 0.1 } }",
        ];
        for text in written {
            let file = ConfigFile::from_text("run.toml", text);
            let all = Layers::new().with_file(file).assignments().unwrap();
            assert_eq!(all.len(), 1);
            assert_eq!(all[0].key, "environment.user.sensitivity");
        }
        let file = ConfigFile::from_text("run.toml", "[environment]\n\"user.sensitivity\" = 1");
        let all = Layers::new().with_file(file).assignments().unwrap();
        assert_eq!(all[0].key, "environment.\"user.sensitivity\"");
    }
}
