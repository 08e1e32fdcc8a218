//! What is measured: every choice model and document sampler of every environment with random slates, every policy in
//! every environment that can feed it, and the published baseline, which is the main job.

use super::filter::Filter;
use crate::backend::Simulation;
use crate::config::{Catalogue, Config, ConfigError, ConfigFile, Entry, Layers, Override};
use crate::registry::Registry;

/// The policy with which choice models and samplers are compared.
const VARIANTS_POLICY: &str = "random";
const DEFAULT: &str = "default";
/// The setting of the main job.
pub(super) const MAIN: &str = "random_baseline";
const MAIN_TEXT: &str = include_str!("../../../examples/random_baseline.toml");
/// Steps of an episode where it does not end by itself.
const MAX_STEPS: u32 = 100;

/// One thing to measure.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) environment: String,
    pub(super) policy: String,
    pub(super) setting: String,
    pub(super) simulation: Simulation,
}

impl Case {
    fn new(registry: &Registry, config: &Config, setting: String) -> Result<Self, ConfigError> {
        Ok(Self {
            environment: config.environment.name.clone(),
            policy: config.policy.name.clone(),
            setting,
            simulation: registry.simulation(config)?,
        })
    }

    pub(super) fn is_main(&self) -> bool {
        self.setting == MAIN
    }

    /// Tells whether it is one of the settings of its environment that are compared with random slates.
    pub(super) fn is_variant(&self) -> bool {
        self.policy == VARIANTS_POLICY && !self.is_main()
    }
}

/// Lists what is measured, the main job at the end if it is among it.
pub(super) fn cases(registry: &Registry, filter: Filter<'_>) -> anyhow::Result<Vec<Case>> {
    let catalogue = registry.catalogue();
    let mut cases = Vec::new();
    let environments = catalogue.environments.iter();
    for environment in environments.filter(|entry| filter.has_environment(entry.name)) {
        let mut base = Layers::new().with_override(set("environment.name", environment.name));
        if environment.never_terminates {
            base = base.with_override(Override::flag("bench", "max_steps", MAX_STEPS));
        }
        if filter.has_policy(VARIANTS_POLICY) {
            cases.extend(variants(registry, &catalogue, environment, &base)?);
        }
        let others = catalogue
            .policies
            .iter()
            .filter(|policy| policy.name != VARIANTS_POLICY && filter.has_policy(policy.name));
        for policy in others {
            let layers = base.clone().with_override(set("policy.name", policy.name));
            // A policy with keys that must be given, or that needs what the environment lacks, is not for the bench.
            let Ok(config) = Config::resolve(&layers, &catalogue) else {
                continue;
            };
            cases.extend(Case::new(registry, &config, DEFAULT.to_owned()));
        }
    }
    let main = main_job(registry)?;
    if filter.has_environment(&main.environment) && filter.has_policy(&main.policy) {
        cases.push(main);
    }
    if cases.is_empty() {
        return Err(filter.nothing().into());
    }
    Ok(cases)
}

/// Lists the choice models and document samplers of an environment.
fn variants(
    registry: &Registry,
    catalogue: &Catalogue,
    environment: &Entry,
    base: &Layers,
) -> Result<Vec<Case>, ConfigError> {
    let mut cases = Vec::new();
    for variant in environment.variants() {
        let mut layers = base
            .clone()
            .with_override(set("policy.name", VARIANTS_POLICY));
        for (key, word) in &variant {
            layers = layers.with_override(set(&format!("environment.{key}"), word));
        }
        let words: Vec<&str> = variant.iter().map(|(_, word)| *word).collect();
        let setting = if words.is_empty() {
            DEFAULT.to_owned()
        } else {
            words.join(", ")
        };
        let config = Config::resolve(&layers, catalogue)?;
        cases.push(Case::new(registry, &config, setting)?);
    }
    Ok(cases)
}

fn set(key: &str, value: &str) -> Override {
    Override::flag("bench", key, value)
}

/// Prepares the published random baseline.
fn main_job(registry: &Registry) -> Result<Case, ConfigError> {
    let file = ConfigFile::from_text(format!("{MAIN}.toml"), MAIN_TEXT);
    let config = Config::resolve(&Layers::new().with_file(file), &registry.catalogue())?;
    Case::new(registry, &config, MAIN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases_of(environments: &[&str], policies: &[&str]) -> anyhow::Result<Vec<Case>> {
        let registry = Registry::built_in();
        let owned =
            |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.to_owned()).collect() };
        let (environments, policies) = (owned(environments), owned(policies));
        let filter = Filter::new(&environments, &policies, &registry.catalogue())?;
        cases(&registry, filter)
    }

    #[test]
    fn every_environment_is_measured_with_a_policy_that_needs_no_setting() {
        let cases = cases_of(&[], &[]).unwrap();
        for environment in crate::registry::catalogue().environments {
            assert!(
                cases
                    .iter()
                    .any(|case| case.environment == environment.name && case.policy == "random"),
                "{}",
                environment.name
            );
        }
        assert!(cases.last().unwrap().is_main());
    }

    #[test]
    fn filters_keep_what_was_named() {
        let cases = cases_of(&["item_transition", "test_mdp"], &["random", "static"]).unwrap();
        assert_eq!(cases.len(), 4);
        assert!(!cases.iter().any(Case::is_main));
        let cases = cases_of(&["long_term_satisfaction"], &["random"]).unwrap();
        assert!(cases.last().unwrap().is_main());
    }

    #[test]
    fn a_policy_that_runs_nowhere_by_default_is_one_clear_error() {
        let error = cases_of(&[], &["linear_softmax"]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("nothing to measure: `--policy` = linear_softmax does not run"),
            "{error}"
        );
    }
}
