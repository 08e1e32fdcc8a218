//! When episodes begin, which ones, and what the options choose.

use super::*;
use ndarray::{Array1, ArrayView2};
use slatesim::vec_env::{AutoresetMode, VecEnvOptions};

/// Lanes of these tests: two vectors and part of one.
const LANES: usize = 20;

fn with_mode(simulation: &Simulation, backend: &dyn Backend, mode: AutoresetMode) -> VecEnv {
    let options = VecEnvOptions::default().with_autoreset(mode);
    VecEnv::with_options(simulation, backend, LANES, options).unwrap()
}

/// What one user saw and did in one step.
#[derive(Clone, Debug, PartialEq)]
struct Taken {
    reward: f64,
    chosen: Option<u32>,
    ends: (bool, bool),
    /// User, documents and responses after the step.
    after: (Vec<f32>, Vec<f32>, Vec<f32>),
}

fn seen(observation: &Observation, lane: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let (user, documents) = rows(observation, lane);
    let responses = observation.responses.as_ref().unwrap();
    let response = responses.index_axis(Axis(0), lane);
    (user, documents, response.iter().copied().collect())
}

/// Lets lanes live for 1 to 4 steps in their first episode, so that they end at different times.
fn stagger(env: &mut VecEnv) {
    let mut state = env.state().unwrap();
    for lane in 0..LANES {
        // Field 2 of a user is the time that is left.
        state.users[2 * LANES + lane] = 1.0 + (lane % 4) as f64;
    }
    env.set_state(&state).unwrap();
}

/// Follows every lane through its first episodes, in any mode, with slates that depend on lane, episode and step; returns
/// them by lane, and how many steps of the environment that took.
fn episodes(env: &mut VecEnv, number: usize) -> (Vec<Vec<Vec<Taken>>>, usize) {
    env.reset().unwrap();
    stagger(env);
    let mut lanes = vec![vec![Vec::new()]; LANES];
    let mut waits = Array1::from_elem(LANES, false);
    let mut num_steps = 0;
    while lanes.iter().any(|episodes| episodes.len() <= number) {
        num_steps += 1;
        if env.autoreset_mode() == AutoresetMode::Disabled && waits.iter().any(|&waits| waits) {
            env.reset_lanes(waits.view()).unwrap();
            waits.fill(false);
        }
        let slates = Array2::from_shape_fn((LANES, 3), |(lane, position)| {
            let (episode, step) = (lanes[lane].len(), lanes[lane].last().unwrap().len());
            // What a lane that waits is given is not looked at.
            let candidate = lane + 3 * episode + 5 * step + position;
            if waits[lane] {
                99
            } else {
                candidate as u32 % 10
            }
        });
        let step = env.step(slates.view()).unwrap();
        for lane in 0..LANES {
            let ends = (step.terminated[lane], step.truncated[lane]);
            if waits[lane] {
                assert_eq!((step.rewards[lane], step.chosen[lane]), (0.0, None));
                assert_eq!((ends, step.begun[lane]), ((false, false), true));
                assert!(
                    seen(&step.observation, lane)
                        .2
                        .iter()
                        .all(|&number| number == 0.0)
                );
                waits[lane] = false;
                continue;
            }
            let last = step.final_observation.as_ref();
            let last = last.filter(|last| last.lanes[lane]);
            let after = last.map_or(&step.observation, |last| &last.observation);
            assert_eq!(step.begun[lane], last.is_some());
            lanes[lane].last_mut().unwrap().push(Taken {
                reward: step.rewards[lane],
                chosen: step.chosen[lane],
                ends,
                after: seen(after, lane),
            });
            if ends.0 || ends.1 {
                lanes[lane].push(Vec::new());
                waits[lane] = env.autoreset_mode() != AutoresetMode::SameStep;
            }
        }
    }
    lanes
        .iter_mut()
        .for_each(|episodes| episodes.truncate(number));
    (lanes, num_steps)
}

/// The same slates for everybody.
fn all_slates(slate: [u32; 3]) -> Array2<u32> {
    Array2::from_shape_fn((LANES, 3), |(_, position)| slate[position])
}

/// A good step gives both the same, whatever one of them has refused before.
#[track_caller]
fn assert_same_step(env: &mut VecEnv, other: &mut VecEnv, slates: ArrayView2<'_, u32>) {
    assert_eq!(env.step(slates).unwrap(), other.step(slates).unwrap());
}

on_each_backend! {
    /// The second episode is longer than the first, and truncated.
    fn episodes_are_the_same_in_every_mode(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=9", "max_steps=6"]);
        let run = |mode| episodes(&mut with_mode(&simulation, backend, mode), 3);
        let (same_step, num_steps) = run(AutoresetMode::SameStep);
        assert!(same_step[0][0][0].ends.0 && same_step[0][1][5].ends.1);
        assert_eq!(num_steps, 4 + 6 + 6);
        let (next_step, num_steps) = run(AutoresetMode::NextStep);
        assert_eq!(next_step, same_step);
        assert_eq!(num_steps, 4 + 1 + 6 + 1 + 6);
        let (disabled, num_steps) = run(AutoresetMode::Disabled);
        assert_eq!(disabled, same_step);
        assert_eq!(num_steps, 4 + 6 + 6);
    }

    fn without_autoreset_a_step_after_the_end_is_one_error(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=9"]);
        let [mut env, mut other] =
            [(); 2].map(|()| with_mode(&simulation, backend, AutoresetMode::Disabled));
        let slates = all_slates([4, 1, 7]);
        let first_ends = Array1::from_shape_fn(LANES, |lane| lane % 4 == 0);
        for env in [&mut env, &mut other] {
            env.reset().unwrap();
            stagger(env);
            let step = env.step(slates.view()).unwrap();
            assert_eq!(step.terminated, first_ends);
            assert!(step.final_observation.is_none());
        }
        let before = env.state().unwrap();
        assert!(matches!(env.step(slates.view()), Err(VecEnvError::Ended { lane: 0 })));
        let mut but_one = first_ends.clone();
        but_one[16] = false;
        env.reset_lanes(but_one.view()).unwrap();
        assert!(matches!(env.step(slates.view()), Err(VecEnvError::Ended { lane: 16 })));
        let last = Array1::from_shape_fn(LANES, |lane| lane == 16);
        env.reset_lanes(last.view()).unwrap();
        other.reset_lanes(first_ends.view()).unwrap();
        assert_ne!(env.state().unwrap(), before);
        assert_eq!(env.state().unwrap(), other.state().unwrap());
        assert_same_step(&mut env, &mut other, slates.view());
    }

    fn resetting_some_lanes_leaves_the_others_alone(backend: &dyn Backend) {
        let simulation = tutorial(&[]);
        for mode in [
            AutoresetMode::SameStep,
            AutoresetMode::NextStep,
            AutoresetMode::Disabled,
        ] {
            let [mut env, mut other] = [(); 2].map(|()| with_mode(&simulation, backend, mode));
            let mask = Array1::from_shape_fn(LANES, |lane| lane % 3 == 1);
            assert!(matches!(env.reset_lanes(mask.view()), Err(VecEnvError::NotReset)));
            env.reset().unwrap();
            other.reset().unwrap();
            let slates = all_slates([1, 2, 3]);
            env.step(slates.view()).unwrap();
            other.step(slates.view()).unwrap();
            match env.reset_lanes(mask.slice(s![..7])) {
                Err(VecEnvError::Shape { what: "mask", given, expected }) => {
                    assert_eq!((given, expected), (vec![7], vec![LANES]));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(env.state().unwrap(), other.state().unwrap());
            let (observation, unchanged) =
                (env.reset_lanes(mask.view()).unwrap(), other.observe().unwrap());
            assert_eq!(env.observe().unwrap(), observation);
            let state = env.state().unwrap();
            for lane in 0..LANES {
                let episode = if mask[lane] { SECOND } else { 0 } + lane as u64;
                assert_eq!(state.episodes[lane], episode);
                assert_eq!(state.steps[lane], u32::from(!mask[lane]));
                let responses = seen(&observation, lane).2;
                if mask[lane] {
                    assert!(responses.iter().all(|&number| number == 0.0));
                } else {
                    assert_eq!(seen(&observation, lane), seen(&unchanged, lane));
                }
            }
        }
    }

    fn environments_can_be_numbered_from_anywhere(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=4"]);
        let from = |first_env| VecEnvOptions::default().with_first_env(first_env);
        let mut all = VecEnv::new(&simulation, backend, 40).unwrap();
        let mut part = VecEnv::with_options(&simulation, backend, 15, from(25)).unwrap();
        let (first, other) = (all.reset().unwrap(), part.reset().unwrap());
        let whole = follow(&simulation, &mut all, first, 3);
        assert_eq!(follow(&simulation, &mut part, other, 3), whole[25..]);

        let mut last = VecEnv::with_options(&simulation, backend, 1, from(u32::MAX)).unwrap();
        last.reset().unwrap();
        assert_eq!(last.state().unwrap().episodes, [u64::from(u32::MAX)]);
        match VecEnv::with_options(&simulation, backend, 2, from(u32::MAX)) {
            Err(VecEnvError::NumEnvs { given: 2, expected }) => assert!(expected.starts_with("at most 1")),
            other => panic!("{other:?}"),
        }
    }

    fn rewound_environments_begin_with_their_first_episodes_again(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=3"]);
        let mut env = VecEnv::new(&simulation, backend, LANES).unwrap();
        let first = env.reset().unwrap();
        let episodes = follow(&simulation, &mut env, first.clone(), 2);
        let under_way = env.state().unwrap();
        env.rewind();
        assert_eq!(env.state().unwrap(), under_way);
        let again = env.reset().unwrap();
        assert_eq!(again, first);
        assert_eq!(follow(&simulation, &mut env, again, 2), episodes);
    }
}
