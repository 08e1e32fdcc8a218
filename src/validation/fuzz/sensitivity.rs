//! How sensitive episodes are to rounding, whatever backend runs them.

use super::difference::{Deed, Difference};
use super::nudge::{LARGEST_NUDGE, Nudge, NudgedPolicy};
use crate::backend::{Backend, Simulation};
use crate::rng::Philox;
use crate::validation::error::ValidationError;

/// Returns the share of retries, of sampled steps with nudged numbers, in which the reference does something else.
pub(super) fn sensitivity(
    simulation: &Simulation,
    nudged_policy: NudgedPolicy<'_>,
    reference: &dyn Backend,
    episodes: &[u64],
) -> Result<f64, ValidationError> {
    const LAST_STEP: u32 = 400;
    let num_lanes = episodes.len();
    let mut oracle = reference.stepper(simulation, num_lanes)?;
    oracle.start(&episodes.iter().copied().map(Some).collect::<Vec<_>>())?;
    let slate_size = simulation.plan.slate_size as usize;
    let mut has_ended = vec![false; num_lanes];
    let (mut tried, mut moved) = (0_u32, 0_u64);
    let [mut next, mut after] = [0, 1];
    for step in 0..simulation.plan.num_steps().min(LAST_STEP) {
        let state = oracle.state()?;
        let slates = oracle.recommend()?;
        let outcome = oracle.step(&slates)?;
        let is_sampled = step == next;
        if is_sampled {
            // Early steps are sampled more often, because all episodes have them.
            (next, after) = (after, (next + after).max(after + 1));
        }
        for lane in (0..num_lanes).filter(|&lane| is_sampled && !has_ended[lane]) {
            let deed = Deed {
                slate: slates[lane * slate_size..][..slate_size].to_vec(),
                chosen: outcome.chosen[lane],
                reward: outcome.rewards[lane],
                has_ended: outcome.terminated[lane],
            };
            let before = state.lane(lane);
            let same = Difference {
                simulation,
                nudged_policy,
                backends: [reference, reference],
                episode: episodes[lane],
                step,
                before: [before.clone(), before],
                changes: Vec::new(),
                deeds: [deed.clone(), deed],
            };
            let nudge = Nudge {
                by: LARGEST_NUDGE,
                includes_exact: true,
                is_of_sums: true,
                side: 0,
            };
            let mut rng = Philox::new(u64::from(step) ^ episodes[lane].rotate_left(32));
            for retried in same.retry(nudge, &mut rng)? {
                let is_same =
                    retried.is_same_slate && retried.outcome.has_same_outcome(&same.deeds[0]);
                tried += 1;
                moved += u64::from(!is_same);
            }
        }
        for lane in 0..num_lanes {
            has_ended[lane] |= outcome.terminated[lane];
        }
    }
    Ok(moved as f64 / f64::from(tried.max(1)))
}
