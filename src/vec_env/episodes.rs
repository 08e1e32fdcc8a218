//! The episodes of lanes: which one each lane runs, which have ended, and when the next ones begin.

use super::error::VecEnvError;
use super::options::{AutoresetMode, VecEnvOptions};
use crate::backend::StepOutcome;
use ndarray::Array1;

/// From the index of an episode to that of the lane's next one; the lower 32 bits hold the number of the lane.
pub(super) const NEXT_EPISODE: u64 = 1 << 32;

/// Returns the next episode of the same lane.
fn following(episode: u64) -> u64 {
    episode.wrapping_add(NEXT_EPISODE)
}

/// The episodes of all lanes.
///
/// A lane is in one of three states:
///
/// ```text
///             its episode ends         those of all users of its environment have ended
///   running ------------------> ended ---------------------------------------------------> due
///      ^                                                                                    |
///      '---- the next begins: SameStep within that step, NextStep with the next one, -------'
///            Disabled with `reset_lanes`
/// ```
///
/// With one user an environment, a lane that has ended is due at once.
#[derive(Debug)]
pub(super) struct Episodes {
    autoreset: AutoresetMode,
    /// Number of neighbouring lanes that belong to one environment, and begin together.
    users_per_env: usize,
    /// The very first episode of lane 0.
    first: u64,
    /// The episode that each lane begins next.
    next: Vec<u64>,
    /// Whether the episode of a lane has ended and its next one has not begun: the lane has ended or is due.
    has_ended: Vec<bool>,
}

/// The changes that a step made.
#[derive(Debug)]
pub(super) struct Turn {
    /// Lanes that became due with the step.
    pub(super) ended: Array1<bool>,
    /// Lanes whose next episode should begin within the step.
    pub(super) begins: Array1<bool>,
}

impl Episodes {
    /// Makes lanes that begin with their first episodes.
    pub(super) fn new(num_lanes: usize, users_per_env: usize, options: VecEnvOptions) -> Self {
        let mut episodes = Self {
            autoreset: options.autoreset,
            users_per_env,
            first: first_episode(users_per_env, options),
            next: Vec::new(),
            has_ended: vec![false; num_lanes],
        };
        episodes.rewind();
        episodes
    }

    /// Makes every lane begin its first episode again the next time.
    pub(super) fn rewind(&mut self) {
        self.next = (self.first..).take(self.has_ended.len()).collect();
    }

    /// Continues the lanes in these episodes, none of which has ended.
    pub(super) fn put(&mut self, episodes: &[u64]) {
        self.next = episodes.iter().copied().map(following).collect();
        self.has_ended.fill(false);
    }

    /// Tells which lanes have ended or are due: no slate is shown to them.
    pub(super) fn have_ended(&self) -> &[bool] {
        &self.has_ended
    }

    /// Tells which lanes are due.
    pub(super) fn due(&self) -> Array1<bool> {
        let mut due = self.has_ended.clone();
        if self.users_per_env > 1 {
            for users in due.chunks_exact_mut(self.users_per_env) {
                let all = users.iter().all(|&has_ended| has_ended);
                users.fill(all);
            }
        }
        due.into()
    }

    /// Refuses a step if lanes are due and the caller has to reset them.
    pub(super) fn check_step(&self, due: &Array1<bool>) -> Result<(), VecEnvError> {
        match due.iter().position(|&is_due| is_due) {
            Some(lane) if self.autoreset == AutoresetMode::Disabled => {
                Err(VecEnvError::Ended { lane })
            }
            _ => Ok(()),
        }
    }

    /// Notes which episodes a step has ended; `was_due` is the result of [`due`](Self::due) before it.
    pub(super) fn end(&mut self, outcome: &StepOutcome, was_due: Array1<bool>) -> Turn {
        let ends = outcome.terminated.iter().zip(&outcome.truncated);
        for (has_ended, (terminated, truncated)) in self.has_ended.iter_mut().zip(ends) {
            *has_ended |= terminated | truncated;
        }
        let ended = self.due() & !&was_due;
        let begins = match self.autoreset {
            AutoresetMode::SameStep => ended.clone(),
            AutoresetMode::NextStep => was_due,
            AutoresetMode::Disabled => Array1::from_elem(was_due.len(), false),
        };
        Turn { ended, begins }
    }

    /// Returns the episodes that the lanes of a mask begin next.
    pub(super) fn next(&self, lanes: &Array1<bool>) -> Vec<Option<u64>> {
        let next = self.next.iter().zip(lanes);
        next.map(|(&episode, &begins)| begins.then_some(episode))
            .collect()
    }

    /// Notes that lanes have begun these episodes.
    pub(super) fn begin(&mut self, starts: &[Option<u64>]) {
        let lanes = self.next.iter_mut().zip(&mut self.has_ended);
        for (start, (next, has_ended)) in starts.iter().zip(lanes) {
            if let Some(episode) = *start {
                *next = following(episode);
                *has_ended = false;
            }
        }
    }
}

/// Returns the very first episode of lane 0.
pub(super) fn first_episode(users_per_env: usize, options: VecEnvOptions) -> u64 {
    u64::from(options.first_env).saturating_mul(users_per_env as u64)
}
