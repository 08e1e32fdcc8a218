//! The environments, policies and layers of a registry, with the keys that they declare.

use serde::Serialize;

use super::assignment::Assignment;
use super::check::check;
use super::common_keys::{CHOICE_MODEL, CommonKeys, SeedKeys, check_common, follow_corpus};
use super::dotted::{ENVIRONMENT, LAYERS, POLICY, full_name, is_inside};
use super::{Allowed, ChoiceModels, Column, ConfigError, Key, Origin, Override, Settings, Value};

/// Lists everything that a configuration can name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Declarations {
    /// The environments, with the keys of the choice models that they offer.
    pub environments: Vec<Entry>,
    /// The choice models.
    #[serde(skip)]
    pub choices: Vec<Entry>,
    /// The policies.
    pub policies: Vec<Entry>,
    /// The layers that go around a policy.
    pub layers: Vec<Entry>,
}

/// Describes one environment, choice model, policy or layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The name that a configuration gives.
    pub name: &'static str,
    /// A description in one line.
    pub about: &'static str,
    /// Whether its documents are the same whatever the seed is, so that there is no `document.seed`.
    pub draws_no_documents: bool,
    /// Whether an episode can go on for ever, so that `max_steps` must be given.
    pub never_terminates: bool,
    /// The keys, relative to the section; an environment's list begins with the keys that all environments have.
    pub keys: Vec<Key>,
    #[serde(skip)]
    section: &'static str,
    #[serde(skip)]
    is_only_where_named: bool,
}

impl Entry {
    fn of_section(
        section: &'static str,
        name: &'static str,
        about: &'static str,
        keys: Vec<Key>,
    ) -> Self {
        Self {
            name,
            about,
            draws_no_documents: false,
            never_terminates: false,
            keys,
            section,
            is_only_where_named: false,
        }
    }

    /// Describes an environment.
    ///
    /// The keys of all environments (`num_candidates`, `slate_size`, `resample_documents`, `document.seed`) are added
    /// automatically; a key with such a name in `keys` replaces the common one, with a default of its own.
    #[must_use]
    pub fn environment(name: &'static str, about: &'static str, keys: Vec<Key>) -> Self {
        let mut own = keys;
        let mut all = CommonKeys::declared();
        for common in &mut all {
            if let Some(position) = own.iter().position(|key| key.name == common.name) {
                *common = own.remove(position);
            }
        }
        all.append(&mut own);
        // An environment that takes over the keys of another one has this key already.
        if all.iter().all(|key| key.name != SeedKeys::document_seed) {
            all.append(&mut SeedKeys::declared());
        }
        Self::of_section(ENVIRONMENT, name, about, all)
    }

    /// Describes a policy.
    #[must_use]
    pub fn policy(name: &'static str, about: &'static str, keys: Vec<Key>) -> Self {
        Self::of_section(POLICY, name, about, keys)
    }

    /// Describes a layer.
    #[must_use]
    pub fn layer(name: &'static str, about: &'static str, keys: Vec<Key>) -> Self {
        Self::of_section(LAYERS[0], name, about, keys)
    }

    /// Describes a choice model; its keys belong to the environment, and begin with `choice.`.
    ///
    /// It is offered by the environments that name it, and by all that offer several choice models. Its keys apply where it is
    /// chosen, and cannot have further conditions.
    #[must_use]
    pub fn choice(name: &'static str, about: &'static str, keys: Vec<Key>) -> Self {
        Self::of_section(ENVIRONMENT, name, about, keys)
    }

    /// States that a choice model is offered only by the environments that name it.
    #[must_use]
    pub fn only_where_named(mut self) -> Self {
        self.is_only_where_named = true;
        self
    }

    /// Tells whether a choice model is offered only by the environments that name it.
    pub(crate) fn is_only_where_named(&self) -> bool {
        self.is_only_where_named
    }

    /// Declares the keys of the choice models that an environment offers, the default first, and, if there are several, the
    /// key that chooses between them.
    ///
    /// Models may share a key, which then applies with each of them.
    ///
    /// # Panics
    /// If the keys are not declared as [`Entry::check`] wants them, or a key differs between models: mistakes of an author.
    pub(crate) fn offer(&mut self, models: &[&Self], choice_models: &ChoiceModels) {
        let mut keys = Vec::new();
        if let [default, _, ..] = models {
            let words = models.iter().map(|model| model.name).collect();
            keys.push(Key::choice_model(CHOICE_MODEL, default.name, words));
        }
        for model in models {
            for key in &model.keys {
                let mut key = choice_models.adapt(key);
                assert!(
                    key.applies_when.is_empty(),
                    "`{}` of the choice model {:?} cannot have a condition of its own",
                    key.name,
                    model.name
                );
                if models.len() > 1 {
                    key = key.applies_when(CHOICE_MODEL, model.name);
                }
                let Some(shared) = keys.iter_mut().find(|known| known.name == key.name) else {
                    keys.push(key);
                    continue;
                };
                assert!(
                    shared.has_same_values(&key),
                    "the choice model {:?} declares `{}` otherwise than another one that {:?} offers",
                    model.name,
                    key.name,
                    self.name
                );
                shared.applies_when.append(&mut key.applies_when);
                shared.join_source(key.source);
            }
        }
        let own = &keys[usize::from(models.len() > 1)..];
        if let Some(unknown) = choice_models.unknown_default(own) {
            panic!(
                "{:?} has a default of `{unknown}`, a key that no choice model has that it offers",
                self.name
            );
        }
        // The seed of the documents stays the last key.
        let is_seed = |key: &Key| key.name == SeedKeys::document_seed;
        let end = self.keys.len() - usize::from(self.keys.last().is_some_and(is_seed));
        self.keys.splice(end..end, keys);
        if let Err(error) = self.check() {
            panic!("{error}");
        }
    }

    /// States that the documents are the same whatever the seed is: there is no `document.seed`.
    #[must_use]
    pub fn draws_no_documents(mut self) -> Self {
        self.draws_no_documents = true;
        self.keys.retain(|key| key.name != SeedKeys::document_seed);
        self
    }

    /// States that episodes do not end by themselves: a run must give `max_steps`.
    #[must_use]
    pub fn never_terminates(mut self) -> Self {
        self.never_terminates = true;
        self
    }

    /// Lists every combination of choice model (`choice.model`) and document sampler (`document.sampler`), as dotted keys with
    /// their values; one empty combination if the environment has neither key.
    #[must_use]
    pub fn variants(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        let mut variants = vec![Vec::new()];
        for name in ["document.sampler", "choice.model"] {
            let key = self.keys.iter().find(|key| key.name == name);
            if let Some(Allowed::OneOf(words)) = key.map(|key| &key.allowed) {
                let with = |variant: &Vec<_>| {
                    let variant = variant.clone();
                    words.iter().map(move |&word| {
                        let mut variant = variant.clone();
                        variant.push((name, word));
                        variant
                    })
                };
                variants = variants.iter().flat_map(with).collect();
            }
        }
        variants
    }

    /// Resolves the keys from `key=value` texts alone, with keys relative to the section: for tests and for programs that use
    /// no file.
    ///
    /// # Errors
    /// Those of [`Config::resolve`](super::Config::resolve), except that an unknown key is simply called unknown.
    pub fn settings_with(&self, given: &[&str]) -> Result<Settings, ConfigError> {
        let assignment = |text: &&str| {
            let Override { key, value, origin } = Override::set(text)?;
            if self.keys.iter().all(|known| known.name != key) {
                return Err(ConfigError::UnknownKey(Box::new(super::UnknownKey {
                    key: full_name(self.section, &key),
                    owner: self.title(),
                    hint: None,
                    table: String::new(),
                    known: Vec::new(),
                    origin,
                })));
            }
            let key = full_name(self.section, &key);
            Ok(Assignment { key, value, origin })
        };
        let given = given
            .iter()
            .map(assignment)
            .collect::<Result<Vec<_>, _>>()?;
        self.settings(&given)
    }

    /// Resolves the keys, and checks conditions across the keys that all environments have.
    pub(super) fn settings(&self, given: &[Assignment]) -> Result<Settings, ConfigError> {
        let mut settings = self.settings_of(self.section, given)?;
        if self.section == ENVIRONMENT {
            follow_corpus(&mut settings);
            check_common(&settings)?;
        }
        Ok(settings)
    }

    /// Resolves the keys for another section than the usual one.
    pub(super) fn settings_of(
        &self,
        section: &'static str,
        given: &[Assignment],
    ) -> Result<Settings, ConfigError> {
        Settings::resolve(section, &self.keys, given)
    }

    /// Lists the columns of `document.corpus` that apply, lists one by one, each with whether it is optional; `names` are the
    /// fields of a document. `None` if there is no such key.
    pub(crate) fn corpus_columns<'a>(
        &self,
        settings: &Settings,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Option<Vec<(String, bool)>> {
        let key = self.keys.iter().find(|key| key.name == "document.corpus")?;
        let allowed = settings.applying(&key.allowed);
        let Allowed::Corpus(columns) = allowed.as_ref() else {
            return None;
        };
        let columns = Column::asked_for(columns, names).into_iter();
        Some(
            columns
                .map(|column| (column.name.into_owned(), column.is_optional))
                .collect(),
        )
    }

    /// Names the entry in a message: `environment "item_transition"`.
    pub(super) fn title(&self) -> String {
        format!("{} {:?}", self.section, self.name)
    }

    /// Checks the declarations themselves for mistakes of their author.
    ///
    /// # Errors
    /// [`ConfigError::Declaration`] for a name that is declared twice or reserved, for one that is also a table, for a default
    /// that its key does not allow, and for a condition on a key that is not a choice among words or is not declared before.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (position, key) in self.keys.iter().enumerate() {
            let before = &self.keys[..position];
            self.check_key(key, before)
                .map_err(|problem| ConfigError::Declaration {
                    entry: self.name.to_owned(),
                    key: key.name.to_owned(),
                    problem,
                })?;
        }
        Ok(())
    }

    fn check_key(&self, key: &Key, before: &[Key]) -> Result<(), String> {
        if key.name == "name" {
            return Err("`name` is the name of the section".to_owned());
        }
        if key.name == "layer" || is_inside(key.name, "layer") {
            return Err("`layer` is the section of the layer around a policy".to_owned());
        }
        for other in before {
            if other.name == key.name {
                return Err("it is declared twice".to_owned());
            }
            if is_inside(key.name, other.name) || is_inside(other.name, key.name) {
                return Err(format!("`{}` cannot be a value and a table", other.name));
            }
        }
        let conditions = key.default_when.iter().map(|(condition, _)| condition);
        for condition in conditions.chain(&key.applies_when) {
            let known = before.iter().find(|other| other.name == condition.key);
            match known.map(|other| &other.allowed) {
                Some(Allowed::OneOf(words)) if words.contains(&condition.is) => {}
                _ => {
                    return Err(format!(
                        "its condition `{}` = {:?} is on no choice among words declared before it",
                        condition.key, condition.is
                    ));
                }
            }
        }
        let exceptions = key.default_when.iter().map(|(_, value)| value);
        for default in key.default.iter().chain(exceptions) {
            check_default(key, default)?;
        }
        Ok(())
    }
}

/// Checks a default as a given value is checked.
fn check_default(key: &Key, default: &Value) -> Result<(), String> {
    let value = match default {
        // Larger than TOML's integers; it is valid by construction.
        Value::Integer(large) if i64::try_from(*large).is_err() => return Ok(()),
        value => toml::Value::try_from(value).map_err(|error| error.to_string())?,
    };
    let given = Assignment {
        key: key.name.to_owned(),
        value,
        origin: Origin::Default,
    };
    check(&key.allowed, &given).map_or_else(|error| Err(error.to_string()), |_| Ok(()))
}

impl Declarations {
    /// Finds an environment by its name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Entry> {
        self.environments.iter().find(|entry| entry.name == name)
    }

    /// Finds a policy by its name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Entry> {
        self.policies.iter().find(|entry| entry.name == name)
    }

    /// Finds a layer by its name.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<&Entry> {
        self.layers.iter().find(|entry| entry.name == name)
    }

    /// Checks the declarations of all entries; see [`Entry::check`].
    ///
    /// # Errors
    /// Those of [`Entry::check`], and [`ConfigError::Declaration`] for a name that two environments, two policies or two layers have.
    pub fn check(&self) -> Result<(), ConfigError> {
        for entries in [&self.environments, &self.policies, &self.layers] {
            for (position, entry) in entries.iter().enumerate() {
                entry.check()?;
                if entries[..position]
                    .iter()
                    .any(|other| other.name == entry.name)
                {
                    return Err(ConfigError::Declaration {
                        entry: entry.name.to_owned(),
                        key: "name".to_owned(),
                        problem: "another entry has this name".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Bounds;
    use crate::test_support::specimen;

    fn refusal(keys: Vec<Key>) -> String {
        let entry = Entry::environment("boredom", "", keys);
        entry.check().unwrap_err().to_string()
    }

    #[test]
    fn the_specimens_are_declared_well() {
        specimen::declarations().check().unwrap();
    }

    #[test]
    fn an_environment_may_have_its_own_default_for_a_common_key() {
        let entry = specimen::item_transition();
        assert_eq!(
            entry.settings_with(&[]).unwrap().read::<u32>("slate_size"),
            1
        );
        assert_eq!(
            entry
                .keys
                .iter()
                .filter(|key| key.name == "slate_size")
                .count(),
            1
        );
    }

    #[test]
    fn a_default_out_of_its_own_range_is_the_authors_mistake() {
        let message = refusal(vec![Key::probability("user.p", 1.5).of_any_type()]);
        assert!(
            message.starts_with("`boredom` declares the key `user.p` wrongly"),
            "{message}"
        );
        assert!(
            refusal(vec![Key::distribution("p", &[0.5, 0.4]).of_any_type()]).contains("sum 0.9")
        );
        crate::words! {
            /// Two words.
            enum Letter {
                /// One.
                X = "x",
                /// The other.
                Y = "y",
            }
        }
        let exception = Key::one_of("a", Letter::X).of_any_type();
        let dependent = Key::positive("b", 1.0)
            .default_when("a", "y", 0.0)
            .of_any_type();
        assert!(refusal(vec![exception, dependent]).contains("`b` = 0"));
    }

    #[test]
    fn names_that_clash_are_the_authors_mistake() {
        let key = |name| Key::number(name, 0.0, Bounds::FINITE).of_any_type();
        assert!(refusal(vec![key("a"), key("a")]).contains("twice"));
        assert!(refusal(vec![key("user"), key("user.a")]).contains("a value and a table"));
        assert!(refusal(vec![key("name")]).contains("name of the section"));
        let condition = key("b").default_when("a", "x", 1.0);
        assert!(refusal(vec![condition]).contains("no choice among words"));
    }

    /// Two choice models that share a key, with different defaults of it.
    fn choice_models() -> [Entry; 2] {
        let mass = |default| Key::number("choice.mass", default, Bounds::FINITE).of_any_type();
        let slope = Key::number("choice.slope", 4.0, Bounds::FINITE).of_any_type();
        [
            Entry::choice("heavy", "", vec![mass(1.0), slope]),
            Entry::choice("light", "", vec![mass(0.0)]),
        ]
    }

    #[test]
    fn a_key_that_choice_models_share_applies_with_each_and_has_the_default_of_the_environment() {
        let [heavy, light] = choice_models();
        let mut entry = Entry::environment("boredom", "", vec![]);
        let models = ChoiceModels::of(&["heavy", "light"]).with_default("choice.mass", 2.0);
        entry.offer(&[&heavy, &light], &models);
        let names: Vec<_> = entry.keys.iter().map(|key| key.name).collect();
        assert_eq!(
            names[3..],
            [
                "choice.model",
                "choice.mass",
                "choice.slope",
                "document.seed"
            ]
        );
        for model in ["heavy", "light"] {
            let settings = entry.settings_with(&[&format!("choice.model={model}")]);
            assert_eq!(settings.unwrap().read::<f64>("choice.mass"), 2.0, "{model}");
        }
        let refused = entry.settings_with(&["choice.model=light", "choice.slope=3"]);
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("has no effect unless"), "{message}");
    }

    #[test]
    fn a_single_choice_model_leaves_nothing_to_choose() {
        let [heavy, _] = choice_models();
        let mut entry = Entry::environment("boredom", "", vec![]);
        entry.offer(&[&heavy], &ChoiceModels::of(&["heavy"]));
        assert!(entry.keys.iter().all(|key| key.name != CHOICE_MODEL));
        let settings = entry.settings_with(&["choice.slope=3"]).unwrap();
        assert_eq!(settings.read::<f64>("choice.slope"), 3.0);
    }

    #[test]
    #[should_panic(expected = "declares `choice.mass` otherwise than another one")]
    fn a_key_that_means_two_things_is_the_authors_mistake() {
        let [heavy, light] = choice_models();
        let models = ChoiceModels::of(&["heavy", "light"]);
        Entry::environment("boredom", "", vec![]).offer(&[&heavy, &light], &models);
    }

    #[test]
    #[should_panic(expected = "has a default of `choice.slope`")]
    fn a_default_of_no_key_is_the_authors_mistake() {
        let [_, light] = choice_models();
        let models = ChoiceModels::of(&["light"]).with_default("choice.slope", 2.0);
        Entry::environment("boredom", "", vec![]).offer(&[&light], &models);
    }

    #[test]
    fn two_entries_of_one_name_are_refused() {
        let mut declarations = specimen::declarations();
        declarations
            .policies
            .push(Entry::policy("greedy", "another", vec![]));
        assert!(declarations.check().is_err());
    }

    #[test]
    fn declarations_serialize_for_the_list_of_parameters() {
        let json = serde_json::to_value(specimen::declarations()).unwrap();
        let first = &json["environments"][0];
        assert_eq!(first["name"], "long_term_satisfaction");
        assert_eq!(first["keys"][0]["name"], "num_candidates");
        assert_eq!(first["keys"][0]["default"], 10);
        assert_eq!(
            json["policies"][2]["keys"][1]["allowed"],
            r#"one of "max", "min""#
        );
    }
}
