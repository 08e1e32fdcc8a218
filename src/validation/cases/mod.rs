//! The simulations that are validated, with what is known about them: a file an environment.

mod interest_evolution;
mod interest_exploration;
mod item_transition;
mod long_term_satisfaction;
mod scoring;
mod test_mdp;

use crate::backend::Simulation;
#[cfg(test)]
use crate::config::Key;
use crate::config::{Config, Entry, Layers};
use crate::error::Error;
use crate::registry::Registry;

/// A number known from outside, with its standard error; 0 for closed forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Where it comes from.
    pub source: &'static str,
    /// Which figure it is.
    pub figure: Figure,
    /// The value.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// A figure of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Mean return.
    Return,
    /// Mean least-squares slope of reward over the step.
    RewardSlope,
    /// Mean length.
    Length,
    /// Clicks by user-steps.
    ClickRate,
}

/// A simulation to validate.
#[derive(Clone, Debug)]
pub struct Case {
    /// A name for it.
    pub name: &'static str,
    /// What is set for it, as `--set` takes it; the environment's name first.
    pub settings: Vec<String>,
    /// The simulation.
    pub simulation: Simulation,
    /// What is known about it.
    pub known: Vec<Known>,
}

impl Case {
    /// Names the environment.
    pub fn environment(&self) -> &str {
        let first = self.settings.first().and_then(|text| text.split_once('='));
        first.map_or("", |(_, name)| name)
    }

    /// Tells whether the policy keeps the best of the candidates that it looks at.
    pub(super) fn ranks(&self) -> bool {
        let mut shaders = self.simulation.plan.policy.shaders().into_iter();
        shaders.any(|shader| shader.text.contains("ranking::insert"))
    }
}

const fn known(source: &'static str, figure: Figure, mean: f64, standard_error: f64) -> Known {
    Known {
        source,
        figure,
        mean,
        standard_error,
    }
}

/// Lists the cases of a registry: those of the built-in environments, in which every choice model, policy and document
/// source occurs, and one with the default settings for every other environment.
///
/// # Errors
/// [`Error::Config`] if a case does not resolve: for built-in ones a test excludes it.
pub fn cases(registry: &Registry) -> Result<Vec<Case>, Error> {
    let mut cases = built_in_cases()?;
    let built_in = Registry::built_in().catalogue();
    for entry in registry.catalogue().environments {
        if built_in.environment(entry.name).is_none() {
            cases.push(case_of(registry, &entry)?);
        }
    }
    Ok(cases)
}

/// Steps of an episode of a case where it does not end by itself.
const MAX_STEPS: u32 = 50;

fn case_of(registry: &Registry, entry: &Entry) -> Result<Case, Error> {
    let mut settings = vec![format!("environment.name={}", entry.name)];
    if entry.never_terminates {
        settings.push(format!("max_steps={MAX_STEPS}"));
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    case_in(registry, entry.name, &settings, &[])
}

fn built_in_cases() -> Result<Vec<Case>, Error> {
    Ok([
        long_term_satisfaction::cases()?,
        interest_exploration::cases()?,
        interest_evolution::cases()?,
        item_transition::cases()?,
        test_mdp::cases()?,
        scoring::cases()?,
    ]
    .concat())
}

const RECSIM: &str = "RecSim 0.2.4, 10,000 episodes";

fn case(name: &'static str, settings: &[&str], known: &[Known]) -> Result<Case, Error> {
    case_in(&Registry::built_in(), name, settings, known)
}

fn case_in(
    registry: &Registry,
    name: &'static str,
    settings: &[&str],
    known: &[Known],
) -> Result<Case, Error> {
    let mut layers = Layers::new();
    for setting in settings {
        layers = layers.set(setting)?;
    }
    // A seed of its own for each case: with one seed all would share the same noise, and its luck. Derived from the
    // name, so that a case keeps its seed when others come and go.
    let seed = name.bytes().fold(2026_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    layers = layers.set(&format!("seed={seed}"))?;
    let config = Config::resolve(&layers, &registry.catalogue())?;
    let is_named = |setting: &&str| setting.starts_with("environment.name=");
    let named = settings.iter().copied().find(is_named);
    let name_first = std::iter::once(named.unwrap_or("environment.name=long_term_satisfaction"));
    let others = settings
        .iter()
        .copied()
        .filter(|setting| !is_named(setting));
    Ok(Case {
        name,
        settings: name_first.chain(others).map(str::to_owned).collect(),
        simulation: registry.simulation(&config)?,
        known: known.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_model_and_document_sampler_of_every_environment_has_a_case() {
        let registry = Registry::built_in();
        let cases = cases(&registry).unwrap();
        for environment in registry.catalogue().environments {
            for variant in environment.variants() {
                let has = |settings: &[String]| {
                    let is_default = |(key, word): &(&str, &str)| {
                        let key = environment.keys.iter().find(|known| known.name() == *key);
                        key.and_then(Key::default) == Some(&(*word).into())
                    };
                    settings[0] == format!("environment.name={}", environment.name)
                        && variant.iter().all(|(key, word)| {
                            let prefix = format!("environment.{key}=");
                            let given = settings.iter().find_map(|text| text.strip_prefix(&prefix));
                            given.map_or_else(|| is_default(&(*key, *word)), |given| given == *word)
                        })
                };
                assert!(
                    cases.iter().any(|case| has(&case.settings)),
                    "{} {variant:?}",
                    environment.name
                );
            }
        }
    }
}
