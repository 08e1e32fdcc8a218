//! Shadows: runs of an episode on the reference that are rounded a little differently at every step.
//!
//! Some users are chaotic: where interests overshoot, each step multiplies the rounding errors, and after a hundred steps two
//! correct backends have two different users. A shadow is the same episode on the reference, in which every number of the user
//! is changed after each step by at most some units of single precision. If a shadow is ever as far from the reference as the
//! backend is, rounding explains the backend's distance.

use super::difference::{Difference, SINGLE};
use super::retry::are_numbers;
use crate::rng::Philox;
use crate::validation::error::ValidationError;
use rand::RngExt;

/// How many runs there are: the reference itself, and its shadows.
const LIVES: usize = 64;
/// How much the numbers of a user are changed at each step, in units of single precision, for one half of the shadows and the
/// other.
const UNITS: [f64; 2] = [1.0, 8.0];

/// Returns how far rounding alone moves the user away from the reference, up to the step of the difference: the largest ratio
/// of a distance to the `allowed` one of its number.
///
/// Shadows get the slates of the backend. A shadow whose user chooses something else is replaced by one whose user does not, as
/// in a particle filter.
pub(super) fn furthest_shadow(
    difference: &Difference<'_>,
    allowed: &[f64],
) -> Result<f64, ValidationError> {
    let [reference, subject] = difference.backends;
    let simulation = difference.simulation;
    let numbers = are_numbers(&simulation.model.user_layout());
    let mut rng = Philox::new(u64::from(difference.step) ^ difference.episode.rotate_left(32));
    let mut found = subject.stepper(simulation, 1)?;
    let mut lives = reference.stepper(simulation, LIVES)?;
    found.start(&[Some(difference.episode)])?;
    lives.start(&[Some(difference.episode); LIVES])?;
    let mut last = lives.state()?.users;
    let mut furthest = 0.0_f64;
    for _ in 0..difference.step {
        let mut state = lives.state()?;
        for (index, (user, last)) in state.users.iter_mut().zip(&last).enumerate() {
            let (number, life) = (index / LIVES, index % LIVES);
            if numbers[number] && life > 0 {
                // The change in this step has been rounded, too.
                let size = user.abs().max(last.abs());
                let share = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
                *user += UNITS[life % UNITS.len()] * SINGLE * size * share;
            }
        }
        lives.set_state(&state)?;
        last = state.users;
        let slate = found.recommend()?;
        let done = found.step(&slate)?;
        lives.recommend()?;
        let outcome = lives.step(&slate.repeat(LIVES))?;
        let mut state = lives.state()?;
        let goes_along = |life: &usize| outcome.chosen[*life] == done.chosen[0];
        let along: Vec<usize> = (0..LIVES).filter(goes_along).collect();
        for life in (1..LIVES).filter(|life| !goes_along(life)) {
            let other = match along.is_empty() {
                true => 0,
                false => along[rng.random_range(0..along.len())],
            };
            for numbers in [&mut state.users, &mut state.policy, &mut last] {
                for of_all in numbers.chunks_exact_mut(LIVES) {
                    of_all[life] = of_all[other];
                }
            }
        }
        lives.set_state(&state)?;
        for (of_all, allowed) in state.users.chunks_exact(LIVES).zip(allowed) {
            let distances = of_all.iter().map(|user| (user - of_all[0]).abs());
            furthest = distances.fold(furthest, |most, distance| most.max(distance / allowed));
        }
    }
    Ok(furthest)
}
