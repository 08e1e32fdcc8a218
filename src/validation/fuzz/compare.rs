//! Compares all episodes of a case on two backends.

use super::explain::explain;
use super::nudge::NudgedPolicy;
use super::sensitivity::sensitivity;
use super::verdict::{Edges, Life, Verdict};
use crate::backend::{Backend, Simulation};
use crate::statistics::EpisodeBlock;
use crate::validation::error::ValidationError;
use std::ops::Range;

/// The most episodes that are looked at step by step; of more than these, the first.
const MOST_EXPLAINED: usize = 48;
/// Relative difference of a sum below which the steps behind it are not looked at.
const CLOSE: f64 = 1e-5;
/// Largest difference of a return from the sum of the rewards of its steps, relative to the sum of their magnitudes.
const SAME_SUM: f64 = 1e-6;
/// Episodes in which the sensitivity of the reference is sampled.
const MOST_SAMPLED: usize = 4;
/// Number of edges that is always allowed.
const FEW: u64 = 2;
/// Share of the episodes that rounding may end sooner or later.
const SHARE_OF_ENDS: f64 = 1e-3;
/// Share of the candidates and of the positions of slates at which rounding may turn an episode another way: single precision
/// knows a threshold to some 1e-7, times the size of scores.
const SHARE_OF_EDGES: f64 = 5e-6;
/// The same for policies that score by a sum over inputs, whose rounding error is that of its largest term, or by a regression,
/// whose own sums are rounded at each step, too.
const SHARE_OF_EDGES_OF_SUMS: f64 = 1e-4;

/// The result of a comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    pub(super) user_steps: u64,
    /// Episodes that differ.
    pub(super) differing: u64,
    /// Those of them that rounding explains, by kind.
    pub(super) edges: Edges,
    /// Whether there are more edges than usual, but no more than the reference's own sensitivity to rounding explains.
    pub(super) is_sensitive: bool,
    /// A difference that rounding does not explain, if there is one.
    pub(super) fault: Option<String>,
}

/// Compares every episode of a range.
pub(super) fn compare(
    simulation: &Simulation,
    nudged_policy: NudgedPolicy<'_>,
    backends: [&dyn Backend; 2],
    range: Range<u64>,
) -> Result<Comparison, ValidationError> {
    let [expected, found] = [
        backends[0].episodes(simulation, range.clone())?,
        backends[1].episodes(simulation, range.clone())?,
    ];
    let mut comparison = Comparison::default();
    let sizes = |blocks: &[EpisodeBlock]| -> Vec<usize> {
        blocks.iter().map(EpisodeBlock::episodes).collect()
    };
    if sizes(&expected) != sizes(&found) {
        let text = format!(
            "blocks of {:?} and {:?} episodes",
            sizes(&expected),
            sizes(&found)
        );
        comparison.fault = Some(text);
        return Ok(comparison);
    }
    let mut suspects = Vec::new();
    let mut first = range.start;
    for (expected, found) in expected.iter().zip(&found) {
        let lengths = expected.lengths.iter().map(|&length| u64::from(length));
        comparison.user_steps += lengths.sum::<u64>();
        let differing: Vec<usize> = (0..expected.episodes())
            .filter(|&episode| !is_close_episode(expected, found, episode))
            .collect();
        if differing.is_empty() {
            // Something is wrong with a sum: any of them may be why.
            if let Some(what) = differing_sum(expected, found) {
                suspects.extend((0..expected.episodes()).map(|episode| Suspect {
                    episode: first + episode as u64,
                    rolled: life(found, episode),
                    of: Some(what),
                }));
            }
        }
        suspects.extend(differing.into_iter().map(|episode| Suspect {
            episode: first + episode as u64,
            rolled: life(found, episode),
            of: None,
        }));
        first += expected.episodes() as u64;
    }
    if !suspects.is_empty() {
        look(
            (simulation, nudged_policy),
            backends,
            &suspects,
            range,
            &mut comparison,
        )?;
    }
    Ok(comparison)
}

/// An episode that is to be looked at step by step.
struct Suspect {
    episode: u64,
    /// The result of the backend's rollout.
    rolled: Life,
    /// The sum of its block that differs, if the episode itself does not seem to differ.
    of: Option<&'static str>,
}

fn life(block: &EpisodeBlock, episode: usize) -> Life {
    Life {
        length: block.lengths[episode],
        clicks: block.clicks[episode],
        total: block.returns[episode],
        ..Life::default()
    }
}

/// Steps through the suspects, and judges the differences that are found.
fn look(
    (simulation, nudged_policy): (&Simulation, NudgedPolicy<'_>),
    backends: [&dyn Backend; 2],
    suspects: &[Suspect],
    range: Range<u64>,
    comparison: &mut Comparison,
) -> Result<(), ValidationError> {
    // Any episode of the block may be why its sum differs.
    let most = match suspects[0].of {
        Some(_) => suspects.len().min(256),
        None => suspects.len().min(MOST_EXPLAINED),
    };
    let looked_at = &suspects[..most];
    let episodes: Vec<u64> = looked_at.iter().map(|suspect| suspect.episode).collect();
    let verdicts = explain(simulation, nudged_policy, backends, &episodes)?;
    let mut edges = Edges::default();
    let mut unexplained_sum = None;
    for (suspect, verdict) in looked_at.iter().zip(verdicts) {
        match verdict {
            Verdict::Edge(edge) => {
                comparison.differing += 1;
                edges.count(edge);
            }
            Verdict::Fault(text) => {
                comparison.differing += 1;
                comparison.fault.get_or_insert(text);
            }
            Verdict::Alike(stepped) => {
                if let Some(what) = misfit(&stepped, &suspect.rolled) {
                    comparison.differing += 1;
                    let episode = suspect.episode;
                    comparison.fault.get_or_insert(format!(
                        "episode {episode}: step by step it is alike, and {what}"
                    ));
                } else if let Some(what) = suspect.of {
                    unexplained_sum = Some((what, suspect.episode));
                }
            }
        }
    }
    if let (Some((what, episode)), 0) = (unexplained_sum, edges.total()) {
        let text = format!(
            "{what} of the block of episode {episode} differ, and no step of its episodes does"
        );
        comparison.fault.get_or_insert(text);
    }
    comparison.edges = edges;
    if comparison.fault.is_some() {
        return Ok(());
    }
    let scale = suspects.len() as f64 / most as f64;
    let num_episodes = (range.end - range.start) as f64;
    let plan = &simulation.plan;
    let looked_at = f64::from(plan.slate_size) + f64::from(plan.num_candidates);
    let mut shaders = plan.policy.shaders().into_iter();
    let adds_up = shaders.any(|shader| {
        let imports = ["#import slatesim::inputs", "#import slatesim::posterior"];
        imports.iter().any(|import| shader.text.contains(import))
    });
    let share = match adds_up {
        true => SHARE_OF_EDGES_OF_SUMS,
        false => SHARE_OF_EDGES,
    };
    let share = share * comparison.user_steps as f64 * looked_at;
    let few = FEW as f64;
    let [ends, others] = [edges.ends, edges.total() - edges.ends].map(|count| scale * count as f64);
    let too_many = |what: &str, count: f64, allowed: f64| {
        format!(
            "{what} by rounding in {count:.0} of {num_episodes} episodes, {allowed:.1} allowed; the first that differs is episode {}",
            suspects[0].episode
        )
    };
    let most_ends = few + SHARE_OF_ENDS * num_episodes;
    comparison.fault = if ends > most_ends {
        Some(too_many("sessions end sooner or later", ends, most_ends))
    } else if others > few + share {
        // Also allow as many as the reference itself changes when its numbers are nudged.
        let some = &episodes[..episodes.len().min(MOST_SAMPLED)];
        let sensitivity = sensitivity(simulation, nudged_policy, backends[0], some)?;
        let allowed = few + share + sensitivity * comparison.user_steps as f64;
        comparison.is_sensitive = others <= allowed;
        (others > allowed).then(|| too_many("episodes go another way", others, allowed))
    } else {
        None
    };
    Ok(())
}

/// Describes how a rollout differs from the steps of the same backend.
fn misfit(stepped: &Life, rolled: &Life) -> Option<String> {
    if stepped.length != rolled.length {
        return Some(format!(
            "the rollout has length {}, its steps {}",
            rolled.length, stepped.length
        ));
    }
    if stepped.clicks != rolled.clicks {
        return Some(format!(
            "the rollout has {} clicks, its steps {}",
            rolled.clicks, stepped.clicks
        ));
    }
    let same = SAME_SUM * stepped.magnitude;
    let is_same = (stepped.total - rolled.total).abs() <= same
        || !(stepped.total.is_finite() || rolled.total.is_finite());
    (!is_same).then(|| {
        format!(
            "the rollout has return {:e}, its steps add up to {:e}",
            rolled.total, stepped.total
        )
    })
}

fn is_close(a: f64, b: f64, scale: f64) -> bool {
    a == b || (!a.is_finite() && !b.is_finite()) || (a - b).abs() <= CLOSE * scale
}

fn is_close_episode(expected: &EpisodeBlock, found: &EpisodeBlock, episode: usize) -> bool {
    let of = |block: &EpisodeBlock| (block.lengths[episode], block.clicks[episode]);
    let [a, b] = [expected.returns[episode], found.returns[episode]];
    let discounted = expected.discounted.iter().zip(&found.discounted);
    of(expected) == of(found)
        && is_close(a, b, a.abs())
        && discounted
            .map(|(a, b)| (a[episode], b[episode]))
            .all(|(a, b)| is_close(a, b, a.abs()))
        && {
            // The weight is the step, so that clicks at other steps are noticed, too.
            let length = f64::from(expected.lengths[episode]).max(1.0);
            let weighted = [expected, found].map(|block| step_weighted(block, episode) / length);
            is_close(weighted[0], weighted[1], weighted[0].abs().max(a.abs()))
        }
}

/// Returns the sum of `step · reward` of an episode, from its slope and its return.
fn step_weighted(block: &EpisodeBlock, episode: usize) -> f64 {
    let length = f64::from(block.lengths[episode]);
    let slope = if length < 2.0 {
        0.0
    } else {
        block.slopes[episode]
    };
    let by_slope = slope * length * (length * length - 1.0) / 12.0;
    by_slope + 0.5 * (length - 1.0) * block.returns[episode]
}

/// Returns the name of a sum over a block that differs.
fn differing_sum(expected: &EpisodeBlock, found: &EpisodeBlock) -> Option<&'static str> {
    // The sums of long curves are those of bins of steps.
    let steps = expected
        .clicks_by_step
        .len()
        .min(found.clicks_by_step.len());
    let count = expected.episodes() as f64;
    let is_close_at = |step: usize| {
        let scale = (expected.squared_reward_by_step[step].abs() * count).sqrt();
        is_close(
            expected.reward_by_step[step],
            found.reward_by_step[step],
            10.0 * scale,
        )
    };
    if expected.clicks_by_step[..steps] != found.clicks_by_step[..steps] {
        Some("clicks by step")
    } else if expected.truncated != found.truncated {
        Some("truncated episodes")
    } else if expected.topic_impressions != found.topic_impressions {
        Some("impressions by topic")
    } else if expected.topic_clicks != found.topic_clicks {
        Some("clicks by topic")
    } else if expected.position_clicks != found.position_clicks {
        Some("clicks by position")
    } else if expected.invalid_choices.abs_diff(found.invalid_choices)
        > FEW + expected.invalid_choices / 1_000_000
    {
        Some("invalid choices")
    } else if !(0..steps).all(is_close_at) {
        Some("rewards by step")
    } else {
        None
    }
}
