//! The resolved values of one section, and how they are written.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::assignment::Assignment;
use super::check::check;
use super::condition::Condition;
use super::{Allowed, Column, ConfigError, Corpus, FromValue, Key, Origin, Value};

/// Holds the checked value of every key that an environment or a policy declared.
///
/// They are read through the structs that declare keys: [`keys!`](crate::keys), [`parameters!`](crate::parameters).
///
/// Two settings are equal if their values are, wherever these were given. They serialize as nested tables.
#[derive(Debug, Clone)]
pub struct Settings {
    section: &'static str,
    parameters: Vec<Parameter>,
}

/// The most ignored columns that a message names; further ones are counted.
const MOST_COLUMNS_TOLD: usize = 8;

#[derive(Debug, Clone)]
struct Parameter {
    name: &'static str,
    value: Option<Value>,
    origin: Origin,
    /// Whether the key has an effect under the other values; if not, it keeps its default and is not written.
    applies: bool,
}

impl Settings {
    /// Checks the values that are given for the keys of `section`, and adds the defaults.
    pub(super) fn resolve(
        section: &'static str,
        keys: &[Key],
        given: &[Assignment],
    ) -> Result<Self, ConfigError> {
        let mut settings = Self {
            section,
            parameters: Vec::with_capacity(keys.len()),
        };
        for key in keys {
            let parameter = settings.parameter(key, given)?;
            settings.parameters.push(parameter);
        }
        Ok(settings)
    }

    fn parameter(&self, key: &Key, given: &[Assignment]) -> Result<Parameter, ConfigError> {
        let full = self.full_name(key.name);
        let holds = |condition: &Condition| self.is(condition);
        let applies = key.applies_when.is_empty() || key.applies_when.iter().any(holds);
        let given = given.iter().find(|assignment| assignment.key == full);
        let (value, origin) = match (given, key.applies_when.first()) {
            (Some(given), Some(condition)) if !applies => {
                return Err(ConfigError::NoEffect {
                    key: full,
                    needs: self.full_name(condition.key),
                    is: quoted(&key.applies_when),
                    origin: given.origin.clone(),
                });
            }
            (Some(given), _) => {
                let allowed = self.applying(&key.allowed);
                (Some(check(&allowed, given)?), given.origin.clone())
            }
            (None, _) => {
                let mut exceptions = key.default_when.iter();
                let exception = exceptions.find(|(when, _)| self.is(when));
                let default = exception.map(|(_, value)| value).or(key.default.as_ref());
                (default.cloned(), Origin::Default)
            }
        };
        if key.required && applies && value.is_none() {
            return Err(ConfigError::Missing {
                key: full,
                reason: format!("it has no default ({})", key.about),
                allowed: key.allowed.to_string(),
            });
        }
        Ok(Parameter {
            name: key.name,
            value,
            origin,
            applies,
        })
    }

    /// Leaves out the columns of a corpus that do not apply.
    pub(super) fn applying<'a>(&self, allowed: &'a Allowed) -> Cow<'a, Allowed> {
        let Allowed::Corpus(columns) = allowed else {
            return Cow::Borrowed(allowed);
        };
        let applies = |column: &&Column| {
            let condition = column.applies_when;
            condition.is_none_or(|when| self.is(&when))
        };
        Cow::Owned(Allowed::Corpus(
            columns.iter().filter(applies).cloned().collect(),
        ))
    }

    fn full_name(&self, key: &str) -> String {
        super::dotted::full_name(self.section, key)
    }

    fn is(&self, condition: &Condition) -> bool {
        matches!(self.value(condition.key), Some(Value::Text(word)) if word == condition.is)
    }

    fn find(&self, key: &str) -> &Parameter {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|parameter| parameter.name == key);
        found.unwrap_or_else(|| panic!("`{key}` is asked for and was not declared"))
    }

    /// Rounds all numbers to single precision, so that all backends compute with the same numbers.
    #[must_use]
    pub(crate) fn in_single_precision(&self) -> Self {
        let mut rounded = self.clone();
        for parameter in &mut rounded.parameters {
            parameter.value = parameter.value.take().map(Value::in_single_precision);
        }
        rounded
    }

    /// Tells whether a key of this name is declared.
    #[must_use]
    pub fn declares(&self, key: &str) -> bool {
        self.parameters
            .iter()
            .any(|parameter| parameter.name == key)
    }

    /// Returns a value of any type; `None` if the key is optional and not given.
    ///
    /// # Panics
    /// If the key is not declared.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.find(key).value.as_ref()
    }

    /// Reads the value of a key as the type that the key was declared with; for [`keys!`](crate::keys).
    ///
    /// # Panics
    /// If the key is not declared, or of another type.
    #[must_use]
    pub fn read<T: FromValue>(&self, key: &str) -> T {
        T::from_value(self.value(key))
            .unwrap_or_else(|| panic!("`{key}` is not read as the type it was declared with"))
    }

    /// Reads the value of a key as a number; for [`parameters!`](crate::parameters).
    ///
    /// # Panics
    /// If the key is not declared.
    #[must_use]
    pub fn read_number<T: FromValue + Into<f64>>(&self, key: &Key<T>) -> f64 {
        self.read::<T>(key.name()).into()
    }

    /// Returns where the value of a key was given.
    ///
    /// # Panics
    /// If the key is not declared.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        &self.find(key).origin
    }

    /// Builds the error for a policy or a layer that cannot work with the rest of the configuration, whatever its values are;
    /// `name` is its name, and `needs` says what it needs.
    #[must_use]
    pub fn unfit(&self, name: &str, needs: impl Into<String>) -> ConfigError {
        ConfigError::Unfit {
            section: self.section.to_owned(),
            name: name.to_owned(),
            needs: needs.into(),
        }
    }

    /// Builds the error for a value that is valid by itself, but not together with other values.
    ///
    /// ```text
    /// if rows != clusters {
    ///     return Err(settings.invalid("user.mean_affinity", format!("a matrix of {clusters} columns, one a topic")));
    /// }
    /// ```
    ///
    /// # Panics
    /// If the key is not declared.
    #[must_use]
    pub fn invalid(&self, key: &str, allowed: impl Into<String>) -> ConfigError {
        let parameter = self.find(key);
        let value = match &parameter.value {
            Some(value) => value.to_string(),
            None => "(not given)".to_owned(),
        };
        ConfigError::invalid(
            self.full_name(key),
            value,
            allowed,
            parameter.origin.clone(),
        )
    }
}

/// Lists the words of conditions on one key.
fn quoted(conditions: &[Condition]) -> String {
    let words = conditions
        .iter()
        .map(|condition| format!("{:?}", condition.is));
    words.collect::<Vec<_>>().join(" or ")
}

impl Settings {
    /// Builds the error for a document of a corpus that contradicts other keys: it names the line or row of the document (`row`
    /// counts from 0) and its value in the column.
    ///
    /// # Panics
    /// If the key is not declared, or holds no corpus with the column and the row.
    #[must_use]
    pub fn bad_document(
        &self,
        key: &str,
        column: &str,
        row: usize,
        allowed: impl Into<String>,
    ) -> ConfigError {
        let Some(Value::Corpus(corpus)) = self.value(key) else {
            panic!("`{key}` holds no corpus");
        };
        let origin = match corpus.path() {
            Some(path) => Origin::File(path.into()),
            None => self.origin(key).clone(),
        };
        ConfigError::Corpus {
            key: self.full_name(key),
            problem: Box::new(super::CorpusProblem::Cell {
                column: column.to_owned(),
                place: corpus.place(row),
                value: corpus.column(column)[row].to_string(),
                allowed: allowed.into(),
            }),
            origin,
        }
    }

    /// Lists what was ignored in the files of corpora.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let of = |(name, corpus): (&str, &Corpus)| {
            let ignored = corpus.ignored().iter().map(|column| match column.as_str() {
                "" => "one without a name".to_owned(),
                column => format!("`{}`", super::quote::clip(column)),
            });
            let mut ignored: Vec<String> = ignored.collect();
            if ignored.len() > MOST_COLUMNS_TOLD {
                let more = ignored.len() - MOST_COLUMNS_TOLD;
                ignored.truncate(MOST_COLUMNS_TOLD);
                ignored.push(format!("{more} more"));
            }
            let columns = ignored.join(", ");
            let path = corpus.path()?.display();
            (!columns.is_empty()).then(|| {
                format!(
                    "`{}`: columns of {path} that are not used: {columns}",
                    self.full_name(name)
                )
            })
        };
        self.corpora().filter_map(of).collect()
    }

    /// Sets a number that was not given, from the value of another key.
    pub(super) fn follow(&mut self, key: &str, value: Value, from: &str) {
        let origin = Origin::Other(self.full_name(from).into());
        let mut parameters = self.parameters.iter_mut();
        if let Some(parameter) = parameters.find(|parameter| parameter.name == key) {
            parameter.value = Some(value);
            parameter.origin = origin;
        }
    }

    /// Builds the error for weights that do not fit the policy.
    ///
    /// # Panics
    /// If the key is not declared.
    #[must_use]
    pub fn misfit(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        let parameter = self.find(key);
        let value = parameter.value.as_ref();
        ConfigError::Weights {
            key: self.full_name(key),
            value: super::quote::clip(&value.map_or_else(String::new, ToString::to_string)),
            problem: problem.into(),
            origin: parameter.origin.clone(),
        }
    }

    /// Lists the corpora that were given, with the names of their keys.
    pub(super) fn corpora(&self) -> impl Iterator<Item = (&'static str, &Corpus)> {
        self.parameters
            .iter()
            .filter_map(|parameter| match &parameter.value {
                Some(Value::Corpus(corpus)) => Some((parameter.name, corpus)),
                _ => None,
            })
    }

    fn written(&self) -> Vec<(&'static str, Option<&Value>)> {
        let applying = self.parameters.iter().filter(|parameter| parameter.applies);
        applying
            .map(|parameter| (parameter.name, parameter.value.as_ref()))
            .collect()
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.section == other.section && self.written() == other.written()
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Tree(self.written()).serialize(serializer)
    }
}

/// Dotted names with their values, to be written as nested tables; a missing value is written as null.
struct Tree<'a>(Vec<(&'a str, Option<&'a Value>)>);

impl Tree<'_> {
    fn write_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let mut done = Vec::new();
        for (name, value) in &self.0 {
            let Some((table, _)) = name.split_once('.') else {
                map.serialize_entry(name, value)?;
                continue;
            };
            if done.contains(&table) {
                continue;
            }
            done.push(table);
            let inside = self.0.iter().filter_map(|(name, value)| {
                let rest = name.strip_prefix(table)?.strip_prefix('.')?;
                Some((rest, *value))
            });
            map.serialize_entry(table, &Tree(inside.collect()))?;
        }
        Ok(())
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write_into(&mut map)?;
        map.end()
    }
}

/// Names an environment or a policy and holds its parameters.
///
/// Serializes as one object, `{"name": ..., <parameters>}`, with the layer around it as a nested one, `"layer": {...}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The name in the declarations.
    pub name: String,
    /// The resolved parameters.
    pub settings: Settings,
    /// The layer around a policy, and in it the one around that.
    pub layer: Option<Box<Self>>,
}

impl Section {
    /// Lists the layers around a policy, the innermost first.
    pub fn layers(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.layer.as_deref(), |section| section.layer.as_deref())
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        Tree(self.settings.written()).write_into(&mut map)?;
        if let Some(layer) = &self.layer {
            map.serialize_entry("layer", layer)?;
        }
        map.end()
    }
}

impl fmt::Display for Section {
    /// Writes the name and, in parentheses, the values that differ from their defaults.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let given = self.settings.parameters.iter();
        let given = given.filter(|parameter| parameter.origin != Origin::Default);
        let mut separator = " (";
        for parameter in given {
            if let Some(value) = &parameter.value {
                write!(f, "{separator}{} = {value}", parameter.name)?;
                separator = ", ";
            }
        }
        if separator == " (" {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::specimen;

    #[test]
    fn values_are_read_by_the_names_of_their_declaration() {
        let entry = specimen::long_term_satisfaction();
        let settings = entry
            .settings_with(&["user.sensitivity=0.058", "num_candidates=20"])
            .unwrap();
        assert_eq!(settings.read::<f64>("user.sensitivity"), 0.058);
        assert_eq!(settings.read::<f64>("user.memory_discount"), 0.7);
        assert_eq!(settings.read::<u32>("num_candidates"), 20);
        assert_eq!(settings.read::<u32>("slate_size"), 2);
        assert!(settings.read::<bool>("resample_documents"));
        assert_eq!(settings.read::<String>("choice.model"), "first");
        assert_eq!(settings.read::<Option<f64>>("choice.no_click_mass"), None);
        assert_eq!(settings.read::<Option<Corpus>>("document.corpus"), None);
        assert_eq!(
            settings.origin("user.sensitivity").to_string(),
            "given by --set"
        );
    }

    #[test]
    fn parameters_serialize_as_nested_objects_in_the_order_of_declaration() {
        let entry = specimen::long_term_satisfaction();
        let section = Section {
            name: entry.name.to_owned(),
            settings: entry.settings_with(&[]).unwrap(),
            layer: None,
        };
        let json = serde_json::to_string(&section).unwrap();
        assert_eq!(
            json,
            r#"{"name":"long_term_satisfaction","num_candidates":10,"slate_size":2,"resample_documents":true,"user":{"memory_discount":0.7,"sensitivity":0.01,"innovation_stddev":0.05,"choc_mean":5.0,"choc_stddev":1.0,"kale_mean":4.0,"kale_stddev":1.0,"time_budget":60.0,"observation_noise_stddev":0.0},"document":{"corpus":null,"num_clusters":0,"seed":null},"choice":{"model":"first","no_click_mass":null}}"#
        );
    }

    #[test]
    fn a_default_follows_the_key_it_depends_on_unless_given() {
        let entry = specimen::interest_evolution();
        let settings = entry.settings_with(&[]).unwrap();
        assert_eq!(settings.read::<f64>("user.time_budget"), 200.0);
        let other = entry.settings_with(&["user.sampler=distribution"]).unwrap();
        assert_eq!(other.read::<f64>("user.time_budget"), 60.0);
        let given = entry
            .settings_with(&["user.sampler=distribution", "user.time_budget=5"])
            .unwrap();
        assert_eq!(given.read::<f64>("user.time_budget"), 5.0);
    }

    #[test]
    fn a_key_without_effect_is_refused_and_left_out_of_the_record() {
        let entry = specimen::interest_evolution();
        let error = entry
            .settings_with(&["document.sampler=distribution", "document.video_length=4"])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`environment.document.video_length` has no effect unless `environment.document.sampler` = \
             \"utility_model\" (given by --set)"
        );
        let settings = entry
            .settings_with(&["document.sampler=distribution"])
            .unwrap();
        let json = serde_json::to_value(&settings).unwrap();
        assert!(json["document"].get("video_length").is_none());
        assert_eq!(json["document"]["video_length_mean"], 4.3);
        // The value can be read even if it does not apply.
        assert_eq!(settings.read::<f64>("document.video_length"), 4.0);
    }

    #[test]
    fn a_problem_across_keys_names_the_key_its_value_and_its_origin() {
        let entry = specimen::interest_exploration();
        let settings = entry
            .settings_with(&["user.type_distribution=[0.5, 0.5]"])
            .unwrap();
        assert_eq!(
            settings
                .invalid("user.type_distribution", "one probability a row")
                .to_string(),
            "`environment.user.type_distribution` = [0.5, 0.5] is not allowed; allowed is one probability a row \
             (given by --set)"
        );
        assert_eq!(
            settings
                .invalid("document.topic_quality_mean", "another")
                .to_string(),
            "`environment.document.topic_quality_mean` = [0.8, 0.2] is not allowed; allowed is another (the default)"
        );
    }

    #[test]
    fn settings_are_equal_where_their_values_are() {
        let entry = specimen::long_term_satisfaction();
        let default = entry.settings_with(&[]).unwrap();
        assert_eq!(
            entry.settings_with(&["user.sensitivity=0.01"]).unwrap(),
            default
        );
        assert_ne!(
            entry.settings_with(&["user.sensitivity=0.02"]).unwrap(),
            default
        );
    }

    #[test]
    #[should_panic(expected = "`user.sensitivty` is asked for and was not declared")]
    fn asking_for_an_undeclared_key_is_a_mistake_of_the_program() {
        let entry = specimen::long_term_satisfaction();
        let settings = entry.settings_with(&[]).unwrap();
        let _ = settings.read::<f64>("user.sensitivty");
    }

    #[test]
    fn a_section_shows_what_was_not_left_at_its_default() {
        let entry = specimen::long_term_satisfaction();
        let section = |given: &[&str]| Section {
            name: entry.name.to_owned(),
            settings: entry.settings_with(given).unwrap(),
            layer: None,
        };
        assert_eq!(section(&[]).to_string(), "long_term_satisfaction");
        assert_eq!(
            section(&["user.sensitivity=0.058", "slate_size=3"]).to_string(),
            "long_term_satisfaction (slate_size = 3, user.sensitivity = 0.058)"
        );
    }
}
