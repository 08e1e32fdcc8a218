//! An agent written by hand steps long-term satisfaction, for a few hundred users at once.
//!
//! Run it with `cargo run --release --example step_by_step`.
//!
//! Clickbait ("chocolate") earns more engagement at once but lowers the satisfaction that later engagement depends on; its
//! opposite ("kale") does the reverse. The agent here shows kale while there is time for satisfaction to pay off, and clickbait
//! at the end. It is compared with random slates.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};
use rand::RngExt;
use slatesim::Error;
use slatesim::backend::Simulation;
use slatesim::backend::cpu::cpu;
use slatesim::rng::Philox;
use slatesim::vec_env::VecEnv;

const NUM_USERS: usize = 512;
/// Length of an episode, and how many of its last steps show clickbait.
const TIME_BUDGET: u32 = 60;
const FINAL_SPURT: u32 = 10;

fn main() -> Result<(), Error> {
    // Any key of a configuration file can be set here; everything else has RecSim's default.
    let simulation = Simulation::of("long_term_satisfaction")
        .set("num_candidates", 10)?
        .set("slate_size", 1)?
        .set("user.sensitivity", 0.2)?
        .set("user.time_budget", TIME_BUDGET)?
        .build()?;

    // The agent gets all documents of a user, [candidate, feature], and the index of the feature that is the clickbait score.
    let kale_then_chocolate = |documents: ArrayView2<'_, f32>, clickbait: usize, step: u32| {
        let scores = documents.column(clickbait).to_owned();
        let order = |a: &usize, b: &usize| scores[*a].total_cmp(&scores[*b]);
        let candidates = 0..scores.len();
        let shown = if step < TIME_BUDGET - FINAL_SPURT {
            candidates.min_by(order)
        } else {
            candidates.max_by(order)
        };
        u32::try_from(shown.expect("there are candidates")).expect("there are few candidates")
    };
    let mut rng = Philox::new(1);
    let random = |documents: ArrayView2<'_, f32>, _: usize, _: u32| {
        rng.random_range(0..u32::try_from(documents.nrows()).expect("there are few candidates"))
    };

    report(
        "kale, then chocolate",
        &returns(&simulation, kale_then_chocolate)?,
    );
    report("random", &returns(&simulation, random)?);
    Ok(())
}

/// Runs one episode of every user and returns the return of each.
fn returns(
    simulation: &Simulation,
    mut agent: impl FnMut(ArrayView2<'_, f32>, usize, u32) -> u32,
) -> Result<Array1<f64>, Error> {
    let backend = cpu(None)?;
    let mut env = VecEnv::new(simulation, &backend, NUM_USERS)?;
    // The environment describes its observations, so the place of a feature is looked up, not assumed.
    let clickbait = env
        .spaces()
        .documents
        .columns("clickbait_score")
        .expect("documents have a clickbait score")
        .start;

    let mut returns = Array1::zeros(NUM_USERS);
    let mut is_running = Array1::from_elem(NUM_USERS, true);
    let mut observation = env.reset()?;
    let mut time = 0;
    while is_running.iter().any(|&running| running) {
        // One slate for each user: shape [users, slate_size].
        let slates = Array2::from_shape_fn((NUM_USERS, 1), |(user, _)| {
            agent(observation.documents.of_env(user), clickbait, time)
        });
        let step = env.step(slates.view())?;
        // When an episode ends, the environment begins the next one. Count each user's first episode only, and wait for all of
        // them to end: an average over those that end early would favour short episodes.
        Zip::from(&mut returns)
            .and(&mut is_running)
            .and(&step.rewards)
            .and(&step.terminated)
            .and(&step.truncated)
            .for_each(|total, running, reward, &terminated, &truncated| {
                if *running {
                    *total += reward;
                }
                *running &= !(terminated || truncated);
            });
        observation = step.observation;
        time += 1;
    }
    Ok(returns)
}

/// Prints a mean with its standard error.
fn report(agent: &str, returns: &Array1<f64>) {
    let mean = returns.mean().expect("there are users");
    let standard_error = returns.std_axis(Axis(0), 1.0).into_scalar() / (NUM_USERS as f64).sqrt();
    println!("{agent:<22} mean return {mean:8.2} ± {standard_error:.2} over {NUM_USERS} episodes");
}
