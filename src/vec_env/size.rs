//! Checks the number of environments.

use super::episodes::NEXT_EPISODE;
use super::error::VecEnvError;
use crate::backend::Plan;

/// The most lanes: the lower 32 bits of an episode's index hold the number of the lane.
const MAX_LANES: u64 = NEXT_EPISODE - 1;

/// Returns the number of lanes; refuses numbers of environments that are not possible, before anything is allocated for them.
pub(super) fn check_num_envs(
    plan: &Plan,
    num_user_fields: usize,
    num_envs: usize,
    users_per_env: usize,
    first_episode: u64,
) -> Result<usize, VecEnvError> {
    let refuse = |expected: String| VecEnvError::NumEnvs {
        given: num_envs,
        expected,
    };
    let most = MAX_LANES.min(NEXT_EPISODE.saturating_sub(first_episode)) / users_per_env as u64;
    if num_envs == 0 || num_envs as u64 > most {
        return Err(refuse(match first_episode {
            0 => format!("from 1 to {most}"),
            _ => format!("at most {most} after those before `first_env`"),
        }));
    }
    // Approximate memory of a step with which episodes end: the users twice, the outcome, and two observations.
    let outline = &plan.outline;
    let documents = match plan.corpus {
        Some(_) => 0,
        None => plan.num_candidates as usize * outline.document_size(),
    };
    let singles = 2 * (outline.user_size() + documents)
        + plan.slate_size as usize * (1 + 3 * outline.response_size());
    let bytes = 4 * singles + 16 * num_user_fields + 96;
    let num_lanes = num_envs * users_per_env;
    let total = bytes.checked_mul(num_lanes);
    // Reserving all of it at once fails with an error; allocating the parts one by one would end the process.
    let fits = total.is_some_and(|total| Vec::<u8>::new().try_reserve_exact(total).is_ok());
    if !fits {
        let bytes = bytes * users_per_env;
        return Err(refuse(format!(
            "few enough for the memory at {bytes} bytes each"
        )));
    }
    Ok(num_lanes)
}
