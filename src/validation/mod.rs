//! Validation: compares a backend with the reference, with closed forms and with `RecSim`, in a series of rungs.
//!
//! | rung | compares | bound |
//! | --- | --- | --- |
//! | known answers | Philox with Random123's vectors | equal |
//! | integer paths | random words, products, bounded integers, uniforms over 2^20 counters | equal |
//! | functions | normals and elementary functions with `f64` | stated ulps |
//! | single steps | one step from injected states, ordinary and edge | integers but for flips, floats within 1e-5 |
//! | episodes end | what a GPU returns with itself: ended or at the last step, no click without a step | none wrong |
//! | trajectories | every single episode | integers but for flips, floats within 1e-5 |
//! | step equals rollout | recommending and stepping with the rollout | bit for bit |
//! | invariance | batch size, threads, fusion length, workgroup size, shards | bit for bit |
//! | gpu and cpu | every episode of the one with the other's, some 7,000,000 user-steps of each case with a choice by scores | integers but for flips, floats within 1e-5 |
//! | lives | random configurations, every single episode, with [`fuzz()`] | rounding edges that a nudge explains |
//! | statistics | means with closed forms and with `RecSim`'s | 4 joint standard errors |
//!
//! A *flip* is a choice that falls the other way because two roundings put a threshold on different sides of a draw;
//! whatever follows it in the episode differs too. Flips are counted, and bounded by what rounding can explain.

mod cases;
mod error;
mod fuzz;
mod host;
mod invariance;
mod known;
mod lockstep;
mod probe;
mod rung;
mod trajectories;

pub use cases::{Case, cases};
pub use error::ValidationError;
pub use fuzz::{Edges, Fuzz, FuzzFailure, FuzzReport, fuzz};
pub use rung::{Effort, Rung, Subject};

use invariance::Cuts;
use std::ops::ControlFlow;

/// Runs the rungs for some cases, at least one. `on_rung` receives each rung when it is done, and may end the validation.
///
/// # Errors
/// [`ValidationError`] if something cannot be run at all; a comparison out of its bound is a rung that has not passed.
pub fn validate(
    subject: Subject<'_>,
    effort: Effort,
    cases: &[Case],
    on_rung: &mut dyn FnMut(&Rung) -> ControlFlow<()>,
) -> Result<Vec<Rung>, ValidationError> {
    let mut rungs = Vec::new();
    let mut climb = |more: Vec<Rung>| {
        let flow = more.iter().try_for_each(&mut *on_rung);
        rungs.extend(more);
        flow
    };
    // A closure, so that `?` can leave it early: an early end is no error.
    let mut all = || -> Result<ControlFlow<()>, ValidationError> {
        macro_rules! climb {
            ($rungs:expr) => {
                if climb($rungs).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            };
        }
        climb!(probe::rungs(subject, effort, &cases[0])?);
        for case in cases {
            if let Subject::Gpu(gpu) = subject {
                climb!(vec![trajectories::every_episode_ends(gpu, case)?]);
            }
            climb!(vec![
                lockstep::single_steps(subject, effort, case)?,
                trajectories::against_reference(subject, effort, case)?
            ]);
        }
        let mut seen = Vec::new();
        let mut has_ranked = false;
        for case in cases {
            climb!(vec![trajectories::step_equals_rollout(subject, case)?]);
            // Most ways of cutting the work compile the kernels anew and are the same for every model, so one case for each
            // environment is enough; but only policies that rank carry something from one part of the candidates to the next,
            // so one of these is tried, too.
            let is_first = !seen.contains(&case.environment()) || (case.ranks() && !has_ranked);
            seen.push(case.environment());
            has_ranked |= case.ranks();
            let cuts = if is_first { Cuts::All } else { Cuts::OfModels };
            if effort == Effort::Full || is_first {
                climb!(vec![invariance::invariance(subject, effort, cuts, case)?]);
            }
        }
        if let Subject::Gpu(gpu) = subject {
            for case in cases {
                climb!(vec![trajectories::gpu_against_cpu(gpu, effort, case)?]);
            }
        }
        for case in cases {
            climb!(known::rungs(subject, effort, case)?);
        }
        Ok(ControlFlow::Continue(()))
    };
    all().map(|_| rungs)
}
