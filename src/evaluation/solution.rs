//! Exact figures of policies that depend on a finite state alone: what episodes estimate.

use super::report::section;
use crate::backend::Simulation;
use crate::config::Config;
use crate::evaluation::error::EvaluationError;
use crate::exact::{Exact, FiniteModel, Table};
use serde::Serialize;
use serde_json::Value;

/// Holds the exact figures of a configured policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Solution {
    /// The environment with all parameters, `{"name", ...}`.
    pub environment: Value,
    /// The policy with all parameters, `{"name", ...}`.
    pub policy: Value,
    /// Steps after which an episode is truncated, if that was given.
    pub max_steps: Option<u32>,
    /// Mean of the return.
    pub return_mean: f64,
    /// Standard deviation of the return between episodes.
    pub return_standard_deviation: f64,
    /// Mean of the length, in steps.
    pub length_mean: f64,
    /// Mean of the return from each state on, at the beginning of an episode.
    pub values: Vec<f64>,
    /// Probability of each candidate in each state, shape `[state][candidate]`.
    pub table: Table,
}

/// Solves a configuration: its environment has a finite state, its slates one document, and its policy is `random`, `static`
/// or `table`, without layers.
///
/// ```
/// use slatesim::config::{Config, Sources};
/// use slatesim::evaluation::solve;
/// use slatesim::registry;
///
/// let sources = Sources::new().set("environment.name=item_transition")?.set("policy.name=table")?;
/// let config = Config::resolve(&sources, &registry::declarations())?;
/// let best = solve(&config, &registry::simulation(&config)?)?;
/// assert!(best.return_mean > 8.0);
/// # Ok::<(), slatesim::Error>(())
/// ```
///
/// # Errors
/// [`EvaluationError::Unsolved`] if the configuration has no exact solution; [`EvaluationError::Exact`] if episodes may never
/// end, or are truncated too late.
pub fn solve(config: &Config, simulation: &Simulation) -> Result<Solution, EvaluationError> {
    let refused = |key, given: &dyn ToString, allowed| EvaluationError::Unsolved {
        key,
        given: given.to_string(),
        allowed,
    };
    let Some(model) = simulation.model.finite_model() else {
        let allowed = "one of a finite state that is small enough, such as item_transition";
        return Err(refused(
            "environment.name",
            &config.environment.name,
            allowed,
        ));
    };
    let plan = &simulation.plan;
    if plan.slate_size != 1 {
        return Err(refused("environment.slate_size", &plan.slate_size, "1"));
    }
    let table = match table_of(&model, simulation) {
        Some(table) if plan.policy.layers().is_empty() => table,
        _ => {
            let allowed = "random, static or table, without layers";
            return Err(refused("policy.name", &config.policy.name, allowed));
        }
    };
    let exact = match config.max_steps {
        None => model.evaluate(&table)?,
        Some(max_steps) => model.evaluate_truncated(&table, max_steps)?,
    };
    let Exact {
        return_mean,
        return_standard_deviation,
        length_mean,
        values,
    } = exact;
    Ok(Solution {
        environment: section(&config.environment),
        policy: section(&config.policy),
        max_steps: config.max_steps,
        return_mean,
        return_standard_deviation,
        length_mean,
        values,
        table,
    })
}

/// Returns the probabilities of a policy, if it depends on the state alone.
fn table_of(model: &FiniteModel, simulation: &Simulation) -> Option<Table> {
    let policy = simulation.plan.policy.policy();
    match policy.name() {
        "random" => Some(model.uniform()),
        "static" => Some(model.deterministic(|_| 0)),
        "table" => {
            let differences = |row: &[f64]| {
                let before = std::iter::once(&0.0).chain(row);
                row.iter()
                    .zip(before)
                    .map(|(upto, before)| upto - before)
                    .collect()
            };
            let cumulative = policy.tables();
            Some(
                cumulative
                    .chunks_exact(model.num_actions())
                    .map(differences)
                    .collect(),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Backend, Unobserved, cpu};
    use crate::config::Sources;
    use crate::registry;

    fn solved(sets: &[&str]) -> Result<(Solution, Simulation), String> {
        let mut sources = Sources::new();
        for set in sets {
            sources = sources.set(set).unwrap();
        }
        let config = Config::resolve(&sources, &registry::declarations()).unwrap();
        let simulation = registry::simulation(&config).unwrap();
        let solution = solve(&config, &simulation).map_err(|error| error.to_string())?;
        Ok((solution, simulation))
    }

    /// 20,480 episodes of seed 0 each; 4 standard errors.
    #[test]
    fn episodes_estimate_the_solution() {
        let item_transition = "environment.name=item_transition";
        for sets in [
            &[item_transition][..],
            &[item_transition, "policy.name=table"],
            &[
                item_transition,
                "policy.name=table",
                "policy.table=greedy",
                "max_steps=7",
            ],
            &[
                "environment.name=test_mdp",
                "policy.name=static",
                "max_steps=20",
            ],
        ] {
            let (solution, simulation) = solved(sets).unwrap();
            let backend = cpu::cpu(Some(1)).unwrap();
            let summary = backend
                .rollout(&simulation, 0..20_480, &Unobserved)
                .unwrap()
                .summary();
            let (returns, length) = (&summary.returns, &summary.length);
            for (mean, error, expected) in [
                (returns.mean, returns.standard_error, solution.return_mean),
                (length.mean, length.standard_error, solution.length_mean),
            ] {
                let (mean, error) = (mean.unwrap(), error.unwrap());
                let told = format!("{sets:?}: {mean} ± {error}, {expected}");
                assert!((mean - expected).abs() <= 4.0 * error, "{told}");
            }
            let rows = solution.table.iter();
            assert!(
                rows.into_iter()
                    .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6)
            );
        }
    }

    #[test]
    fn what_has_no_solution_is_refused_by_its_key() {
        let refusal = |sets: &[&str]| solved(sets).unwrap_err();
        let continuous = refusal(&[]);
        assert!(
            continuous.starts_with("`environment.name` = long_term_satisfaction has no exact"),
            "{continuous}"
        );
        let item_transition = "environment.name=item_transition";
        let slates = refusal(&[
            "environment.name=test_mdp",
            "environment.slate_size=2",
            "max_steps=9",
        ]);
        assert!(
            slates.starts_with("`environment.slate_size` = 2 "),
            "{slates}"
        );
        let policy = refusal(&[item_transition, "policy.name=greedy"]);
        assert!(policy.starts_with("`policy.name` = greedy "), "{policy}");
        let late = refusal(&["environment.name=test_mdp", "max_steps=4000000000"]);
        assert!(late.starts_with("`max_steps` = 4000000000 "), "{late}");
    }
}
