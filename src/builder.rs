//! Describes a simulation in code, with the keys of configurations.

use crate::backend::Simulation;
use crate::config::{Config, ConfigError, Override, Sources};
use crate::registry::Registry;
use std::fmt::Display;

/// Describes a simulation step by step; made by [`Simulation::of`].
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `build`"]
pub struct SimulationBuilder {
    registry: Registry,
    sources: Sources,
}

impl Simulation {
    /// Begins with an environment with the defaults of all keys, and the policy `random`.
    ///
    /// ```
    /// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
    ///
    /// let simulation = Simulation::of("long_term_satisfaction")
    ///     .set("user.sensitivity", 0.058)?
    ///     .policy("greedy")
    ///     .set("policy.order", "min")?
    ///     .build()?;
    /// let statistics = cpu(None)?.rollout(&simulation, 0..1024, &Unobserved)?;
    /// let returns = statistics.summary().returns;
    /// println!("{:?} ± {:?}", returns.mean, returns.standard_error);
    /// # assert!(returns.mean.unwrap() > 600.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(environment: &str) -> SimulationBuilder {
        let named = Override::flag("Simulation::of", "environment.name", environment);
        SimulationBuilder {
            registry: Registry::built_in(),
            sources: Sources::new().with_override(named),
        }
    }
}

impl SimulationBuilder {
    /// Uses the models of this registry instead of the built-in ones.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Chooses the policy by its name.
    pub fn policy(mut self, name: &str) -> Self {
        let named = Override::flag("SimulationBuilder::policy", "policy.name", name);
        self.sources = self.sources.with_override(named);
        self
    }

    /// Sets a key of configurations: `policy.order`, `seed`, `max_steps`; all others belong to the environment, whose section
    /// may be left out, as in `user.sensitivity`. Values are written as in TOML: `0.5`, `true`, `[1, 2]`, or text without
    /// quotes.
    ///
    /// # Errors
    /// [`ConfigError`] if the text is no assignment. [`build`](Self::build) reports unknown keys and values that are not
    /// allowed.
    pub fn set(mut self, key: &str, value: impl Display) -> Result<Self, ConfigError> {
        const OF_THE_RUN: [&str; 4] = ["seed", "max_steps", "episodes", "discount"];
        let is_whole = OF_THE_RUN.contains(&key)
            || ["environment.", "policy."]
                .iter()
                .any(|section| key.starts_with(section));
        let section = if is_whole { "" } else { "environment." };
        self.sources = self.sources.set(&format!("{section}{key}={value}"))?;
        Ok(self)
    }

    /// Makes the simulation.
    ///
    /// # Errors
    /// [`ConfigError`] for a name or a key that is unknown, and for values that are not allowed.
    pub fn build(self) -> Result<Simulation, ConfigError> {
        let config = Config::resolve(&self.sources, &self.registry.declarations())?;
        self.registry.simulation(&config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_configurations_with_or_without_the_environment() {
        let simulation = |key: &str| {
            Simulation::of("long_term_satisfaction")
                .set(key, 3)
                .and_then(|builder| builder.set("seed", 5))
                .map(|builder| builder.policy("static"))
                .and_then(SimulationBuilder::build)
                .unwrap()
        };
        let [short, whole] = ["num_candidates", "environment.num_candidates"].map(simulation);
        assert_eq!(short.plan, whole.plan);
        assert_eq!((short.plan.num_candidates, short.plan.seed), (3, 5));
        assert_eq!(short.plan.policy.policy().name(), "static");
    }

    #[test]
    fn what_is_wrong_is_told_as_the_command_line_tells_it() {
        let refused = |key: &str, value: &str| {
            let builder = Simulation::of("long_term_satisfaction").set(key, value);
            builder
                .and_then(SimulationBuilder::build)
                .unwrap_err()
                .to_string()
        };
        assert!(
            refused("user.sensitvity", "1").contains("did you mean `environment.user.sensitivity`")
        );
        assert!(refused("policy.orde", "min").contains("unknown key `policy.orde`"));
        assert!(refused("slate_size", "0").contains("allowed is an integer from 1"));
        let unknown = Simulation::of("long_term").build().unwrap_err().to_string();
        assert!(unknown.contains("long_term_satisfaction"), "{unknown}");
    }
}
