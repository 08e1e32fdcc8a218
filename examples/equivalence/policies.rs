//! Slates by simple rules against runs of the original: `tests/data/README.md`.

use super::row::Row;
use super::setup::{estimate, simulation};
use slatesim::Error;
use slatesim::backend::{Backend, Unobserved};

/// A run of the original: settings, candidates and slate, episodes, and the figures that were recorded.
struct Run {
    environment: &'static str,
    sizes: [u32; 2],
    policy: &'static str,
    episodes: u32,
    returns: Option<(f64, f64)>,
    length: Option<(f64, f64)>,
    clicks_by_step: Option<f64>,
    clicked_quality: Option<f64>,
}

const EVOLUTION: &str = "interest_evolution";
const EXPLORATION: &str = "interest_exploration";
const SATISFACTION: &str = "long_term_satisfaction";

/// The first K documents, of which none is special where documents are fresh.
const FIRST: &str = "static";
/// The documents of largest and of smallest first feature: quality, or clickbait score.
const LARGEST: &str = "max";
const SMALLEST: &str = "min";

#[rustfmt::skip]
fn runs() -> Vec<Run> {
    let evolution = |sizes, episodes, length, returns, clicks, quality| Run {
        environment: EVOLUTION, sizes, policy: FIRST, episodes, returns: Some(returns), length: Some(length),
        clicks_by_step: Some(clicks), clicked_quality: Some(quality),
    };
    let exploration = |sizes, policy, episodes, returns, clicks, quality| Run {
        environment: EXPLORATION, sizes, policy, episodes, returns: Some(returns), length: None,
        clicks_by_step: Some(clicks), clicked_quality: Some(quality),
    };
    let satisfaction = |sizes, policy, episodes, returns| Run {
        environment: SATISFACTION, sizes, policy, episodes, returns: Some(returns), length: None,
        clicks_by_step: None, clicked_quality: None,
    };
    vec![
        evolution([10, 2], 4000, (83.61, 0.17), (154.33, 0.18), 0.4672, -0.590),
        evolution([10, 3], 3000, (70.94, 0.16), (160.51, 0.22), 0.5726, -0.591),
        evolution([5, 1], 3000, (117.19, 0.31), (137.88, 0.20), 0.2974, -0.592),
        evolution([20, 5], 2000, (60.28, 0.15), (165.82, 0.28), 0.6970, -0.587),
        exploration([10, 2], FIRST, 3000, (11.44, 0.06), 0.22882, 1.690),
        exploration([10, 2], LARGEST, 3000, (19.24, 0.09), 0.38474, 2.217),
        exploration([10, 1], FIRST, 3000, (6.42, 0.05), 0.12849, 1.679),
        exploration([10, 1], LARGEST, 3000, (13.88, 0.09), 0.27761, 2.347),
        exploration([20, 5], FIRST, 1500, (21.41, 0.10), 0.42825, 1.704),
        exploration([20, 5], LARGEST, 1500, (29.79, 0.13), 0.59573, 2.178),
        satisfaction([10, 1], FIRST, 4000, (948.6, 2.6)),
        satisfaction([10, 1], LARGEST, 4000, (1117.0, 3.0)),
        satisfaction([10, 1], SMALLEST, 4000, (786.2, 2.1)),
        satisfaction([20, 2], FIRST, 3000, (950.0, 3.0)),
        satisfaction([20, 2], LARGEST, 3000, (1138.3, 3.6)),
        satisfaction([20, 2], SMALLEST, 3000, (771.9, 2.4)),
        satisfaction([50, 3], FIRST, 1500, (949.5, 4.3)),
        satisfaction([50, 3], LARGEST, 1500, (1150.8, 5.2)),
        satisfaction([50, 3], SMALLEST, 1500, (761.8, 3.4)),
    ]
}

/// Steps of an episode of interest exploration, which does not end by itself.
const EXPLORATION_STEPS: u32 = 50;

/// Compares a backend with every run of the original.
pub(crate) fn rows(backend: &dyn Backend, episodes: u64) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (seed, run) in (0..).zip(runs()) {
        let [num_candidates, slate_size] = run.sizes;
        let mut settings = vec![
            format!("seed={seed}"),
            format!("environment.name={}", run.environment),
            format!("environment.num_candidates={num_candidates}"),
            format!("environment.slate_size={slate_size}"),
        ];
        if run.policy == FIRST {
            settings.push("policy.name=static".to_owned());
        } else {
            settings.push("policy.name=greedy".to_owned());
            settings.push(format!("policy.order={}", run.policy));
        }
        if run.environment == EXPLORATION {
            settings.push(format!("max_steps={EXPLORATION_STEPS}"));
        }
        let simulation = simulation(&settings)?;
        let summary = backend
            .rollout(&simulation, 0..episodes, &Unobserved)?
            .summary();

        let rule = match run.policy {
            FIRST => "the first documents".to_owned(),
            order => format!(
                "{order} of {}",
                simulation.plan.outline.document_features()[0]
            ),
        };
        let title = format!(
            "{}, {num_candidates} candidates, slate of {slate_size}: {rule}",
            run.environment
        );
        // Where the original's error is not on record, it is ours of as many episodes.
        let scale = (episodes as f64 / f64::from(run.episodes)).sqrt();
        let returns = &summary.returns;
        let figures = [
            (
                "return",
                estimate(returns.mean, returns.standard_error),
                run.returns,
            ),
            (
                "length",
                estimate(summary.length.mean, summary.length.standard_error),
                run.length,
            ),
        ];
        for (figure, ours, theirs) in figures {
            rows.extend(theirs.map(|theirs| Row::of_estimates(&title, figure, ours, theirs)));
        }
        let clicks = estimate(summary.click_rate.mean, summary.click_rate.standard_error);
        let quality = summary.clicked_quality.as_ref();
        let quality = quality.map_or((f64::NAN, f64::NAN), |q| estimate(q.mean, q.standard_error));
        let scaled = [
            ("clicks by step", clicks, run.clicks_by_step),
            ("quality of what is clicked", quality, run.clicked_quality),
        ];
        for (figure, ours, theirs) in scaled {
            let theirs = theirs.map(|theirs| (theirs, scale * ours.1));
            rows.extend(theirs.map(|theirs| Row::of_estimates(&title, figure, ours, theirs)));
        }
    }
    Ok(rows)
}
