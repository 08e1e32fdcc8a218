//! Compares whole episodes, every single one.

use super::cases::Case;
use super::error::ValidationError;
use super::lockstep::{Tally, run_episodes};
use super::rung::{Effort, Rung, Subject};
use crate::backend::gpu::{GpuBackend, GpuError, GpuOptions};
use crate::backend::{BLOCK_EPISODES, Backend, BackendError, Unobserved, cpu, reference};
use crate::statistics::{EpisodeBlock, first_step_of_bin, num_bins};

/// Relative difference of returns above which an episode must have gone another way: rounding errors add up to some 1e-6, while
/// another document shown or clicked changes a return by 1e-3 and more.
const SAME_EPISODE: f64 = 1e-4;

/// Compares every episode with the reference's.
pub(super) fn against_reference(
    subject: Subject<'_>,
    effort: Effort,
    case: &Case,
) -> Result<Rung, ValidationError> {
    let episodes = if effort == Effort::Full { 16_384 } else { 512 };
    let reference = reference::reference(None)?;
    let mut tally = Tally::default();
    // Indices from 0 on, and indices around 2^32, where they need more than 32 bits.
    for range in [
        0..episodes,
        (1 << 32) - BLOCK_EPISODES..(1 << 32) + BLOCK_EPISODES,
    ] {
        let expected = reference.episodes(&case.simulation, range.clone())?;
        let found = subject.backend().episodes(&case.simulation, range)?;
        tally.add(&compare(&expected, &found));
    }
    Ok(tally.rung("trajectories", case))
}

/// Compares every episode of a GPU with the CPU's, over many user-steps.
pub(super) fn gpu_against_cpu(
    gpu: &GpuBackend,
    effort: Effort,
    case: &Case,
) -> Result<Rung, ValidationError> {
    const CHUNK: u64 = 1 << 13;
    // Only a choice by scores compares rounded numbers, so only there can a flip arise: those cases get more user-steps,
    // the others enough to see whether integers agree.
    let user_steps = match effort {
        Effort::Full if case.simulation.plan.choice.needs_scores() => 7_000_000,
        Effort::Full => 2_000_000,
        Effort::Quick => 1,
    };
    let cpu = cpu::cpu(None)?;
    let mut tally = Tally::default();
    for chunk in 0.. {
        if tally.integers >= user_steps {
            break;
        }
        let range = chunk * CHUNK..(chunk + 1) * CHUNK;
        let expected = cpu.episodes(&case.simulation, range.clone())?;
        let found = gpu.episodes(&case.simulation, range)?;
        tally.add(&compare(&expected, &found));
    }
    Ok(tally.rung("gpu and cpu", case))
}

/// Compares user-steps as integers; an episode that went another way counts as a flip.
fn compare(expected: &[EpisodeBlock], found: &[EpisodeBlock]) -> Tally {
    let mut tally = Tally::default();
    if expected.len() != found.len() {
        tally.worst = f64::INFINITY;
    }
    for (expected, found) in expected.iter().zip(found) {
        if expected.returns.len() != found.returns.len() {
            tally.worst = f64::INFINITY;
            continue;
        }
        let mut flips = 0;
        for episode in 0..expected.returns.len() {
            tally.integers += u64::from(expected.lengths[episode]);
            let (a, b) = (expected.returns[episode], found.returns[episode]);
            // Weighted by the step, so the sum is as large as the return times the length. Where rewards are clicks, an episode
            // that went another way often has the same return, but with clicks at other steps.
            let length = f64::from(expected.lengths[episode]).max(1.0);
            let weighted = [expected, found].map(|of| step_weighted(of, episode) / length);
            let is_close = |a: f64, b: f64| (a - b).abs() <= SAME_EPISODE * a.abs().max(1.0);
            let is_same = expected.lengths[episode] == found.lengths[episode]
                && expected.clicks[episode] == found.clicks[episode]
                && is_close(a, b)
                && is_close(weighted[0], weighted[1]);
            if is_same {
                tally.float(a, b);
                tally.float(weighted[0], weighted[1]);
            } else {
                flips += 1;
            }
        }
        tally.flips += flips;
        if flips == 0 {
            let count = expected.returns.len() as f64;
            for step in 0..num_bins(expected.max_length()) {
                // A bin is the sum over several steps, so it is divided by their number, too.
                let steps = first_step_of_bin(step + 1) - first_step_of_bin(step);
                let count = count * steps as f64;
                tally.float(
                    expected.reward_by_step[step] / count,
                    found.reward_by_step[step] / count,
                );
                let (a, b) = (
                    expected.squared_reward_by_step[step],
                    found.squared_reward_by_step[step],
                );
                tally.float((a / count).sqrt(), (b / count).sqrt());
                tally.flips +=
                    u64::from(expected.clicks_by_step[step] != found.clicks_by_step[step]);
            }
            tally.flips += u64::from(expected.topic_impressions != found.topic_impressions);
            // A score next to a limit may be valid on one backend only.
            tally.integers += expected.invalid_choices;
            tally.flips += expected.invalid_choices.abs_diff(found.invalid_choices);
            tally.flips += u64::from(expected.topic_clicks != found.topic_clicks);
            tally.flips += u64::from(expected.position_clicks != found.position_clicks);
            tally.float(
                expected.clicked_quality / count,
                found.clicked_quality / count,
            );
        }
    }
    tally
}

/// Returns the sum of `step · reward` of an episode, from its slope and its return.
fn step_weighted(block: &EpisodeBlock, episode: usize) -> f64 {
    let length = f64::from(block.lengths[episode]);
    let by_slope = block.slopes[episode] * length * (length * length - 1.0) / 12.0;
    by_slope + 0.5 * (length - 1.0) * block.returns[episode]
}

/// Checks that a GPU runs every episode to its end, whether the host adds them up or the device.
///
/// A driver that leaves loops early, or loses a dispatch, is noticed by its results: episodes that have neither ended nor
/// reached the last step, or clicks without a step.
pub(super) fn every_episode_ends(gpu: &GpuBackend, case: &Case) -> Result<Rung, ValidationError> {
    const EPISODES: u64 = 2 * BLOCK_EPISODES + 33;
    let mut wrong = Vec::new();
    for tallies in [false, true] {
        let options = GpuOptions {
            tallies: Some(tallies),
            ..gpu.options().clone()
        };
        let backend = gpu.with_options(options);
        match backend.rollout(&case.simulation, 0..EPISODES, &Unobserved) {
            Ok(statistics) if statistics.episodes() == EPISODES => {}
            Ok(statistics) => wrong.push(format!("{} episodes came back", statistics.episodes())),
            Err(BackendError::Gpu(GpuError::Inconsistent { what, .. })) => wrong.push(what),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Rung {
        name: "episodes end",
        case: case.name().to_owned(),
        passed: wrong.is_empty(),
        measured: match wrong.is_empty() {
            true => format!("{EPISODES} episodes by the host and by the device, none cut"),
            false => wrong.join("; "),
        },
    })
}

/// Compares the step API with the rollout, both under the policy of the simulation.
pub(super) fn step_equals_rollout(
    subject: Subject<'_>,
    case: &Case,
) -> Result<Rung, ValidationError> {
    const NUM_LANES: usize = 256;
    let simulation = &case.simulation;
    let backend = subject.backend();
    let rolled = backend.episodes(simulation, 0..NUM_LANES as u64)?;
    let mut stepper = backend.stepper(simulation, NUM_LANES)?;
    let max_steps = simulation.plan.num_steps();
    let stepped = run_episodes(stepper.as_mut(), NUM_LANES, 0, max_steps)?;
    let rolled = &rolled[0];
    let wrong = (0..NUM_LANES).filter(|&lane| {
        stepped.returns[lane].to_bits() != rolled.returns[lane].to_bits()
            || stepped.lengths[lane] != rolled.lengths[lane]
            || stepped.clicks[lane] != rolled.clicks[lane]
    });
    let wrong = wrong.count();
    Ok(Rung {
        name: "step equals rollout",
        case: case.name().to_owned(),
        passed: wrong == 0,
        measured: format!("{wrong} of {NUM_LANES} episodes differ, 0 allowed"),
    })
}
