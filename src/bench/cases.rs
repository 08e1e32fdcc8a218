//! The cases that are measured: every choice model and document sampler of every environment with random slates, every policy
//! in every environment that it works in, and the published baseline, called the main job.
//!
//! A policy that cannot do without a setting is measured under the first of its specimens.

use crate::backend::Simulation;
use crate::config::{Config, ConfigError, ConfigFile, Declarations, Entry, Key, Override, Sources};
use crate::registry::Registry;
use crate::specimen::Specimen;
use serde::Serialize;
use std::fmt;

/// The policy with which choice models and samplers are compared.
const VARIANTS_POLICY: &str = "random";
const DEFAULT: &str = "default";
/// The setting of the main job.
pub const MAIN: &str = "random_baseline";
const MAIN_TEXT: &str = include_str!("../../examples/random_baseline.toml");
/// Steps of an episode, if it does not end by itself.
const MAX_STEPS: u32 = 100;

/// Names a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CaseName {
    /// Name of the environment.
    pub environment: String,
    /// Name of the policy.
    pub policy: String,
    /// Choice model and document sampler, `default`, the name of a specimen, or [`MAIN`].
    pub setting: String,
}

/// One case to measure.
#[derive(Debug)]
#[non_exhaustive]
pub struct Case {
    /// Its name.
    pub name: CaseName,
    /// The simulation that is run.
    pub simulation: Simulation,
}

impl CaseName {
    /// Tells whether it is the main job.
    pub fn is_main(&self) -> bool {
        self.setting == MAIN
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.environment, self.policy, self.setting)
    }
}

impl Case {
    fn new(registry: &Registry, config: &Config, setting: String) -> Result<Self, ConfigError> {
        Ok(Self {
            name: CaseName {
                environment: config.environment.name.clone(),
                policy: config.policy.name.clone(),
                setting,
            },
            simulation: registry.simulation(config)?,
        })
    }

    /// Tells whether it is one of the settings of its environment that are compared with each other, with random slates.
    pub fn is_variant(&self) -> bool {
        self.name.policy == VARIANTS_POLICY && !self.name.is_main()
    }
}

/// Lists the cases of the environments and policies that are wanted, by their names; the main job comes last, if it is one of
/// them.
///
/// # Errors
/// [`ConfigError`] if an environment has no valid default settings, or the specimen of a policy does not resolve.
pub fn cases(
    registry: &Registry,
    is_wanted: impl Fn(&str, &str) -> bool,
) -> Result<Vec<Case>, ConfigError> {
    let declarations = registry.declarations();
    let mut cases = Vec::new();
    for environment in &declarations.environments {
        let mut base = Sources::new().with_override(set("environment.name", environment.name));
        if environment.never_terminates {
            base = base.with_override(Override::flag("bench", "max_steps", MAX_STEPS));
        }
        if is_wanted(environment.name, VARIANTS_POLICY) {
            cases.extend(variants(registry, &declarations, environment, &base)?);
        }
        let others = declarations.policies.iter().filter(|policy| {
            policy.name != VARIANTS_POLICY && is_wanted(environment.name, policy.name)
        });
        for policy in others {
            let sources = base.clone().with_override(set("policy.name", policy.name));
            // Policies with required keys come below; others do not work in every environment.
            let Ok(config) = Config::resolve(&sources, &declarations) else {
                continue;
            };
            cases.extend(Case::new(registry, &config, DEFAULT.to_owned()));
        }
    }
    let is_incomplete = |policy: &&Entry| policy.keys.iter().any(Key::is_required);
    for policy in declarations.policies.iter().filter(is_incomplete) {
        let mut specimens = registry.specimens_of_policy(policy.name).into_iter();
        let Some(specimen) = specimens.find(|specimen| specimen.is_run) else {
            continue;
        };
        let environment = specimen.given("environment.name").unwrap_or_default();
        if is_wanted(environment, policy.name) {
            cases.push(under_specimen(registry, &declarations, &specimen)?);
        }
    }
    let main = main_job(registry)?;
    if is_wanted(&main.name.environment, &main.name.policy) {
        cases.push(main);
    }
    Ok(cases)
}

/// Lists the choice models and document samplers of an environment.
fn variants(
    registry: &Registry,
    declarations: &Declarations,
    environment: &Entry,
    base: &Sources,
) -> Result<Vec<Case>, ConfigError> {
    let mut cases = Vec::new();
    for variant in environment.variants() {
        let mut sources = base
            .clone()
            .with_override(set("policy.name", VARIANTS_POLICY));
        for (key, word) in &variant {
            sources = sources.with_override(set(&format!("environment.{key}"), word));
        }
        let words: Vec<&str> = variant.iter().map(|(_, word)| *word).collect();
        let setting = if words.is_empty() {
            DEFAULT.to_owned()
        } else {
            words.join(", ")
        };
        let config = Config::resolve(&sources, declarations)?;
        cases.push(Case::new(registry, &config, setting)?);
    }
    Ok(cases)
}

fn under_specimen(
    registry: &Registry,
    declarations: &Declarations,
    specimen: &Specimen,
) -> Result<Case, ConfigError> {
    let case = || {
        let mut sources = Sources::new();
        for setting in &specimen.settings {
            sources = sources.set(setting)?;
        }
        let config = Config::resolve(&sources, declarations)?;
        Case::new(registry, &config, specimen.name.to_owned())
    };
    case().map_err(|error| ConfigError::Specimen {
        name: specimen.name.to_owned(),
        source: Box::new(error),
    })
}

fn set(key: &str, value: &str) -> Override {
    Override::flag("bench", key, value)
}

/// Prepares the published random baseline.
fn main_job(registry: &Registry) -> Result<Case, ConfigError> {
    let file = ConfigFile::from_text(format!("{MAIN}.toml"), MAIN_TEXT);
    let config = Config::resolve(&Sources::new().with_file(file), &registry.declarations())?;
    Case::new(registry, &config, MAIN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases_of(environments: &[&str], policies: &[&str]) -> Vec<Case> {
        let has = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
        let is_wanted = |environment: &str, policy: &str| {
            has(environments, environment) && has(policies, policy)
        };
        cases(&Registry::built_in(), is_wanted).unwrap()
    }

    #[test]
    fn every_environment_is_measured_with_a_policy_that_needs_no_setting() {
        let cases = cases_of(&[], &[]);
        for environment in crate::registry::declarations().environments {
            assert!(
                cases
                    .iter()
                    .any(|case| case.name.environment == environment.name
                        && case.name.policy == "random"),
                "{}",
                environment.name
            );
        }
        assert!(cases.last().unwrap().name.is_main());
    }

    #[test]
    fn what_is_wanted_is_measured() {
        let cases = cases_of(&["item_transition", "test_mdp"], &["random", "static"]);
        assert_eq!(cases.len(), 4);
        assert!(!cases.iter().any(|case| case.name.is_main()));
        let cases = cases_of(&["long_term_satisfaction"], &["random"]);
        assert!(cases.last().unwrap().name.is_main());
    }

    #[test]
    fn a_policy_that_needs_a_setting_is_measured_under_its_first_specimen() {
        let cases = cases_of(&[], &["linear_softmax"]);
        let names: Vec<_> = cases.iter().map(|case| case.name.to_string()).collect();
        assert_eq!(
            names,
            [
                "interest_exploration linear_softmax (interest exploration, linear scores and softmax)"
            ]
        );
        assert!(cases_of(&["test_mdp"], &["linear_softmax"]).is_empty());
    }

    #[test]
    fn every_policy_is_measured() {
        let cases = cases_of(&[], &[]);
        for policy in crate::registry::declarations().policies {
            let is_of = |case: &Case| case.name.policy == policy.name;
            assert!(cases.iter().any(is_of), "{}", policy.name);
        }
    }
}
