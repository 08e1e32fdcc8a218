//! What is observed is fetched when it is asked for, and is the same whenever that is.

use super::*;

const LANES: usize = 40;

fn slates(step: usize) -> Array2<u32> {
    Array2::from_shape_fn((LANES, 3), |(lane, position)| {
        ((lane + step + 2 * position) % 10) as u32
    })
}

on_each_backend! {
    fn fetching_late_in_any_order_and_twice_is_what_a_step_returns(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=3"]);
        let mut eager = VecEnv::new(&simulation, backend, LANES).unwrap();
        let mut lazy = VecEnv::new(&simulation, backend, LANES).unwrap();
        assert!(matches!(lazy.advance(slates(0).view()), Err(Error::NotReset)));
        assert!(matches!(lazy.observe(), Err(Error::NotReset)));
        assert!(matches!(lazy.responses(), Err(Error::NotReset)));
        assert!(matches!(lazy.final_observation(), Err(Error::NotReset)));
        assert_eq!(eager.reset().unwrap(), lazy.reset().unwrap());
        assert_eq!(lazy.responses().unwrap(), None);
        assert_eq!(lazy.final_observation().unwrap(), None);
        for number in 1..8 {
            let step = eager.step(slates(number).view()).unwrap();
            let outcome = lazy.advance(slates(number).view()).unwrap();
            assert_eq!(outcome.rewards, step.rewards);
            assert_eq!(outcome.terminated, step.terminated);
            assert_eq!(outcome.truncated, step.truncated);
            assert_eq!(outcome.chosen, step.chosen);
            assert_eq!(outcome.begun, step.begun);
            assert_eq!(outcome.begun[0], number % 3 == 0);
            for _ in 0..2 {
                assert_eq!(lazy.final_observation().unwrap(), step.final_observation);
                assert_eq!(lazy.responses().unwrap(), step.observation.responses);
                assert_eq!(lazy.observe().unwrap(), step.observation);
            }
        }
    }

    fn steps_that_nobody_looks_at_are_taken_all_the_same(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=3"]);
        let mut eager = VecEnv::new(&simulation, backend, LANES).unwrap();
        let mut lazy = VecEnv::new(&simulation, backend, LANES).unwrap();
        eager.reset().unwrap();
        lazy.reset().unwrap();
        let mut last = None;
        for number in 0..6 {
            last = Some(eager.step(slates(number).view()).unwrap());
            lazy.advance(slates(number).view()).unwrap();
        }
        let last = last.unwrap();
        assert_eq!(lazy.final_observation().unwrap(), last.final_observation);
        assert_eq!(lazy.observe().unwrap(), last.observation);
        assert_eq!(lazy.state().unwrap(), eager.state().unwrap());
    }

    fn a_shared_corpus_is_lent_and_not_copied(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.resample_documents=false"]);
        let mut env = VecEnv::new(&simulation, backend, LANES).unwrap();
        let pointer = |observation: Observation| match observation.documents {
            Documents::Shared(corpus) => corpus.as_ptr(),
            other @ Documents::PerEnv(_) => panic!("{other:?}"),
        };
        let first = pointer(env.reset().unwrap());
        assert_eq!(pointer(env.step(slates(0).view()).unwrap().observation), first);
        assert_eq!(pointer(env.reset().unwrap()), first);
    }
}
