//! Three agents compared step by step: the first documents, a bandit that learns each user's taste, and the best documents.
//!
//! Run it with `cargo run --release --example developing_an_agent`.
//!
//! The environment is interest exploration. Every user is of a hidden type and likes one topic better than the other;
//! documents show their topic ("cluster") and their quality. The bandit counts each user's clicks and impressions by
//! cluster, scores clusters by UCB1, and fills the slate from the cluster of the highest score, the best documents first.
//!
//! Each user is a row of every array and has separate statistics. All agents get the same users and documents. With the default
//! parameters the topic of higher quality is on average the better one for both types, so that greedy is hard to beat.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use slatesim::Error;
use slatesim::backend::{Simulation, cpu::cpu};
use slatesim::vec_env::{Documents, Space, VecEnv};
use std::cmp::Ordering;

const NUM_USERS: usize = 4096;
const NUM_STEPS: usize = 100;
const NUM_CANDIDATES: usize = 15;
const SLATE_SIZE: usize = 2;

/// One observed number of every candidate, or of every position. Shape `[users, candidates]` or `[users, slate_size]`.
type View<'a> = ArrayView2<'a, f32>;

trait Agent {
    /// Returns a slate for each user, given the observed candidates. Shape `[users, slate_size]`.
    fn recommend(&mut self, clusters: View<'_>, qualities: View<'_>) -> Array2<u32>;
    /// Learns from the responses to the slates; agents that do not learn leave this out.
    fn learn(&mut self, _clusters: View<'_>, _clicks: View<'_>) {}
}

/// Shows the first candidates, whatever they are.
struct First;

impl Agent for First {
    fn recommend(&mut self, _clusters: View<'_>, _qualities: View<'_>) -> Array2<u32> {
        slates(|_, _, _| Ordering::Equal)
    }
}

/// Shows the candidates of the highest quality.
struct Greedy;

impl Agent for Greedy {
    fn recommend(&mut self, _clusters: View<'_>, qualities: View<'_>) -> Array2<u32> {
        slates(|user, a, b| qualities[[user, b]].total_cmp(&qualities[[user, a]]))
    }
}

/// Cluster click statistics, and UCB1 over one greedy arm a cluster. Shape `[users, clusters]` each.
struct Bandit {
    impressions: Array2<f32>,
    clicks: Array2<f32>,
}

impl Bandit {
    fn new(num_clusters: usize) -> Self {
        let none = Array2::zeros((NUM_USERS, num_clusters));
        Self {
            impressions: none.clone(),
            clicks: none,
        }
    }

    /// Scores clusters: click rate + sqrt(2 ln t / impressions), where t is the sum of the user's impressions.
    fn scores(&self) -> Array2<f32> {
        let total = self.impressions.sum_axis(Axis(1)).insert_axis(Axis(1));
        let shown = self.impressions.mapv(|count| count.max(1.0));
        let width = (2.0 * total.mapv(|t| t.max(1.0).ln()) / &shown).mapv(f32::sqrt);
        // Clusters that were never shown come first.
        let bonus = self.impressions.mapv(|count| 1e9 * (1.0 - count.min(1.0)));
        &self.clicks / &shown + width + bonus
    }
}

impl Agent for Bandit {
    fn recommend(&mut self, clusters: View<'_>, qualities: View<'_>) -> Array2<u32> {
        let scores = self.scores();
        let score = |user, candidate| scores[[user, index(clusters[[user, candidate]])]];
        // The cluster decides; if it has too few documents, the next one fills the slate.
        slates(|user, a, b| {
            let by_quality = qualities[[user, b]].total_cmp(&qualities[[user, a]]);
            let by_cluster = score(user, b).total_cmp(&score(user, a));
            by_cluster.then(by_quality)
        })
    }

    fn learn(&mut self, clusters: View<'_>, clicks: View<'_>) {
        for ((user, position), &cluster) in clusters.indexed_iter() {
            self.impressions[[user, index(cluster)]] += 1.0;
            self.clicks[[user, index(cluster)]] += clicks[[user, position]];
        }
    }
}

fn main() -> Result<(), Error> {
    let simulation = Simulation::of("interest_exploration")
        .set("num_candidates", NUM_CANDIDATES)?
        .set("slate_size", SLATE_SIZE)?
        // Users of this environment never end an episode by themselves.
        .set("max_steps", NUM_STEPS)?
        .build()?;
    let num_clusters = simulation.plan.outline.num_topics as usize;

    println!("Clicks per step of {NUM_USERS} users, mean ± standard error:");
    println!("  agent               steps 0 to 99      the last 50");
    report("first", &run(&simulation, &mut First)?);
    let mut bandit = Bandit::new(num_clusters);
    report("UCB1 over clusters", &run(&simulation, &mut bandit)?);
    report("greedy by quality", &run(&simulation, &mut Greedy)?);
    Ok(())
}

/// Runs an episode of every user and returns the clicks. Shape `[steps, users]`.
fn run(simulation: &Simulation, agent: &mut dyn Agent) -> Result<Array2<f64>, Error> {
    let mut env = VecEnv::new(simulation, &cpu(None)?, NUM_USERS)?;
    let spaces = env.spaces();
    let (cluster, quality) = ("cluster_id", "quality");
    let mut clicks = Array2::zeros((NUM_STEPS, NUM_USERS));
    let mut observation = env.reset()?;
    for mut clicked in clicks.rows_mut() {
        let Documents::PerEnv(documents) = &observation.documents else {
            unreachable!("documents are resampled, so that each user has others")
        };
        let seen = |name| documents.slice(s![.., .., column(&spaces.documents, name)]);
        let step = env.step(agent.recommend(seen(cluster), seen(quality)).view())?;
        // All episodes end together, and the last responses are in the final observation.
        let last = step.final_observation.map(|last| last.observation);
        observation = last.unwrap_or(step.observation);
        let responses = observation.responses.as_ref().expect("a step is answered");
        let answer = |name| responses.slice(s![.., .., column(&spaces.responses, name)]);
        agent.learn(answer(cluster), answer("click"));
        clicked.assign(&step.rewards);
    }
    Ok(clicks)
}

/// Finds the place of a quantity along the last axis.
fn column(space: &Space, name: &str) -> usize {
    space.columns(name).expect("it is observed").start
}

/// Turns a cluster, a small whole number in a float, into an index.
#[allow(clippy::cast_possible_truncation, reason = "clusters are few")]
#[allow(clippy::cast_sign_loss, reason = "clusters count from 0")]
fn index(cluster: f32) -> usize {
    cluster as usize
}

/// Fills each user's slate with the candidates that come first in an order; ties go to the lower index.
fn slates(order: impl Fn(usize, usize, usize) -> Ordering) -> Array2<u32> {
    let mut slates = Array2::zeros((NUM_USERS, SLATE_SIZE));
    for (user, mut slate) in slates.rows_mut().into_iter().enumerate() {
        let mut candidates: Vec<u32> = (0..).take(NUM_CANDIDATES).collect();
        candidates.sort_by(|&a, &b| order(user, a as usize, b as usize));
        slate.assign(&ArrayView1::from(&candidates[..SLATE_SIZE]));
    }
    slates
}

/// Prints the clicks per step, over all steps and over the second half; the standard error is over users.
fn report(agent: &str, clicks: &Array2<f64>) {
    let figure = |first_step: usize| {
        let steps = clicks.slice(s![first_step.., ..]);
        let rates = steps.mean_axis(Axis(0)).expect("there are steps");
        let mean = rates.mean().expect("there are users");
        let standard_error = rates.std(1.0) / (NUM_USERS as f64).sqrt();
        format!("{mean:.4} ± {standard_error:.4}")
    };
    println!("  {agent:<19} {}    {}", figure(0), figure(NUM_STEPS / 2));
}
