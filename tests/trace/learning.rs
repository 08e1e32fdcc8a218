//! What the simulation's policy remembers of users who are stepped.

use super::{BANDIT, simulation};
use crate::common;
use slatesim::backend::{Backend, EMPTY, IDLE, cpu::cpu, reference::reference};

const NUM_LANES: usize = 5;

fn backends() -> Vec<Box<dyn Backend>> {
    let mut backends: Vec<Box<dyn Backend>> = vec![
        Box::new(reference(Some(1)).unwrap()),
        Box::new(cpu(Some(1)).unwrap()),
    ];
    if let Some(gpu) = common::any_gpu() {
        backends.push(Box::new(gpu));
    }
    backends
}

#[test]
fn a_policy_learns_from_complete_slates_only_and_forgets_when_an_episode_begins() {
    let simulation = simulation(&BANDIT);
    let slate_size = simulation.plan.slate_size as usize;
    for backend in backends() {
        let mut stepper = backend.stepper(&simulation, NUM_LANES).unwrap();
        stepper
            .start(&[Some(0), Some(1), Some(2), Some(3), Some(4)])
            .unwrap();
        let mut slates = stepper.recommend().unwrap();
        slates[slate_size] = IDLE;
        slates[3 * slate_size - 1] = EMPTY;
        stepper.step(&slates).unwrap();
        let state = stepper.state().unwrap();
        // Impressions and clicks of each topic: all that a lane has been shown.
        let impressions = |policy: &[f64], lane: usize| -> f64 {
            let topics = policy.len() / NUM_LANES / 2;
            (0..topics)
                .map(|topic| policy[topic * NUM_LANES + lane])
                .sum()
        };
        let shown: Vec<f64> = (0..NUM_LANES)
            .map(|lane| impressions(&state.policy, lane))
            .collect();
        assert_eq!(shown, [3.0, 0.0, 0.0, 3.0, 3.0], "{:?}", backend.info());
        stepper.start(&[None, None, None, Some(9), None]).unwrap();
        let begun = stepper.state().unwrap().policy;
        let shown: Vec<f64> = (0..NUM_LANES)
            .map(|lane| impressions(&begun, lane))
            .collect();
        assert_eq!(shown, [3.0, 0.0, 0.0, 0.0, 3.0]);
        // Put back, it is as it was.
        stepper.set_state(&state).unwrap();
        assert_eq!(stepper.state().unwrap(), state);
    }
}

#[test]
fn asking_for_users_who_share_documents_is_refused() {
    let simulation = simulation(&BANDIT);
    for backend in backends() {
        let mut stepper = backend.shared_stepper(&simulation, 4, 2).unwrap();
        let error = stepper.recommend().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("users_per_env = 2, expected 1"),
            "{error}"
        );
    }
}
