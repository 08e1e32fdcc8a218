//! What `VecEnv` is built on takes its calls in any order.

use super::*;
use slatesim::backend::{BackendError, Observation};

const LANES: usize = 20;

/// The policy's slate is held for three steps, which are counted whenever the policy is asked.
fn holding() -> Simulation {
    simulation(&[
        "environment.num_candidates=10",
        "environment.slate_size=2",
        "environment.resample_documents=false",
        "policy.layer.name=temporal_aggregation",
        "policy.layer.aggregation_period=3",
    ])
}

fn all(first: u64) -> Vec<Option<u64>> {
    (first..).take(LANES).map(Some).collect()
}

on_each_backend! {
    fn a_new_stepper_is_in_the_first_episodes(backend: &dyn Backend) {
        let simulation = tutorial(&[]);
        let [mut new, mut started] = [(); 2].map(|()| backend.stepper(&simulation, LANES).unwrap());
        started.start(&all(7)).unwrap();
        started.start(&all(0)).unwrap();
        assert_eq!(new.state().unwrap(), started.state().unwrap());
        assert_eq!(observed(new.as_mut()), observed(started.as_mut()));
        assert!(new.corpus().unwrap().is_none());
    }

    fn asking_the_policy_again_changes_nothing(backend: &dyn Backend) {
        let simulation = holding();
        let [mut once, mut often] = [(); 2].map(|()| backend.stepper(&simulation, LANES).unwrap());
        for step in 0..7 {
            for _ in 0..step % 3 {
                often.recommend().unwrap();
            }
            if step == 4 {
                // Some begin anew after all have been asked.
                let starts: Vec<Option<u64>> =
                    (0..LANES).map(|lane| (lane % 3 == 0).then_some(SECOND + lane as u64)).collect();
                for stepper in [&mut once, &mut often] {
                    stepper.start(&starts).unwrap();
                }
                assert_eq!(once.state().unwrap(), often.state().unwrap());
            }
            let slates = once.recommend().unwrap();
            assert_eq!(often.recommend().unwrap(), slates, "step {step}");
            assert_eq!(once.state().unwrap(), often.state().unwrap(), "step {step}");
            let outcome = once.step(&slates).unwrap();
            assert_eq!(often.step(&slates).unwrap(), outcome, "step {step}");
        }
    }

    fn nobody_looks_back_past_a_step(backend: &dyn Backend) {
        let simulation = tutorial(&[]);
        let [mut stepper, mut other] = [(); 2].map(|()| backend.stepper(&simulation, LANES).unwrap());
        let mut seen = Observation::default();
        let is_refused = |result| matches!(result, Err(BackendError::NotKept));
        let foreign = other.keep().unwrap();
        assert!(is_refused(stepper.observe_kept(&foreign, &mut seen)));
        let first = stepper.keep().unwrap();
        assert!(is_refused(stepper.observe_kept(&foreign, &mut seen)));
        let second = stepper.keep().unwrap();
        assert!(is_refused(stepper.observe_kept(&first, &mut seen)));

        let before = observed(stepper.as_mut());
        stepper.start(&all(SECOND)).unwrap();
        stepper.observe_kept(&second, &mut seen).unwrap();
        assert_eq!(seen, before);
        let mut now = Observation::default();
        let sizes = stepper.sizes();
        let all = sizes.observable();
        let lengths = sizes.lengths(&all);
        let (rows, then) = (now.rows(lengths), seen.rows(lengths));
        stepper.observe_now_and_kept_into(&all, rows, &second, then).unwrap();
        assert_eq!(seen, before);
        assert_eq!(now, observed(stepper.as_mut()));

        let state = stepper.state().unwrap();
        stepper.step(&[0; 3 * LANES]).unwrap();
        assert!(is_refused(stepper.observe_kept(&second, &mut seen)));
        let (rows, then) = (now.rows(lengths), seen.rows(lengths));
        assert!(is_refused(stepper.observe_now_and_kept_into(&all, rows, &second, then)));
        let third = stepper.keep().unwrap();
        stepper.set_state(&state).unwrap();
        assert!(is_refused(stepper.observe_kept(&third, &mut seen)));
    }
}
