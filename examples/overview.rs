//! A first look: the observations of an environment, the slates it takes, its responses, and the mean return of a policy.
//!
//! Run it with `cargo run --release --example overview`.
//!
//! The environment is interest evolution. Users like topics to different degrees and watch videos, and their interests move
//! with what they watch. A session ends when its time is used up, and good videos give some of it back. At first three users
//! are stepped with random slates; then the built-in policy that does the same runs 100,000 episodes.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use ndarray::{Array2, ArrayView1};
use rand::seq::SliceRandom;
use slatesim::Error;
use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
use slatesim::rng::Philox;
use slatesim::vec_env::{Space, VecEnv};

const NUM_USERS: usize = 3;
const NUM_CANDIDATES: u32 = 10;
const SLATE_SIZE: usize = 2;
const NUM_EPISODES: u64 = 100_000;

fn main() -> Result<(), Error> {
    // Every other key has RecSim's default; `slatesim list` shows them all.
    let simulation = Simulation::of("interest_evolution")
        .set("seed", 1)?
        .set("num_candidates", NUM_CANDIDATES)?
        .set("slate_size", SLATE_SIZE)?
        .policy("random")
        .build()?;
    let backend = cpu(None)?;
    let mut env = VecEnv::new(&simulation, &backend, NUM_USERS)?;

    println!(
        "The arrays between an agent and {NUM_USERS} users, and what stands along the last axis:"
    );
    let spaces = env.spaces();
    describe("users", &spaces.users);
    describe("documents", &spaces.documents);
    describe("slates", &spaces.slates);
    describe("responses", &spaces.responses);

    println!(
        "\nRandom slates; `12 (+0.31)` is a video of topic 12, which the user likes to the degree +0.31:"
    );
    let watch_time = spaces.responses.columns("watch_time");
    let watch_time = watch_time.expect("it is observed").start;
    let mut candidates: Vec<u32> = (0..NUM_CANDIDATES).collect();
    let mut rng = Philox::new(7);
    let mut observation = env.reset()?;
    for step in 0..4 {
        let mut slates = Array2::zeros((NUM_USERS, SLATE_SIZE));
        for mut slate in slates.rows_mut() {
            let (shown, _) = candidates.partial_shuffle(&mut rng, SLATE_SIZE);
            slate.assign(&ArrayView1::from(&*shown));
        }
        let stepped = env.step(slates.view())?;
        let responses = stepped.observation.responses.as_ref();
        let responses = responses.expect("a step is answered");
        for user in 0..NUM_USERS {
            let documents = observation.documents.of_env(user);
            let shown = slates.row(user).map(|&candidate| {
                let topic = topic(documents.row(candidate as usize));
                format!("{topic:>2} ({:+.2})", observation.users[[user, topic]])
            });
            let answer = match stepped.chosen[user] {
                Some(position) => {
                    let time = responses[[user, position as usize, watch_time]];
                    format!("watches number {} for {time:.1}", position + 1)
                }
                None => "watches nothing".to_owned(),
            };
            let shown = shown.to_vec().join(", ");
            println!("  step {step}, user {user}: {shown}  ->  {answer}");
        }
        // The users after the videos, and the next candidates.
        observation = stepped.observation;
    }

    // The same policy inside the simulator: no arrays are copied out, so 100,000 episodes take a few seconds.
    let statistics = backend.rollout(&simulation, 0..NUM_EPISODES, &Unobserved)?;
    let summary = statistics.summary();
    let (returns, length) = (summary.returns, summary.length);
    println!("\nRandom slates over {NUM_EPISODES} episodes, mean ± standard error:");
    report("time watched", returns.mean, returns.standard_error);
    report("steps", length.mean, length.standard_error);
    Ok(())
}

/// Prints the shape of an array and the quantities along its last axis.
fn describe(what: &str, space: &Space) {
    let columns = space.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| format!("{} of {}", column.length, column.name))
        .collect();
    let shape = format!("{:?}", space.shape);
    println!("  {what:<9}  {shape:<11}  {}", columns.join(", "));
}

/// Returns the topic of a video: its features are 1 there and 0 elsewhere.
fn topic(features: ArrayView1<'_, f32>) -> usize {
    let topic = features.iter().position(|&feature| feature > 0.5);
    topic.expect("a video has a topic")
}

/// Prints a figure of an episode with its uncertainty.
fn report(what: &str, mean: Option<f64>, standard_error: Option<f64>) {
    let known = "two episodes are enough for either";
    let (mean, standard_error) = (mean.expect(known), standard_error.expect(known));
    println!("  {what:<13} {mean:7.2} ± {standard_error:.2}");
}
