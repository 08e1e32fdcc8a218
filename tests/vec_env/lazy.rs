//! What is observed is fetched when it is asked for, and is the same whenever that is.

use super::*;

const LANES: usize = 40;

fn slates(step: usize) -> Array2<u32> {
    Array2::from_shape_fn((LANES, 3), |(lane, position)| {
        ((lane + step + 2 * position) % 10) as u32
    })
}

/// Makes numbers of an observation that nobody may meet again.
fn spoiled(mut observation: Observation) -> Observation {
    observation.users.fill(f32::NAN);
    if let Documents::PerEnv(documents) = &mut observation.documents {
        documents.fill(f32::NAN);
    }
    if let Some(responses) = &mut observation.responses {
        responses.fill(f32::NAN);
    }
    observation
}

on_each_backend! {
    fn fetching_late_in_any_order_and_twice_is_what_a_step_returns(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=3"]);
        let mut eager = VecEnv::new(&simulation, backend, LANES).unwrap();
        let mut lazy = VecEnv::new(&simulation, backend, LANES).unwrap();
        assert!(matches!(lazy.advance(slates(0).view()), Err(VecEnvError::NotReset)));
        assert!(matches!(lazy.observe(), Err(VecEnvError::NotReset)));
        assert!(matches!(lazy.responses(), Err(VecEnvError::NotReset)));
        assert!(matches!(lazy.final_observation(), Err(VecEnvError::NotReset)));
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

    fn memory_that_is_given_back_changes_nothing(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=3"]);
        let mut plain = VecEnv::new(&simulation, backend, LANES).unwrap();
        let mut env = VecEnv::new(&simulation, backend, LANES).unwrap();
        // Of another size, and more than is kept.
        for num_envs in [1, 2 * LANES, 3] {
            let mut other = VecEnv::new(&simulation, backend, num_envs).unwrap();
            env.recycle(spoiled(other.reset().unwrap()));
        }
        assert_eq!(plain.reset().unwrap(), env.reset().unwrap());
        // From here on not all episodes end at once.
        let third = Array1::from_shape_fn(LANES, |lane| lane % 3 == 0);
        plain.advance(slates(0).view()).unwrap();
        env.advance(slates(0).view()).unwrap();
        let (expected, found) = (plain.reset_lanes(third.view()), env.reset_lanes(third.view()));
        assert_eq!(expected.unwrap(), found.unwrap());
        for number in 1..8 {
            let expected = plain.step(slates(number).view()).unwrap();
            let found = env.step(slates(number).view()).unwrap();
            assert_eq!(found, expected);
            assert_eq!(found.final_observation.is_some(), number % 3 != 1);
            env.recycle(spoiled(found.observation));
            if let Some(last) = found.final_observation {
                env.recycle(spoiled(last.observation));
            }
        }
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
