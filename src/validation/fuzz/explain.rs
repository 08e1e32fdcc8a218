//! Why two runs of an episode differ: steps through both, side by side, up to the first difference.
//!
//! A difference is a *rounding edge* if one side does what the other did once the numbers that single precision had to round
//! are changed a little (*nudged*): the documents, the state of the user, what the policy remembers, and the draw of the
//! choice. A difference that no nudge explains is a fault. Numbers that single precision holds exactly are nudged only if
//! nothing else explains the difference. Such *ties* are counted separately: few of them are edges of intermediate results,
//! many are a fault.

use super::difference::{Deed, Difference};
use super::nudge::NudgedPolicy;
use super::verdict::{Life, Verdict};
use crate::backend::{Backend, LaneState, Simulation, StepOutcome};
use crate::validation::error::ValidationError;

/// Steps through some episodes on both sides.
pub(super) fn explain(
    simulation: &Simulation,
    nudged_policy: NudgedPolicy<'_>,
    [reference, subject]: [&dyn Backend; 2],
    episodes: &[u64],
) -> Result<Vec<Verdict>, ValidationError> {
    let num_lanes = episodes.len();
    let mut oracle = reference.stepper(simulation, num_lanes)?;
    let mut found = subject.stepper(simulation, num_lanes)?;
    let starts: Vec<_> = episodes.iter().copied().map(Some).collect();
    oracle.start(&starts)?;
    found.start(&starts)?;
    let mut verdicts: Vec<Option<Verdict>> = vec![None; num_lanes];
    let mut lives = vec![Life::default(); num_lanes];
    let mut changes: Vec<f64> = Vec::new();
    let mut last: Option<LaneState> = None;
    for step in 0..simulation.plan.num_steps() {
        if verdicts.iter().all(Option::is_some) {
            break;
        }
        let states = [oracle.state()?, found.state()?];
        add_changes(&mut changes, last.as_ref(), &states[0]);
        let mut taken = Vec::new();
        for stepper in [&mut oracle, &mut found] {
            let slates = stepper.recommend()?;
            let outcome = stepper.step(&slates)?;
            taken.push((slates, outcome));
        }
        let slate_size = simulation.plan.slate_size as usize;
        for lane in 0..num_lanes {
            if verdicts[lane].is_some() {
                continue;
            }
            let of = |(slates, outcome): &(Vec<u32>, StepOutcome)| Deed {
                slate: slates[lane * slate_size..][..slate_size].to_vec(),
                chosen: outcome.chosen[lane],
                reward: outcome.rewards[lane],
                has_ended: outcome.terminated[lane],
            };
            let deeds = [of(&taken[0]), of(&taken[1])];
            let life = &mut lives[lane];
            life.length += 1;
            life.clicks += u32::from(deeds[1].chosen.is_some());
            life.total += deeds[1].reward;
            life.magnitude += deeds[1].reward.abs();
            if deeds[0].is_like(&deeds[1]) {
                if deeds[0].has_ended {
                    verdicts[lane] = Some(Verdict::Alike(*life));
                }
                continue;
            }
            let difference = Difference {
                simulation,
                nudged_policy,
                backends: [reference, subject],
                episode: episodes[lane],
                step,
                before: [states[0].lane(lane), states[1].lane(lane)],
                changes: (changes.iter().skip(lane).step_by(num_lanes))
                    .copied()
                    .collect(),
                deeds,
            };
            verdicts[lane] = Some(difference.verdict()?);
        }
        let [expected, _] = states;
        last = Some(expected);
    }
    let alike = |(verdict, life): (Option<Verdict>, Life)| verdict.unwrap_or(Verdict::Alike(life));
    Ok(verdicts.into_iter().zip(lives).map(alike).collect())
}

/// Adds how much each number of the users has changed.
fn add_changes(changes: &mut Vec<f64>, last: Option<&LaneState>, now: &LaneState) {
    match last {
        None => changes.resize(now.users.len(), 0.0),
        Some(last) => {
            for ((change, last), now) in changes.iter_mut().zip(&last.users).zip(&now.users) {
                *change += (now - last).abs();
            }
        }
    }
}

impl LaneState {
    /// Returns the fields of the user and the memory of the policy of one lane.
    pub(super) fn lane(&self, lane: usize) -> [Vec<f64>; 2] {
        let num_lanes = self.episodes.len();
        [&self.users, &self.policy].map(|all| {
            let own = all.iter().skip(lane).step_by(num_lanes);
            own.copied().collect()
        })
    }
}
