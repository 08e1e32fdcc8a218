//! Sources of values: one file and the flags, laid over the defaults.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::assignment::{Assignment, Override, flatten};
use super::dotted::quoted;
use super::error::SyntaxError;
use super::{ConfigError, Origin};
use crate::text_file::read_text;

/// The key of the file that holds the variants.
pub(super) const VARIANT: &str = "variant";

/// Holds the text of a configuration file and the path it came from.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
}

impl ConfigFile {
    /// Reads a file, or standard input for `-`, without parsing it.
    ///
    /// In a configuration from standard input, paths are relative to the working folder.
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

    /// Treats a text as the content of a file; paths in it are relative to the folder of `path`.
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

/// Collects the sources of values; flags override the file.
///
/// ```
/// use slatesim::config::{Config, ConfigFile, Sources};
/// use slatesim::registry;
///
/// let file = ConfigFile::from_text("run.toml", "seed = 7\nepisodes = 1_000");
/// let sources = Sources::new().with_file(file).set("seed=8")?.set("policy.name=static")?;
/// let config = Config::resolve(&sources, &registry::declarations())?;
/// assert_eq!((config.seed, config.episodes), (8, 1000));
/// assert_eq!(config.policy.name, "static");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<ConfigFile>,
    overrides: Vec<Override>,
    /// Whether the `[[variant]]` tables of the file are ignored: a single run does not have them.
    is_without_variants: bool,
}

impl Sources {
    /// Starts with nothing but the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, which overrides the defaults.
    #[must_use]
    pub fn with_file(mut self, file: ConfigFile) -> Self {
        self.file = Some(file);
        self
    }

    /// Adds a value, which overrides everything given so far.
    #[must_use]
    pub fn with_override(mut self, value: Override) -> Self {
        self.overrides.push(value);
        self
    }

    /// Adds `dotted.key=value`, which overrides everything given so far; see [`Override::set`].
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

    /// Returns where a dotted key was given last; `None` if it was not given.
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

    /// Parses all sources, and keeps the last value of each key.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_given_for_a_key_counts() {
        let sources = Sources::new()
            .with_file(ConfigFile::from_text("run.toml", "seed = 1\nepisodes = 2"))
            .set("seed=3")
            .unwrap()
            .with_override(Override::flag("--seed", "seed", 4));
        let seeds = sources.assignments().unwrap();
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
            let all = Sources::new().with_file(file).assignments().unwrap();
            assert_eq!(all.len(), 1);
            assert_eq!(all[0].key, "environment.user.sensitivity");
        }
        let file = ConfigFile::from_text("run.toml", "[environment]\n\"user.sensitivity\" = 1");
        let all = Sources::new().with_file(file).assignments().unwrap();
        assert_eq!(all[0].key, "environment.\"user.sensitivity\"");
    }
}
