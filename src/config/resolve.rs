//! Makes one checked configuration from the given values.

use serde::Serialize;

use super::assignment::Assignment;
use super::common_keys::RunKeys;
use super::dotted::{ENVIRONMENT, LAYERS, POLICY, full_name, is_inside};
use super::error::UnknownKey;
use super::nearest::{nearest_key, nearest_name};
use super::quote::{clip, type_name};
use super::sources::VARIANT;
use super::{ConfigError, Declarations, Entry, Hint, Key, Origin, Section, Settings, Sources};

/// Describes a run completely: everything that its numbers depend on.
///
/// ```
/// use slatesim::config::{Config, ConfigFile, Sources};
/// use slatesim::registry;
///
/// let text = r#"
/// seed = 7
/// max_steps = 20
/// policy.name = "greedy_pctr"
///
/// [environment]
/// name = "interest_exploration"
/// "#;
/// let sources = Sources::new().with_file(ConfigFile::from_text("run.toml", text));
/// let config = Config::resolve(&sources, &registry::declarations())?;
/// assert_eq!((config.seed, config.max_steps), (7, Some(20)));
/// assert_eq!(config.policy.name, "greedy_pctr");
/// // And what a backend runs.
/// let simulation = registry::simulation(&config)?;
/// assert_eq!(simulation.plan.max_steps, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Config {
    /// Key of all random numbers.
    pub seed: u64,
    /// Episodes to simulate, at least 1.
    pub episodes: u64,
    /// Steps after which an episode is truncated.
    pub max_steps: Option<u32>,
    /// Discounts of the returns that are reported besides the plain one; left out if there are none.
    #[serde(rename = "discount", skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<f64>,
    /// The environment with its parameters.
    pub environment: Section,
    /// The policy with its parameters.
    pub policy: Section,
}

const DEFAULT_ENVIRONMENT: &str = "long_term_satisfaction";
const DEFAULT_POLICY: &str = "random";

/// Each discount takes a sum in the registers of a GPU lane.
const MAX_DISCOUNTS: usize = 8;

/// The most known keys that an error lists; more would hide its sentence.
const MOST_KEYS_TOLD: usize = 12;

impl Config {
    /// Lays the given values over the defaults, and checks the result.
    ///
    /// It reads only the files that keys name.
    ///
    /// # Errors
    /// A [`ConfigError`] for the first thing that is wrong: first the syntax, then the names of the environment and the
    /// policy, then unknown keys, then values, then conditions between values.
    pub fn resolve(sources: &Sources, declarations: &Declarations) -> Result<Self, ConfigError> {
        let mut given = sources.assignments()?;
        for assignment in given.iter_mut().filter(|one| one.key == RunKeys::discount) {
            // A single number counts as a list of one.
            if assignment.value.is_float() || assignment.value.is_integer() {
                assignment.value = toml::Value::Array(vec![assignment.value.clone()]);
            }
        }
        let environment = find(
            "environment.name",
            DEFAULT_ENVIRONMENT,
            &declarations.environments,
            &given,
        )?;
        let policy = find(
            "policy.name",
            DEFAULT_POLICY,
            &declarations.policies,
            &given,
        )?;
        let layers = find_layers(&declarations.layers, &given)?;
        let run = RunKeys::declared();
        let known = Known::new(&run, environment, policy, &layers, declarations);
        for assignment in &given {
            known.check(assignment)?;
        }

        let settings = Settings::resolve("", &run, &given)?;
        let RunKeys {
            seed,
            episodes,
            max_steps,
            discount,
        } = RunKeys::read(&settings);
        let config = Self {
            seed,
            episodes,
            max_steps,
            discounts: discounts(&settings, discount)?,
            environment: Section {
                name: environment.name.to_owned(),
                settings: environment.settings(&given)?,
                layer: None,
            },
            policy: Section {
                name: policy.name.to_owned(),
                settings: policy.settings(&given)?,
                layer: layer_sections(&layers, &given)?,
            },
        };
        if environment.never_terminates && config.max_steps.is_none() {
            return Err(ConfigError::Missing {
                key: "max_steps".to_owned(),
                reason: format!(
                    "episodes of {} do not end by themselves",
                    environment.title()
                ),
                allowed: format!("an integer from 1 to {}", u32::MAX),
            });
        }
        Ok(config)
    }

    /// Lists what was ignored in the files that keys name, and is no mistake.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.environment.settings.notes()
    }
}

/// Checks that discounts are few, and different.
fn discounts(settings: &Settings, given: Option<Vec<f64>>) -> Result<Vec<f64>, ConfigError> {
    let discounts = given.unwrap_or_default();
    let is_double = |(index, one): (usize, &f64)| discounts[..index].contains(one);
    if discounts.len() > MAX_DISCOUNTS || discounts.iter().enumerate().any(is_double) {
        let allowed = format!("up to {MAX_DISCOUNTS} numbers from 0 to 1, each at most once");
        return Err(settings.invalid(RunKeys::discount, allowed));
    }
    Ok(discounts)
}

/// Finds the environment or policy that was named, or the default one.
fn find<'a>(
    key: &str,
    default: &str,
    entries: &'a [Entry],
    given: &[Assignment],
) -> Result<&'a Entry, ConfigError> {
    let (name, origin) = match given.iter().find(|assignment| assignment.key == key) {
        None => (default, Origin::Default),
        Some(assignment) => match &assignment.value {
            toml::Value::String(name) => (name.as_str(), assignment.origin.clone()),
            other => {
                return Err(ConfigError::WrongType {
                    key: key.to_owned(),
                    value: clip(&other.to_string()),
                    found: type_name(other),
                    allowed: format!("one of {}", names(entries).join(", ")),
                    origin: assignment.origin.clone(),
                });
            }
        },
    };
    let found = entries.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| ConfigError::UnknownName {
        key: key.to_owned(),
        name: name.to_owned(),
        nearest: nearest_name(name, names(entries)).map(str::to_owned),
        known: names(entries).into_iter().map(str::to_owned).collect(),
        origin,
    })
}

/// Finds the layers that were named, the innermost first.
fn find_layers<'a>(
    entries: &'a [Entry],
    given: &[Assignment],
) -> Result<Vec<&'a Entry>, ConfigError> {
    let mut layers: Vec<&Entry> = Vec::new();
    for section in LAYERS {
        let Some(inside) = given.iter().find(|one| is_inside(&one.key, section)) else {
            break;
        };
        let key = full_name(section, "name");
        if !given.iter().any(|one| one.key == key) {
            return Err(ConfigError::Missing {
                key,
                reason: format!("`{}` is of a layer that has no name", inside.key),
                allowed: format!("one of {}", names(entries).join(", ")),
            });
        }
        let layer = find(&key, "", entries, given)?;
        if layers.iter().any(|other| other.name == layer.name) {
            let origin = given.iter().find(|one| one.key == key);
            return Err(ConfigError::invalid(
                key.clone(),
                format!("{:?}", layer.name),
                "each layer at most once",
                origin.map_or(Origin::Default, |one| one.origin.clone()),
            ));
        }
        layers.push(layer);
    }
    Ok(layers)
}

/// Resolves the keys of the layers, and nests them.
fn layer_sections(
    layers: &[&Entry],
    given: &[Assignment],
) -> Result<Option<Box<Section>>, ConfigError> {
    let mut outer = None;
    for (entry, section) in layers.iter().zip(LAYERS).rev() {
        outer = Some(Box::new(Section {
            name: entry.name.to_owned(),
            settings: entry.settings_of(section, given)?,
            layer: outer,
        }));
    }
    Ok(outer)
}

fn names(entries: &[Entry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.name).collect()
}

/// All keys of a run with this environment and this policy.
struct Known<'a> {
    /// Each key's dotted name with what is allowed.
    keys: Vec<(String, String)>,
    environment: &'a Entry,
    policy: &'a Entry,
    layers: &'a [&'a Entry],
    declarations: &'a Declarations,
}

impl<'a> Known<'a> {
    fn new(
        run: &[Key],
        environment: &'a Entry,
        policy: &'a Entry,
        layers: &'a [&'a Entry],
        declarations: &'a Declarations,
    ) -> Self {
        let mut keys = Vec::new();
        let mut sections = vec![
            ("", run, None),
            (
                ENVIRONMENT,
                environment.keys.as_slice(),
                Some(&declarations.environments),
            ),
            (POLICY, &policy.keys, Some(&declarations.policies)),
        ];
        let layer_sections = layers.iter().zip(LAYERS);
        sections.extend(
            layer_sections.map(|(layer, section)| {
                (section, layer.keys.as_slice(), Some(&declarations.layers))
            }),
        );
        for (section, declared, entries) in sections {
            if let Some(entries) = entries {
                let allowed = format!("one of {}", names(entries).join(", "));
                keys.push((full_name(section, "name"), allowed));
            }
            for key in declared {
                keys.push((full_name(section, key.name), key.allowed.to_string()));
            }
        }
        Self {
            keys,
            environment,
            policy,
            layers,
            declarations,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(name, _)| name.as_str())
    }

    /// Refuses an assignment to a key that is not known, to a table, or to something inside a key.
    fn check(&self, given: &Assignment) -> Result<(), ConfigError> {
        if self.names().any(|name| name == given.key) {
            return Ok(());
        }
        let wrong_type = |key: &str, value: String, found, allowed| {
            Err(ConfigError::WrongType {
                key: key.to_owned(),
                value,
                found,
                allowed,
                origin: given.origin.clone(),
            })
        };
        if self.names().any(|name| is_inside(name, &given.key)) {
            // An empty table sets nothing, and is no mistake.
            return match &given.value {
                toml::Value::Table(_) => Ok(()),
                other => {
                    let keys = self.children(&given.key).join(", ");
                    let allowed = format!("a table with the keys {keys}");
                    wrong_type(
                        &given.key,
                        clip(&other.to_string()),
                        type_name(other),
                        allowed,
                    )
                }
            };
        }
        if let Some((key, allowed)) = self
            .keys
            .iter()
            .find(|(name, _)| is_inside(&given.key, name))
        {
            let inside = &given.key[key.len() + 1..];
            let value = clip(&format!("{{ {inside} = {} }}", given.value));
            return wrong_type(key, value, "a table", allowed.clone());
        }
        Err(self.unknown(given))
    }

    fn unknown(&self, given: &Assignment) -> ConfigError {
        let mut table = given.key.as_str();
        loop {
            table = table.rsplit_once('.').map_or("", |(table, _)| table);
            if self.names().any(|name| is_inside(name, table)) {
                break;
            }
        }
        let mut known = self.children(table);
        if known.len() > MOST_KEYS_TOLD {
            known.clear();
        }
        let elsewhere = if given.key == VARIANT {
            Some(Hint::OfComparison)
        } else {
            self.elsewhere(&given.key).map(Hint::BelongsTo)
        };
        let near =
            || nearest_key(&given.key, self.names()).map(|key| Hint::Nearest(key.to_owned()));
        ConfigError::UnknownKey(Box::new(UnknownKey {
            key: given.key.clone(),
            owner: self.owner(&given.key),
            hint: elsewhere.or_else(near),
            table: table.to_owned(),
            known,
            origin: given.origin.clone(),
        }))
    }

    fn owner(&self, key: &str) -> String {
        let mut layers = self.layers.iter().zip(LAYERS).rev();
        if let Some((layer, _)) = layers.find(|(_, section)| is_inside(key, section)) {
            layer.title()
        } else if is_inside(key, ENVIRONMENT) {
            self.environment.title()
        } else if is_inside(key, POLICY) {
            self.policy.title()
        } else {
            "the configuration".to_owned()
        }
    }

    /// Finds another environment or policy that has this key: the name may have been changed without its keys.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let (section, key) = key.split_once('.')?;
        let entries = match section {
            ENVIRONMENT => &self.declarations.environments,
            POLICY => &self.declarations.policies,
            _ => return None,
        };
        let mut entries = entries.iter();
        let found = entries.find(|entry| entry.keys.iter().any(|other| other.name == key));
        found.map(Entry::title)
    }

    /// Lists the keys directly in a table; a table within it is shown as `user.*`.
    fn children(&self, table: &str) -> Vec<String> {
        let mut children: Vec<String> = Vec::new();
        for name in self.names().filter(|name| is_inside(name, table)) {
            let rest = if table.is_empty() {
                name
            } else {
                &name[table.len() + 1..]
            };
            let child = match rest.split_once('.') {
                Some((table, _)) => format!("{table}.*"),
                None => rest.to_owned(),
            };
            if !children.contains(&child) {
                children.push(child);
            }
        }
        children
    }
}

#[cfg(test)]
mod tests;
