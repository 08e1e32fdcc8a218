//! Lives in which rounding grows: the reference's own, rounded a little differently at every step.
//!
//! Some users are chaotic: where interests overshoot, each step multiplies what rounding has made, and after a hundred steps two
//! right backends have two users. A shadow is the same life on the reference, in which every number of the user is moved after
//! each step by no more than some units of single precision. If a shadow is once as far from the reference as the backend is,
//! that distance is what rounding makes of this life.

use super::difference::{Difference, SINGLE};
use super::retry::are_numbers;
use crate::rng::Philox;
use crate::validation::error::ValidationError;
use rand::RngExt;

/// The reference itself, and its shadows.
const LIVES: usize = 64;
/// How far the numbers of a user are moved at each step, in units of single precision: half of the shadows each.
const UNITS: [f64; 2] = [1.0, 8.0];

/// Returns how far rounding alone takes the user away from the reference, up to the step of the difference: the largest ratio of a
/// distance to what is `allowed` of its number.
///
/// Shadows see the slates of the backend. One that chooses otherwise than it did is replaced by one that does not, as the particles
/// of a filter are.
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
                // What was added or taken away has been rounded, too.
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
