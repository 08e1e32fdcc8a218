//! The simulations that are validated: the specimens of all models, with what is known about them.

use crate::backend::Simulation;
use crate::config::ConfigError;
#[cfg(test)]
use crate::config::Key;
use crate::registry::Registry;
use crate::specimen::Specimen;

/// A simulation to validate.
#[derive(Clone, Debug)]
pub struct Case {
    /// A name for it, the settings that make it, and what is known about it.
    pub specimen: Specimen,
    /// The simulation.
    pub simulation: Simulation,
}

impl Case {
    /// Names the case.
    pub fn name(&self) -> &'static str {
        self.specimen.name
    }

    /// Names the environment.
    pub fn environment(&self) -> &str {
        self.specimen.given("environment.name").unwrap_or_default()
    }

    /// Tells whether the policy keeps the best of the candidates that it looks at.
    pub(super) fn ranks(&self) -> bool {
        let mut shaders = self.simulation.plan.policy.shaders().into_iter();
        shaders.any(|shader| shader.text.contains("ranking::insert"))
    }
}

/// Lists the cases of a registry: every specimen of its models that is to be run.
///
/// # Errors
/// [`ConfigError::Specimen`] if a specimen does not resolve: for built-in ones a test excludes it.
pub fn cases(registry: &Registry) -> Result<Vec<Case>, ConfigError> {
    let specimens = registry.specimens();
    let run = specimens.into_iter().filter(|specimen| specimen.is_run);
    run.map(|specimen| case(registry, specimen)).collect()
}

fn case(registry: &Registry, specimen: Specimen) -> Result<Case, ConfigError> {
    // Each case has a seed of its own: with one seed, all cases would share the same noise, and with it any lucky or unlucky
    // draw. The seed is derived from the name, so that a case keeps it when others are added or removed.
    let seed = specimen.name.bytes().fold(2026_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let settings = [&specimen.settings[..], &[format!("seed={seed}")]].concat();
    let simulation = registry
        .resolve(&settings)
        .map_err(|error| ConfigError::Specimen {
            name: specimen.name.to_owned(),
            source: Box::new(error),
        })?;
    Ok(Case {
        simulation,
        specimen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_model_and_document_sampler_of_every_environment_has_a_case() {
        let registry = Registry::built_in();
        let cases = cases(&registry).unwrap();
        for environment in registry.declarations().environments {
            for variant in environment.variants() {
                let has = |specimen: &Specimen| {
                    let is_default = |(key, word): &(&str, &str)| {
                        let key = environment.keys.iter().find(|known| known.name() == *key);
                        key.and_then(Key::default) == Some(&(*word).into())
                    };
                    specimen.given("environment.name") == Some(environment.name)
                        && variant.iter().all(|(key, word)| {
                            let given = specimen.given(&format!("environment.{key}"));
                            given.map_or_else(|| is_default(&(*key, *word)), |given| given == *word)
                        })
                };
                assert!(
                    cases.iter().any(|case| has(&case.specimen)),
                    "{} {variant:?}",
                    environment.name
                );
            }
        }
    }
}
