//! Compares returns, lengths, click rates, quantiles and curves with runs of `RecSim` of 10,000 episodes: `tests/data/README.md`.

use super::row::Row;
use super::setup::estimate;
use serde_json::Value;
use slatesim::Error;
use slatesim::backend::{Backend, Unobserved};
use slatesim::registry::Registry;
use slatesim::statistics::{Summary, joint_standard_errors};
use slatesim::validation::cases;

/// The name of a case here, and in the runs of `RecSim`.
const CASES: [(&str, &str); 9] = [
    ("random baseline", "lts_seed_20_2_random"),
    ("default parameters", "lts_default_random"),
    ("least clickbaity of a corpus", "lts_seed_10_1_kaleiest"),
    ("most clickbaity of a corpus", "lts_seed_10_1_sweetest"),
    ("interest exploration", "iex_default_random"),
    (
        "interest exploration, best quality",
        "iex_default_best_quality",
    ),
    ("interest evolution", "iev_utility_random"),
    (
        "interest evolution, static slate of a corpus",
        "iev_utility_static",
    ),
    (
        "interest evolution, free features",
        "iev_distribution_random",
    ),
];

/// With fewer running episodes than this, the mean is not nearly normal.
const FEWEST_RUNNING: usize = 200;

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().into_iter().flatten();
    numbers.filter_map(Value::as_f64).collect()
}

/// Compares a backend with every run of `RecSim`.
pub(crate) fn rows(backend: &dyn Backend, episodes: u64) -> Result<Vec<Row>, Error> {
    let text = include_str!("../../tests/data/recsim-statistics.json");
    let originals: Vec<Value> = serde_json::from_str(text).expect("the data are JSON");
    let cases = cases(&Registry::built_in())?;
    let mut rows = Vec::new();
    for (name, original) in CASES {
        let case = cases.iter().find(|case| case.name() == name);
        let simulation = &case.expect("a case of validation").simulation;
        let run = originals.iter().find(|run| run["case"] == original);
        let run = run.expect("a run of the original");
        let blocks = backend.episodes(simulation, 0..episodes)?;
        let statistics = backend.rollout(simulation, 0..episodes, &Unobserved)?;
        let summary = statistics.summary();
        let title = format!("{name} (`{original}`)");
        rows.extend(means(&title, &summary, run, episodes));

        let returns: Vec<f64> = blocks
            .iter()
            .flat_map(|block| block.returns.iter().copied())
            .collect();
        rows.push(quantiles(&title, &returns, run));
        let running = |step: usize| {
            let lengths = blocks.iter().flat_map(|block| &block.lengths);
            lengths.filter(|&&length| length as usize > step).count()
        };
        rows.push(curve(&title, &summary, run, running));
    }
    Ok(rows)
}

fn means(title: &str, summary: &Summary, run: &Value, episodes: u64) -> Vec<Row> {
    let number = |key: &str| run[key].as_f64().unwrap_or(f64::NAN);
    let returns = estimate(summary.returns.mean, summary.returns.standard_error);
    let lengths = estimate(summary.length.mean, summary.length.standard_error);
    let clicks = estimate(summary.click_rate.mean, summary.click_rate.standard_error);
    let slope = estimate(
        summary.reward_slope.mean,
        summary.reward_slope.standard_error,
    );
    // RecSim's error of the click rate was not recorded; it is estimated from ours, scaled to the number of episodes.
    let scale = (episodes as f64 / number("episodes")).sqrt();
    vec![
        Row::of_estimates(
            title,
            "return",
            returns,
            (number("reward_mean"), number("reward_sem")),
        ),
        Row::of_estimates(
            title,
            "length",
            lengths,
            (number("length_mean"), number("length_sem")),
        ),
        Row::of_estimates(
            title,
            "clicks by step",
            clicks,
            (number("click_rate"), scale * clicks.1),
        ),
        Row::of_estimates(
            title,
            "slope of reward",
            slope,
            (number("reward_slope_mean"), number("reward_slope_sem")),
        ),
    ]
}

/// Compares how many of our returns lie below a quantile of `RecSim`'s; both counts are binomial. If returns are whole numbers,
/// many are equal to the quantile, and the probability is between the shares without and with them.
fn quantiles(title: &str, returns: &[f64], run: &Value) -> Row {
    let mut distances = Vec::new();
    for (probability, value) in run["reward_quantiles"].as_object().into_iter().flatten() {
        let p: f64 = probability.parse().unwrap_or(f64::NAN);
        let value = value.as_f64().unwrap_or(f64::NAN);
        let rounding = 1e-5 * value.abs().max(1.0);
        let share = |limit: f64| {
            returns.iter().filter(|&&ours| ours <= limit).count() as f64 / returns.len() as f64
        };
        let nearest = p.clamp(share(value - rounding), share(value + rounding));
        let error = |count: f64| (p * (1.0 - p) / count).sqrt();
        let theirs = error(run["episodes"].as_f64().unwrap_or(f64::NAN));
        distances.push(joint_standard_errors(
            nearest,
            error(returns.len() as f64),
            p,
            theirs,
        ));
    }
    Row::of_many(title, "quantiles of the return", &distances)
}

fn curve(title: &str, summary: &Summary, run: &Value, running: impl Fn(usize) -> usize) -> Row {
    let curve = numbers(&run["reward_curve_first_60"]);
    let errors = numbers(&run["reward_curve_sem_first_60"]);
    let steps = (0..curve.len()).filter(|&step| running(step) >= FEWEST_RUNNING);
    let distance = |step: usize| {
        let ours = summary.reward_per_step[step].unwrap_or(f64::NAN);
        let error = summary.reward_per_step_standard_error[step].unwrap_or(f64::NAN);
        joint_standard_errors(ours, error, curve[step], errors[step])
    };
    Row::of_many(
        title,
        "reward at steps 0 to 59",
        &steps.map(distance).collect::<Vec<_>>(),
    )
}
