//! Checks slates from outside before they are used.

use super::error::{VecEnvError, check_shape};
use crate::backend::{EMPTY, IDLE, Plan};
use ndarray::{ArrayView1, ArrayView2, Axis};
use std::borrow::Cow;

/// Refuses slates that cannot be shown; those of idle lanes are ignored.
pub(super) fn check(
    plan: &Plan,
    slates: &ArrayView2<'_, u32>,
    is_idle: &[bool],
) -> Result<(), VecEnvError> {
    let expected = [is_idle.len(), plan.slate_size as usize];
    check_shape("slates", slates.shape(), &expected)?;
    // Nearly always all slates are full. Without an early exit, this check compares a vector of candidates at a time.
    let is_candidate = |all: bool, &candidate: &u32| all & (candidate < plan.num_candidates);
    if (slates.as_slice()).is_some_and(|slates| slates.iter().fold(true, is_candidate)) {
        return Ok(());
    }
    let allows_empty = plan.choice.allows_empty();
    let rows = slates.axis_iter(Axis(0)).zip(is_idle).enumerate();
    rows.filter(|(_, (_, is_idle))| !**is_idle)
        .try_for_each(|(lane, (slate, _))| {
            check_slate(plan.num_candidates, allows_empty, lane, &slate)
        })
}

fn check_slate(
    num_candidates: u32,
    allows_empty: bool,
    lane: usize,
    slate: &ArrayView1<'_, u32>,
) -> Result<(), VecEnvError> {
    let mut length = 0;
    for (position, &candidate) in slate.iter().enumerate() {
        if candidate == EMPTY {
            continue;
        }
        if candidate >= num_candidates {
            return Err(VecEnvError::Candidate {
                lane,
                given: candidate,
                num_candidates,
            });
        }
        if position > length {
            return Err(VecEnvError::Hole {
                lane,
                position: length,
            });
        }
        length += 1;
    }
    if length == 0 && !allows_empty {
        return Err(VecEnvError::EmptySlate { lane });
    }
    Ok(())
}

/// Returns slates row by row, with idle lanes marked; without a copy if that changes nothing.
pub(super) fn marked<'a>(slates: &'a ArrayView2<'_, u32>, is_idle: &[bool]) -> Cow<'a, [u32]> {
    let mut marked = match slates.as_slice() {
        Some(slates) => Cow::Borrowed(slates),
        None => Cow::Owned(slates.iter().copied().collect()),
    };
    if any(is_idle) {
        let rows = marked.to_mut().chunks_exact_mut(slates.ncols());
        for (row, _) in rows.zip(is_idle).filter(|(_, is_idle)| **is_idle) {
            row[0] = IDLE;
        }
    }
    marked
}

/// Tells whether any lane is true. Without an early exit, it checks many lanes at a time.
pub(super) fn any(lanes: &[bool]) -> bool {
    lanes.iter().fold(false, |any, lane| any | lane)
}
