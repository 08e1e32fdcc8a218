//! Promise: an environment and a choice model of one's own run on every backend, and pass the same validation as the
//! built-in ones.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and its numbers are small"
)]

#[path = "../examples/custom_choice_model.rs"]
mod custom_choice_model;
#[path = "../examples/custom_environment.rs"]
mod custom_environment;

use crate::common;
use ndarray::Array2;
use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;
use slatesim::backend::{Backend, Simulation, Unobserved};
use slatesim::config::{Config, Sources};
use slatesim::registry::Registry;
use slatesim::validation::{Effort, Rung, Subject, cases, validate};
use slatesim::vec_env::VecEnv;
use std::ops::ControlFlow;

fn registry() -> Registry {
    Registry::built_in()
        .with_environment::<custom_environment::Boredom<f64>>()
        .with_environment::<custom_choice_model::SatisficingUsers>()
        .with_choice::<custom_choice_model::Satisficing<f64>>()
}

fn simulation(settings: &[&str]) -> Simulation {
    registry().resolve(settings).unwrap()
}

/// `count` rungs: 25 of draws and functions, and those of three cases: two environments, and a choice model in a built-in one.
fn assert_passes(subject: Subject<'_>, count: usize) {
    let mut cases = cases(&registry()).unwrap();
    cases.retain(|case| ["boredom", "satisficing"].contains(&case.name()));
    assert_eq!(cases.len(), 3);
    let mut failed = Vec::new();
    let rungs = validate(subject, Effort::Quick, &cases, &mut |rung: &Rung| {
        if !rung.passed {
            failed.push(rung.clone());
        }
        ControlFlow::Continue(())
    });
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(rungs.unwrap().len(), count);
}

#[test]
fn models_of_ones_own_pass_the_validation_of_the_cpu_backend() {
    assert_passes(Subject::Cpu(&cpu(None).unwrap()), 25 + 3 * 4);
}

#[test]
fn models_of_ones_own_pass_the_validation_of_the_gpu_backend() {
    if let Some(gpu) = common::any_gpu() {
        assert_passes(Subject::Gpu(&gpu), 25 + 3 * 6);
    }
}

/// Whether an environment is made of it or it is registered by itself, the choice model is the same.
#[test]
fn a_choice_model_of_ones_own_is_a_word_of_the_environments_that_offer_several() {
    let registry = registry();
    let blocks = |settings: &[&str]| {
        let simulation = registry.resolve(settings).unwrap();
        cpu(None).unwrap().episodes(&simulation, 0..512).unwrap()
    };
    let own = blocks(&["environment.name=satisficing", "environment.choice.slope=3"]);
    let named = blocks(&[
        "environment.name=long_term_satisfaction",
        "environment.choice.model=satisficing",
        "environment.choice.slope=3",
    ]);
    assert_eq!(own, named);
    let evolution = blocks(&[
        "environment.name=interest_evolution",
        "environment.choice.model=satisficing",
        "max_steps=20",
    ]);
    assert!(
        evolution
            .iter()
            .any(|block| block.clicks.iter().any(|&clicks| clicks > 0))
    );
    let sources = Sources::new().set("environment.choice.slope=3").unwrap();
    let refused = Config::resolve(&sources, &registry.declarations())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("satisficing"), "{refused}");
}

/// The cascades of `RecSim` are made for the scores of interest evolution.
#[test]
fn a_built_in_choice_model_is_a_word_of_the_environments_that_name_it() {
    let declarations = registry().declarations();
    let words = |environment: &str| {
        let entry = declarations.environment(environment).unwrap();
        let key = entry.keys.iter().find(|key| key.name() == "choice.model");
        key.map(|key| key.allowed().to_string())
    };
    assert_eq!(
        words("long_term_satisfaction").as_deref(),
        Some("one of \"first\", \"multinomial_logit\", \"satisficing\"")
    );
    assert_eq!(words("interest_exploration"), None);
    assert_eq!(words("satisficing"), None);
}

#[test]
#[should_panic(
    expected = "\"satisficing\" offers the choice model \"satisficing\", which is not registered"
)]
fn an_environment_whose_choice_model_is_not_registered_is_the_authors_mistake() {
    let registry = Registry::built_in().with_environment::<custom_choice_model::SatisficingUsers>();
    registry.declarations();
}

/// Boredom lowers appeal, so that users who know it click less: by more than 10 of their joint standard errors.
#[test]
fn bored_users_click_less() {
    let clicks = |sensitivity: &str| {
        let set = format!("environment.user.sensitivity={sensitivity}");
        let simulation = simulation(&["environment.name=boredom", &set]);
        let statistics = cpu(None)
            .unwrap()
            .rollout(&simulation, 0..4096, &Unobserved)
            .unwrap();
        let returns = statistics.summary().returns;
        (returns.mean.unwrap(), returns.standard_error.unwrap())
    };
    let ((never, a), (bored, b)) = (clicks("0"), clicks("1"));
    assert!(never - bored > 10.0 * a.hypot(b), "{never} {bored}");
}

/// The formulas of the example, by hand. Boredom costs 1,000 here, so that it rules documents out: what is 40 behind the best
/// in a softmax is less likely than a draw can tell from nothing.
#[test]
fn an_environment_of_ones_own_is_stepped_like_any_other() {
    const NUM_ENVS: usize = 64;
    const SESSION: usize = 6;
    let simulation = simulation(&[
        "environment.name=boredom",
        "environment.document.num_topics=3",
        "environment.user.sensitivity=1000",
        "environment.user.session=6",
    ]);
    let mut env = VecEnv::new(&simulation, &reference(None).unwrap(), NUM_ENVS).unwrap();
    let columns = ["topic", "quality"].map(|name| env.spaces().documents.columns(name));
    assert_eq!(columns, [Some(0..1), Some(1..2)]);
    let mut observation = env.reset().unwrap();
    let slates = Array2::from_shape_fn((NUM_ENVS, 2), |(_, position)| [0_u32, 1][position]);
    let mut boredom = vec![[0.0_f64; 3]; NUM_ENVS];
    let mut num_ruled_out = 0;
    for step_number in 1..=SESSION {
        let step = env.step(slates.view()).unwrap();
        let is_last = step_number == SESSION;
        assert!(step.terminated.iter().all(|&ended| ended == is_last));
        for (lane, boredom) in boredom.iter_mut().enumerate() {
            let documents = observation.documents.of_env(lane);
            let topics = [0_usize, 1].map(|position| documents[(position, 0)] as usize);
            let score = |position: usize| {
                f64::from(documents[(position, 1)]) - 1000.0 * boredom[topics[position]]
            };
            // The last one is the logit of no click.
            let scores = [score(0), score(1), 1.0];
            let least = scores.into_iter().fold(f64::NEG_INFINITY, f64::max) - 40.0;
            num_ruled_out += usize::from(scores.iter().any(|&score| score < least));
            let chosen = step.chosen[lane].map(|position| position as usize);
            assert!(scores[chosen.unwrap_or(2)] > least, "{scores:?} {chosen:?}");
            let reward = if chosen.is_some() { 1.0 } else { 0.0 };
            assert_eq!(step.rewards[lane], reward);
            let clicked = chosen.map(|position| topics[position]);
            for (topic, boredom) in boredom.iter_mut().enumerate() {
                let more = if clicked == Some(topic) { 1.0 } else { 0.0 };
                *boredom = 0.8 * *boredom + more;
            }
        }
        // With the last step the next episodes have begun.
        if !is_last {
            let state = env.state().unwrap();
            let left = (SESSION - step_number) as f64;
            for (lane, boredom) in boredom.iter().enumerate() {
                let field = |number: usize| state.users[number * NUM_ENVS + lane];
                for (topic, boredom) in boredom.iter().enumerate() {
                    assert!((field(topic) - boredom).abs() < 1e-6, "{lane} {topic}");
                }
                assert_eq!(field(boredom.len()), left);
            }
        }
        observation = step.observation;
    }
    // Seed 0: of 384 choices 191 had something ruled out.
    assert!(num_ruled_out > NUM_ENVS, "{num_ruled_out}");
}

#[test]
#[should_panic(expected = "there is an environment \"boredom\" already")]
fn a_name_is_given_once() {
    let _ = registry().with_environment::<custom_environment::Boredom<f64>>();
}
