//! The settings under which registered models are checked.

use super::{MakeEnvironment, Registered, Registry};
use crate::backend::Simulation;
use crate::config::{CHOICE_MODEL, Declarations, Entry};
use crate::specimen::Specimen;

/// Steps of an episode of specimens of environments that do not set `max_steps`.
const SPECIMEN_STEPS: &str = "50";
/// The key that names the environment.
const ENVIRONMENT_NAME: &str = "environment.name";

/// Returns the specimens of a model, or one other if it has none.
fn brought_or(brought: Vec<Specimen>, instead: impl FnOnce() -> Option<Specimen>) -> Vec<Specimen> {
    if brought.is_empty() {
        instead().into_iter().collect()
    } else {
        brought
    }
}

/// Tells whether users of an environment have a choice of several choice models.
fn has_choice(declarations: &Declarations, environment: &str) -> bool {
    let entry = declarations.environment(environment);
    let is_choice = |entry: &Entry| entry.keys.iter().any(|key| key.name() == CHOICE_MODEL);
    entry.is_some_and(is_choice)
}

impl Registry {
    /// Lists the settings under which models are checked, those of environments first: the specimens of each model. A model
    /// without any is checked with its defaults, in the first environment in which it works.
    ///
    /// # Panics
    /// As [`Registry::declarations`].
    pub fn specimens(&self) -> Vec<Specimen> {
        let mut specimens = Vec::new();
        for Registered {
            entry,
            specimens: brought,
            ..
        } in &self.environments
        {
            let brought = brought_or(brought(), || Some(Specimen::new(entry.name, &[])));
            let of_model = |specimen: Specimen| {
                let specimen = specimen.with(ENVIRONMENT_NAME, entry.name);
                if entry.never_terminates {
                    specimen.with("max_steps", SPECIMEN_STEPS)
                } else {
                    specimen
                }
            };
            specimens.extend(brought.into_iter().map(of_model));
        }
        let declarations = self.declarations();
        for choice in &self.choices {
            let named = |specimen: Specimen, environment: &str| {
                // An environment with one choice model has no key for it.
                match has_choice(&declarations, environment) {
                    true => specimen.with("environment.choice.model", choice.entry.name),
                    false => specimen,
                }
            };
            specimens.extend(self.specimens_of(choice, named, |made| {
                made.plan.choice.name() == choice.entry.name
            }));
        }
        for policy in &self.policies {
            specimens.extend(self.specimens_of_policy(policy.entry.name));
        }
        for layer in &self.layers {
            let named =
                |specimen: Specimen, _: &str| specimen.with("policy.layer.name", layer.entry.name);
            specimens.extend(self.specimens_of(layer, named, |_| true));
        }
        specimens
    }

    /// Lists the specimens of one policy; none if there is no policy of this name.
    pub fn specimens_of_policy(&self, name: &str) -> Vec<Specimen> {
        let named = |specimen: Specimen, _: &str| specimen.with("policy.name", name);
        let policy = super::find(&self.policies, name);
        policy.map_or_else(Vec::new, |policy| {
            self.specimens_of(policy, named, |_| true)
        })
    }

    /// Lists the specimens of a model other than an environment; `named` adds the key that names it in an environment, and `is_in`
    /// tells whether a simulation has it.
    fn specimens_of<M>(
        &self,
        model: &Registered<M>,
        named: impl Fn(Specimen, &str) -> Specimen,
        is_in: impl Fn(&Simulation) -> bool,
    ) -> Vec<Specimen> {
        let name = model.entry.name;
        let fed = |environment: &Registered<MakeEnvironment>| {
            let environment = environment.entry.name;
            let specimen = named(Specimen::new(name, &[]), environment)
                .with(ENVIRONMENT_NAME, environment)
                .with("max_steps", SPECIMEN_STEPS);
            let made = self.resolve(&specimen.settings).ok()?;
            is_in(&made).then_some(specimen)
        };
        let brought = brought_or((model.specimens)(), || {
            self.environments.iter().find_map(fed)
        });
        let first = self.environments.first();
        let first = first.map_or("", |first| first.entry.name);
        let of_model = |specimen: Specimen| {
            let environment = specimen.given(ENVIRONMENT_NAME).unwrap_or(first).to_owned();
            named(specimen, &environment).with(ENVIRONMENT_NAME, &environment)
        };
        brought.into_iter().map(of_model).collect()
    }
}
