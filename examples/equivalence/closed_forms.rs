//! Compares figures with closed forms and exact solutions, without `RecSim`.

use super::row::Row;
use super::setup::{estimate, simulation};
use slatesim::Error;
use slatesim::backend::{Backend, Unobserved};
use std::f64::consts::LN_2;

/// Compares a backend with values from a calculation by hand or from a linear solver.
pub(crate) fn rows(backend: &dyn Backend, episodes: u64) -> Result<Vec<Row>, Error> {
    let run = |settings: &[&str]| -> Result<_, Error> {
        let simulation = simulation(settings)?;
        let summary = backend
            .rollout(&simulation, 0..episodes, &Unobserved)?
            .summary();
        Ok((simulation, summary))
    };
    let mut rows = Vec::new();

    // One document: P(click) = (u + 1) / (u + 3) for u uniform on [-1, 1]. Two: the mean of (s + t) / (s + t + 2) over s, t
    // uniform on [0, 2] if the topics differ, and of 2 s / (2 s + 2) if they are the same, which has a probability of one in
    // twenty.
    let first_steps = [
        ("1", 1.0 - LN_2),
        ("2", 0.95 * 0.476_752 + 0.05 * 0.450_694),
    ];
    for (slate_size, expected) in first_steps {
        let size = format!("environment.slate_size={slate_size}");
        let (_, summary) = run(&["environment.name=interest_evolution", "max_steps=1", &size])?;
        let clicks = &summary.click_rate;
        let ours = estimate(clicks.mean, clicks.standard_error);
        let title = format!("interest_evolution, first step, random slate of {slate_size}");
        rows.push(Row::of_estimates(
            &title,
            "click rate",
            ours,
            (expected, 0.0),
        ));
    }

    // From 2,000,000 samples of the formulas, with a standard error below 1e-4.
    for (share, name, expected) in [
        ("[1, 0]", "first", 0.265_40),
        ("[0, 1]", "second", 0.213_37),
    ] {
        let types = format!("environment.user.type_distribution={share}");
        let (_, summary) = run(&[
            "environment.name=interest_exploration",
            "max_steps=20",
            &types,
        ])?;
        let clicks = &summary.click_rate;
        let ours = estimate(clicks.mean, clicks.standard_error);
        let title = format!("interest_exploration, users of the {name} type, random slate of 2");
        rows.push(Row::of_estimates(
            &title,
            "click rate",
            ours,
            (expected, 1e-4),
        ));
    }

    let policies = [
        ("random", &["policy.name=random"][..]),
        (
            "greedy on the acceptance",
            &["policy.name=table", "policy.table=greedy"],
        ),
        ("optimal", &["policy.name=table", "policy.table=optimal"]),
        ("document 0", &["policy.name=static"]),
    ];
    for (name, policy) in policies {
        let (simulation, summary) = run(&[&["environment.name=item_transition"], policy].concat())?;
        let model = simulation
            .model
            .finite_model()
            .expect("the state is finite");
        let table = match name {
            "random" => model.uniform(),
            "optimal" => model.optimal()?,
            "document 0" => model.deterministic(|_| 0),
            _ => model.greedy(),
        };
        let exact = model.evaluate(&table)?;
        let title = format!("item_transition, {name}");
        let returns = &summary.returns;
        let ours = estimate(returns.mean, returns.standard_error);
        rows.push(Row::of_estimates(
            &title,
            "return",
            ours,
            (exact.return_mean, 0.0),
        ));
        // The standard error of a standard deviation of normal returns, doubled because returns have heavier tails.
        let deviation = returns.standard_deviation.unwrap_or(f64::NAN);
        let error = 2.0 * deviation / (2.0 * episodes as f64).sqrt();
        let exact_deviation = (exact.return_standard_deviation, 0.0);
        rows.push(Row::of_estimates(
            &title,
            "standard deviation of the return",
            (deviation, error),
            exact_deviation,
        ));
        let length = &summary.length;
        let ours = estimate(length.mean, length.standard_error);
        rows.push(Row::of_estimates(
            &title,
            "length",
            ours,
            (exact.length_mean, 0.0),
        ));
    }
    Ok(rows)
}
