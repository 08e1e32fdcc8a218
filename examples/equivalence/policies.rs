//! Compares slates by simple rules with runs of `RecSim`: `tests/data/README.md`.

use super::row::Row;
use super::setup::{estimate, simulation};
use slatesim::Error;
use slatesim::backend::{BLOCK_EPISODES, Backend, Unobserved};
use slatesim::statistics::FEWEST_BLOCKS;

/// A run of `RecSim`: settings, candidates and slate, episodes, and the figures that were recorded.
struct Run {
    environment: &'static str,
    sizes: [u32; 2],
    rule: Rule,
    episodes: u32,
    returns: Option<(f64, f64)>,
    length: Option<(f64, f64)>,
    clicks_by_step: Option<f64>,
    clicked_quality: Option<f64>,
    /// Clicks per step at each position.
    position_clicks: &'static [f64],
}

/// The rule that makes the slate: its name, and its settings.
#[derive(Clone, Copy)]
struct Rule(&'static str, &'static [&'static str]);

const EVOLUTION: &str = "interest_evolution";
const EXPLORATION: &str = "interest_exploration";
const SATISFACTION: &str = "long_term_satisfaction";

/// The first K documents; if documents are drawn anew, these are random ones.
const FIRST: Rule = Rule("the first documents", &["policy.name=static"]);
/// The documents of largest and of smallest first feature: quality, or clickbait score.
const LARGEST: Rule = Rule("largest first feature", &["policy.name=greedy"]);
const SMALLEST: Rule = Rule(
    "smallest first feature",
    &["policy.name=greedy", "policy.order=min"],
);
/// Oracles of interest evolution.
const AFFINITY: Rule = Rule(
    "largest affinity",
    &["policy.name=greedy", "policy.by=score"],
);
const QUALITY: Rule = Rule(
    "largest quality",
    &["policy.name=greedy", "policy.by=quality"],
);

#[rustfmt::skip]
fn runs() -> Vec<Run> {
    let evolution = |sizes, rule, episodes, length, returns, clicks, quality, position_clicks| Run {
        environment: EVOLUTION, sizes, rule, episodes, returns: Some(returns), length: Some(length),
        clicks_by_step: Some(clicks), clicked_quality: Some(quality), position_clicks,
    };
    let exploration = |sizes, rule, episodes, returns, clicks, quality, position_clicks| Run {
        environment: EXPLORATION, sizes, rule, episodes, returns: Some(returns), length: None,
        clicks_by_step: Some(clicks), clicked_quality: Some(quality), position_clicks,
    };
    let satisfaction = |sizes, rule, episodes, returns| Run {
        environment: SATISFACTION, sizes, rule, episodes, returns: Some(returns), length: None,
        clicks_by_step: None, clicked_quality: None, position_clicks: &[],
    };
    vec![
        evolution([10, 2], FIRST, 4000, (83.61, 0.17), (154.33, 0.18), 0.4672, -0.590, &[0.2341, 0.2331]),
        evolution([10, 2], AFFINITY, 4000, (66.62, 0.18), (166.21, 0.41), 0.6322, -0.505, &[0.3316, 0.3006]),
        evolution([10, 2], QUALITY, 4000, (165.95, 0.36), (281.47, 0.86), 0.4321, 1.723, &[0.2152, 0.2169]),
        evolution([10, 3], FIRST, 3000, (70.94, 0.16), (160.51, 0.22), 0.5726, -0.591, &[0.1905, 0.1907, 0.1914]),
        evolution([10, 3], AFFINITY, 3000, (60.04, 0.16), (168.01, 0.39), 0.7091, -0.539, &[0.2621, 0.2354, 0.2117]),
        evolution([10, 3], QUALITY, 3000, (123.39, 0.30), (264.91, 0.65), 0.5480, 1.320, &[0.1851, 0.1784, 0.1845]),
        evolution([5, 1], FIRST, 3000, (117.19, 0.31), (137.88, 0.20), 0.2974, -0.592, &[0.2974]),
        evolution([5, 1], AFFINITY, 3000, (87.18, 0.26), (155.06, 0.38), 0.4502, -0.527, &[0.4502]),
        evolution([5, 1], QUALITY, 3000, (193.64, 0.44), (215.87, 0.77), 0.2827, 1.488, &[0.2827]),
        evolution([20, 5], FIRST, 2000, (60.28, 0.15), (165.82, 0.28), 0.6970, -0.587,
            &[0.1396, 0.1383, 0.1392, 0.1402, 0.1397]),
        evolution([20, 5], AFFINITY, 2000, (53.90, 0.20), (172.35, 0.58), 0.8113, -0.508,
            &[0.1785, 0.1704, 0.1618, 0.1545, 0.1462]),
        evolution([20, 5], QUALITY, 2000, (124.54, 0.41), (320.01, 1.11), 0.6625, 1.662,
            &[0.1428, 0.1290, 0.1279, 0.1288, 0.1340]),
        exploration([10, 2], FIRST, 3000, (11.44, 0.06), 0.22882, 1.690, &[0.1140, 0.1148]),
        exploration([10, 2], LARGEST, 3000, (19.24, 0.09), 0.38474, 2.217, &[0.2316, 0.1532]),
        exploration([10, 1], FIRST, 3000, (6.42, 0.05), 0.12849, 1.679, &[0.1285]),
        exploration([10, 1], LARGEST, 3000, (13.88, 0.09), 0.27761, 2.347, &[0.2776]),
        exploration([20, 5], FIRST, 1500, (21.41, 0.10), 0.42825, 1.704,
            &[0.0849, 0.0870, 0.0866, 0.0861, 0.0836]),
        exploration([20, 5], LARGEST, 1500, (29.79, 0.13), 0.59573, 2.178,
            &[0.1790, 0.1404, 0.1116, 0.0917, 0.0730]),
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

/// Compares a backend with every run of `RecSim`; the episodes are at least as many as the errors of positions and of the clicked
/// quality need.
pub(crate) fn rows(backend: &dyn Backend, episodes: u64) -> Result<Vec<Row>, Error> {
    let episodes = episodes.max(FEWEST_BLOCKS * BLOCK_EPISODES);
    let mut rows = Vec::new();
    for (seed, run) in (0..).zip(runs()) {
        let [num_candidates, slate_size] = run.sizes;
        let mut settings = vec![
            format!("seed={seed}"),
            format!("environment.name={}", run.environment),
            format!("environment.num_candidates={num_candidates}"),
            format!("environment.slate_size={slate_size}"),
        ];
        let Rule(rule, policy) = run.rule;
        settings.extend(policy.iter().map(|&setting| setting.to_owned()));
        if run.environment == EXPLORATION {
            settings.push(format!("max_steps={EXPLORATION_STEPS}"));
        }
        let simulation = simulation(&settings)?;
        let summary = backend
            .rollout(&simulation, 0..episodes, &Unobserved)?
            .summary();

        let title = format!(
            "{}, {num_candidates} candidates, slate of {slate_size}: {rule}",
            run.environment
        );
        // If RecSim's error was not recorded, it is estimated from ours, scaled to the number of episodes.
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
        let mut scaled = vec![
            ("clicks by step".to_owned(), clicks, run.clicks_by_step),
            (
                "quality of what is clicked".to_owned(),
                quality,
                run.clicked_quality,
            ),
        ];
        let positions = summary.positions.iter().zip(run.position_clicks);
        for (position, (found, &rate)) in positions.enumerate() {
            scaled.push((
                format!("clicks by step at position {position}"),
                estimate(found.click_rate, found.standard_error),
                Some(rate),
            ));
        }
        for (figure, ours, theirs) in scaled {
            let theirs = theirs.map(|theirs| (theirs, scale * ours.1));
            rows.extend(theirs.map(|theirs| Row::of_estimates(&title, &figure, ours, theirs)));
        }
    }
    Ok(rows)
}
