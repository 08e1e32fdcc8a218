//! Shows slates.

use super::VecEnv;
use crate::backend::Rows;
use crate::vec_env::episodes::Turn;
use crate::vec_env::error::VecEnvError;
use crate::vec_env::phase::{Phase, Replaced, Stepped};
use crate::vec_env::{AutoresetMode, Outcome, Step, slates};
use ndarray::{Array1, ArrayView2};

/// The results of a step, for environments of several users.
#[derive(Debug)]
pub(in crate::vec_env) struct Advanced {
    pub(in crate::vec_env) outcome: Outcome,
    /// Users who were not shown anything, because their episodes had ended before.
    pub(in crate::vec_env) idle: Array1<bool>,
    /// Users whose environment ended with this step.
    pub(in crate::vec_env) ended: Array1<bool>,
}

impl VecEnv {
    /// Shows every user a slate and fetches what is observed then: [`advance`](Self::advance),
    /// [`observe`](Self::observe) and [`final_observation`](Self::final_observation) at once.
    ///
    /// # Errors
    /// As [`advance`](Self::advance). [`VecEnvError::Backend`] if the device fails; the episodes are lost then, and
    /// [`reset`](Self::reset) begins others.
    pub fn step(&mut self, slates: ArrayView2<'_, u32>) -> Result<Step, VecEnvError> {
        let Outcome {
            rewards,
            terminated,
            truncated,
            chosen,
            begun,
        } = self.advance(slates)?;
        let (observation, final_observation) = self.fetch()?;
        Ok(Step {
            observation,
            rewards,
            terminated,
            truncated,
            chosen,
            begun,
            final_observation,
        })
    }

    /// Shows every user a slate, and writes what is observed then to memory of the caller: [`step`](Self::step) without new
    /// memory. If episodes have been replaced, their last observation is written to `last`, and the second result tells which
    /// they are.
    ///
    /// Both have the same precision and arrangement; see [`observe_into`](Self::observe_into). Without `last`,
    /// [`final_observation`](Self::final_observation) still has it.
    ///
    /// # Errors
    /// As [`step`](Self::step), and [`VecEnvError::Shape`] before anything is done if the memory has another size.
    pub fn step_into(
        &mut self,
        slates: ArrayView2<'_, u32>,
        rows: Rows<'_>,
        last: Option<Rows<'_>>,
    ) -> Result<(Outcome, Option<Array1<bool>>), VecEnvError> {
        self.check_rows("observation", &rows)?;
        if let Some(last) = &last {
            self.check_rows("last observation", last)?;
        }
        let outcome = self.advance(slates)?;
        let observed = self.observe_step(rows, last);
        let lanes = self.or_give_up(observed)?;
        Ok((outcome, lanes))
    }

    /// Shows every user a slate, and leaves the observation on the device.
    ///
    /// Shape `[num_envs, slate_size]`, of indices of candidates; duplicates are allowed. A shorter slate is filled up
    /// with [`EMPTY`](crate::vec_env::EMPTY). A user who does not look at the whole slate (choice model `first`) responds to
    /// the part that is looked at.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`], [`VecEnvError::Ended`], [`VecEnvError::Shape`], [`VecEnvError::Candidate`],
    /// [`VecEnvError::Hole`] and [`VecEnvError::EmptySlate`] before anything is done: the environments are as before, and a
    /// step with good slates goes on. [`VecEnvError::Backend`] if the device fails; the episodes are lost then, and
    /// [`reset`](Self::reset) begins others.
    pub fn advance(&mut self, slates: ArrayView2<'_, u32>) -> Result<Outcome, VecEnvError> {
        self.advance_users(slates).map(|advanced| advanced.outcome)
    }

    pub(in crate::vec_env) fn advance_users(
        &mut self,
        slates: ArrayView2<'_, u32>,
    ) -> Result<Advanced, VecEnvError> {
        self.check_is_reset()?;
        let was_due = self.episodes.due();
        self.episodes.check_step(&was_due)?;
        let idle = self.episodes.have_ended();
        slates::check(&self.plan, &slates, idle)?;

        self.phase = Phase::NotReset;
        let outcome = self.stepper.step(&slates::marked(&slates, idle))?;
        let idle = Array1::from(idle.to_vec());
        let Turn { ended, begins } = self.episodes.end(&outcome, was_due);
        let mut replaced = None;
        if begins.as_slice().is_some_and(slates::any) {
            if self.options.autoreset == AutoresetMode::SameStep {
                replaced = Some(Replaced {
                    lanes: begins.clone(),
                    kept: self.stepper.keep()?,
                });
            }
            self.begin(&begins)?;
        }
        self.phase = Phase::Stepped(Stepped {
            begun: begins.clone(),
            replaced,
        });
        Ok(Advanced {
            outcome: Outcome {
                rewards: outcome.rewards.into(),
                terminated: outcome.terminated.into(),
                truncated: outcome.truncated.into(),
                chosen: outcome.chosen.into(),
                begun: begins,
            },
            idle,
            ended,
        })
    }
}
