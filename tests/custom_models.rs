//! Promise: an environment and a choice model of one's own run on every backend, and pass the same validation as the
//! built-in ones.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;
#[path = "../examples/custom_choice_model.rs"]
mod custom_choice_model;
#[path = "../examples/custom_environment.rs"]
mod custom_environment;

use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;
use slatesim::backend::{Backend, Simulation, Unobserved};
use slatesim::config::{Config, Layers};
use slatesim::registry::Registry;
use slatesim::validation::{Effort, Rung, Subject, cases, validate};
use slatesim::vec_env::VecEnv;
use std::ops::ControlFlow;

fn registry() -> Registry {
    Registry::built_in()
        .with_environment::<custom_environment::Boredom<f64>>()
        .with_environment::<custom_choice_model::SatisficingUsers>()
}

fn simulation(settings: &[&str]) -> Simulation {
    let mut layers = Layers::new();
    for setting in settings {
        layers = layers.set(setting).unwrap();
    }
    let registry = registry();
    let config = Config::resolve(&layers, &registry.catalogue()).unwrap();
    registry.simulation(&config).unwrap()
}

fn assert_passes(subject: Subject<'_>) {
    let mut cases = cases(&registry()).unwrap();
    cases.retain(|case| ["boredom", "satisficing"].contains(&case.name));
    assert_eq!(cases.len(), 2);
    let mut failed = Vec::new();
    let rungs = validate(subject, Effort::Quick, &cases, &mut |rung: &Rung| {
        if !rung.passed {
            failed.push(rung.clone());
        }
        ControlFlow::Continue(())
    });
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(rungs.unwrap().len() > 20);
}

#[test]
fn models_of_ones_own_pass_the_validation_of_the_cpu_backend() {
    assert_passes(Subject::Cpu(&cpu(None).unwrap()));
}

#[test]
fn models_of_ones_own_pass_the_validation_of_the_gpu_backend() {
    if let Some(gpu) = common::any_gpu() {
        assert_passes(Subject::Gpu(&gpu));
    }
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

#[test]
fn an_environment_of_ones_own_is_stepped_like_any_other() {
    let simulation = simulation(&[
        "environment.name=boredom",
        "environment.document.num_topics=3",
    ]);
    let mut env = VecEnv::new(&simulation, &reference(None).unwrap(), 4).unwrap();
    assert_eq!(env.spaces().documents.columns("topic"), Some(0..1));
    env.reset().unwrap();
    let slates = ndarray::arr2(&[[0, 1], [1, 2], [3, 4], [5, 6]]);
    let step = env.step(slates.view()).unwrap();
    assert_eq!(step.rewards.len(), 4);
}

#[test]
#[should_panic(expected = "there is an environment \"boredom\" already")]
fn a_name_is_given_once() {
    let _ = registry().with_environment::<custom_environment::Boredom<f64>>();
}
