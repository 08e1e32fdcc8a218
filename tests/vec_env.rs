//! The step API: the trajectories of rollouts, automatic resets, and slates that are refused.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and its numbers are small"
)]

#[path = "vec_env/trajectory.rs"]
mod trajectory;

use ndarray::{Array1, Array2, Axis, ShapeBuilder, s};
use slatesim::backend::{self, Backend, Simulation, Stepper, cpu, reference};
use slatesim::registry::Registry;
use slatesim::vec_env::{Documents, EMPTY, Observation, Step, VecEnv, VecEnvError};
use trajectory::{assert_rollout, follow, nth, recommend};

/// Environments of most tests: one whole block and part of another, whole vectors and part of one.
const NUM_ENVS: usize = 300;
const SECOND: u64 = 1 << 32;
/// The tutorial's variant, without its episode length.
const TUTORIAL: [&str; 6] = [
    "environment.num_candidates=10",
    "environment.slate_size=3",
    "environment.user.memory_discount=0.9",
    "environment.user.observation_noise_stddev=0.1",
    "environment.document.num_clusters=4",
    "environment.choice.model=multinomial_logit",
];

fn simulation(sets: &[&str]) -> Simulation {
    Registry::built_in().resolve(sets).unwrap()
}

fn tutorial(sets: &[&str]) -> Simulation {
    simulation(&[&TUTORIAL, sets].concat())
}

fn observed(stepper: &mut dyn Stepper) -> backend::Observation {
    let mut observation = backend::Observation::default();
    stepper.observe(&mut observation).unwrap();
    observation
}

/// Stamps a test for each backend.
macro_rules! on_each_backend {
    ($($(#[$attribute:meta])* fn $name:ident($backend:ident: &dyn Backend) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[$attribute])*
            fn claim($backend: &dyn Backend) $body

            #[test]
            fn reference() {
                claim(&super::reference::reference(Some(1)).unwrap());
            }

            #[test]
            fn cpu() {
                claim(&super::cpu::cpu(Some(1)).unwrap());
            }

            #[test]
            fn gpu() {
                if let Some(gpu) = crate::common::any_gpu() {
                    claim(&gpu);
                }
            }
        }
    )+};
}

#[path = "vec_env/columns.rs"]
mod columns;
#[path = "vec_env/lazy.rs"]
mod lazy;
#[path = "vec_env/modes.rs"]
mod modes;
#[path = "vec_env/multi_user.rs"]
mod multi_user;
#[path = "vec_env/short_slates.rs"]
mod short_slates;
#[path = "vec_env/stepper.rs"]
mod stepper;

on_each_backend! {
    /// For every policy the slates that it would choose come from outside, computed from the observations; the first
    /// and the second episode of every environment are compared. The time budget is short so that the test is.
    fn trajectories_are_bit_for_bit_those_of_the_rollout(backend: &dyn Backend) {
        let budget = "environment.user.time_budget=12";
        let by_score = [
            "policy.name=greedy",
            "policy.by=clickbait_score",
            "environment.slate_size=3",
        ];
        let simulations = [
            simulation(&[budget]),
            simulation(&[
                budget,
                "policy.with_replacement=true",
                "environment.slate_size=3",
            ]),
            simulation(&[budget, "policy.name=static"]),
            simulation(&[&[budget], &by_score[..]].concat()),
            simulation(
                &[
                    &[
                        budget,
                        "policy.order=min",
                        "environment.resample_documents=false",
                    ],
                    &by_score[..],
                ]
                .concat(),
            ),
            simulation(&[budget, "max_steps=5", "seed=18446744073709551615"]),
            tutorial(&[budget]),
            tutorial(&[
                budget,
                "policy.name=greedy",
                "environment.choice.no_click_mass=0.5",
            ]),
        ];
        for simulation in &simulations {
            let mut env = VecEnv::new(simulation, backend, NUM_ENVS).unwrap();
            let observation = env.reset().unwrap();
            let episodes = follow(simulation, &mut env, observation, 2);
            let (first, second) = (nth(&episodes, 0), nth(&episodes, 1));
            assert_rollout(simulation, backend, 0, &first);
            assert_rollout(simulation, backend, SECOND, &second);
            assert!(
                first
                    .iter()
                    .zip(&second)
                    .all(|(first, second)| first != second)
            );
        }
    }

    /// Even lanes end by themselves, odd ones by `max_steps`, after 1 to 5 steps. A stepper without resets knows the
    /// terminal observations, another one the first observations of the second episodes.
    fn autoreset_begins_the_next_episode_and_keeps_the_terminal_observation(backend: &dyn Backend) {
        const MAX_STEPS: u32 = 12;
        let simulation = tutorial(&["max_steps=12", "environment.user.time_budget=20"]);
        let mut env = VecEnv::new(&simulation, backend, NUM_ENVS).unwrap();
        env.reset().unwrap();
        let lifetime = |lane: usize| 1 + u32::try_from(lane % 10 / 2).unwrap();
        let mut state = env.state().unwrap();
        for lane in 0..NUM_ENVS {
            if lane % 2 == 0 {
                // Field 2 of a user is the time that is left.
                state.users[2 * NUM_ENVS + lane] = f64::from(lifetime(lane));
            } else {
                state.steps[lane] = MAX_STEPS - lifetime(lane);
            }
        }
        let mut observation = env.set_state(&state).unwrap();
        let mut unending = backend.stepper(&simulation, NUM_ENVS).unwrap();
        unending.set_state(&state).unwrap();
        let mut next = backend.stepper(&simulation, NUM_ENVS).unwrap();
        next.start(
            &(0..NUM_ENVS as u64)
                .map(|lane| Some(SECOND | lane))
                .collect::<Vec<_>>(),
        )
        .unwrap();
        let next = observed(next.as_mut());

        for step_number in 1..=5 {
            let slates = recommend(&simulation, &mut env, &observation);
            let step = env.step(slates.view()).unwrap();
            let outcome = unending.step(slates.as_slice().unwrap()).unwrap();
            let terminal = observed(unending.as_mut());
            let last = step
                .final_observation
                .as_ref()
                .expect("some episodes end at every step");
            let last_responses = last.observation.responses.as_ref().unwrap();
            let responses = step.observation.responses.as_ref().unwrap();
            for lane in 0..NUM_ENVS {
                let ends = lifetime(lane) == step_number;
                assert_eq!(step.terminated[lane], ends && lane % 2 == 0);
                assert_eq!(step.truncated[lane], ends && lane % 2 == 1);
                assert_eq!(last.lanes[lane], ends);
                let rows = (rows(&step.observation, lane), rows(&last.observation, lane));
                if ends {
                    assert_eq!(
                        rows.0,
                        (
                            vec![next.users[lane]],
                            next.documents[lane * 20..][..20].to_vec()
                        )
                    );
                    assert_eq!(
                        rows.1,
                        (
                            vec![terminal.users[lane]],
                            terminal.documents[lane * 20..][..20].to_vec()
                        )
                    );
                    assert_eq!(step.rewards[lane], outcome.rewards[lane]);
                    let position = step.chosen[lane].expect("something is always chosen") as usize;
                    assert_eq!(last_responses[(lane, position, 0)], 1.0);
                    assert_eq!(responses.slice(s![lane, .., ..]).sum(), 0.0);
                } else {
                    assert_eq!(rows.0, rows.1);
                    assert_eq!(
                        responses.index_axis(Axis(0), lane),
                        last_responses.index_axis(Axis(0), lane)
                    );
                }
            }
            // Second episodes of lanes that live for one step are under way, so the slates go on being theirs.
            observation = step.observation;
            if step_number == 1 {
                let started = env.state().unwrap();
                let lanes_in_second =
                    (0..NUM_ENVS).filter(|&lane| started.episodes[lane] == SECOND | lane as u64);
                assert_eq!(lanes_in_second.count(), NUM_ENVS / 5);
                assert!((0..NUM_ENVS).all(|lane| lifetime(lane) > 1 || started.steps[lane] == 0));
            }
        }
    }

    /// As above, but followed to the end: lanes begin their second episodes at different times.
    fn episodes_that_begin_at_different_times_equal_rollouts(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=9"]);
        let mut env = VecEnv::new(&simulation, backend, NUM_ENVS).unwrap();
        env.reset().unwrap();
        let mut state = env.state().unwrap();
        for lane in 0..NUM_ENVS {
            state.users[2 * NUM_ENVS + lane] = 1.0 + (lane % 7) as f64;
        }
        let observation = env.set_state(&state).unwrap();
        let episodes = follow(&simulation, &mut env, observation, 3);
        for (lane, episode) in nth(&episodes, 0).iter().enumerate() {
            assert_eq!(episode.len(), 1 + lane % 7);
        }
        assert_rollout(&simulation, backend, SECOND, &nth(&episodes, 1));
        assert_rollout(&simulation, backend, 2 * SECOND, &nth(&episodes, 2));
    }

    fn a_second_reset_begins_the_second_episodes(backend: &dyn Backend) {
        let simulation = simulation(&["environment.user.time_budget=4"]);
        let mut env = VecEnv::new(&simulation, backend, 40).unwrap();
        let first = env.reset().unwrap();
        let slates = recommend(&simulation, &mut env, &first);
        env.step(slates.view()).unwrap();
        let observation = env.reset().unwrap();
        assert!(observation.responses.is_none());
        let episodes = follow(&simulation, &mut env, observation, 1);
        assert_rollout(&simulation, backend, SECOND, &nth(&episodes, 0));
    }

    fn bad_slates_leave_the_environment_as_it_was(backend: &dyn Backend) {
        let simulation = tutorial(&[]);
        let mut env = VecEnv::new(&simulation, backend, 20).unwrap();
        let good =
            Array2::from_shape_fn((20, 3), |(lane, position)| ((lane + position) % 10) as u32);
        assert!(matches!(env.step(good.view()), Err(VecEnvError::NotReset)));
        assert!(matches!(env.state(), Err(VecEnvError::NotReset)));
        env.reset().unwrap();
        env.step(good.view()).unwrap();
        let before = env.state().unwrap();

        for shape in [(20, 2), (19, 3), (3, 20), (0, 0)] {
            match env.step(Array2::zeros(shape).view()) {
                Err(VecEnvError::Shape {
                    what: "slates",
                    given,
                    expected,
                }) => {
                    assert_eq!((given, expected), (vec![shape.0, shape.1], vec![20, 3]));
                }
                other => panic!("{other:?}"),
            }
        }
        for given in [10, EMPTY - 1] {
            let mut bad = good.clone();
            bad[(17, 1)] = given;
            match env.step(bad.view()) {
                Err(VecEnvError::Candidate {
                    lane: 17,
                    given: told,
                    num_candidates: 10,
                }) => assert_eq!(told, given),
                other => panic!("{other:?}"),
            }
        }
        let mut short = before.clone();
        short.users.pop();
        assert!(matches!(
            env.set_state(&short),
            Err(VecEnvError::Shape { what: "users", .. })
        ));
        assert_eq!(env.state().unwrap(), before);

        let mut other = VecEnv::new(&simulation, backend, 20).unwrap();
        other.reset().unwrap();
        other.step(good.view()).unwrap();
        assert_eq!(
            env.step(good.view()).unwrap(),
            other.step(good.view()).unwrap()
        );
        // The same slates, laid out column by column.
        let mut columns = Array2::zeros((20, 3).f());
        columns.assign(&good);
        assert_eq!(
            env.step(columns.view()).unwrap(),
            other.step(good.view()).unwrap()
        );
    }

    fn numbers_of_environments_that_cannot_be_are_refused(backend: &dyn Backend) {
        let simulation = tutorial(&[]);
        for num_envs in [0, 1 << 32, usize::MAX, usize::MAX / 1000] {
            match VecEnv::new(&simulation, backend, num_envs) {
                Err(VecEnvError::NumEnvs { given, .. }) => assert_eq!(given, num_envs),
                other => panic!("{other:?}"),
            }
        }
        assert!(
            VecEnv::new(&simulation, backend, 1)
                .unwrap()
                .reset()
                .is_ok()
        );
    }

    fn an_environment_does_not_know_how_many_others_there_are(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=6"]);
        let run = |num_envs| {
            let mut env = VecEnv::new(&simulation, backend, num_envs).unwrap();
            let observation = env.reset().unwrap();
            let seen: Vec<_> = (0..10).map(|lane| rows(&observation, lane)).collect();
            let mut episodes = follow(&simulation, &mut env, observation, 2);
            episodes.truncate(10);
            (seen, episodes)
        };
        assert_eq!(run(10), run(100));
    }

    /// 20,000 users, two steps; bounds are 4 standard errors of a normal sample, the level is 6e-5 for each of the
    /// six figures, and the seed is the default one.
    fn satisfaction_is_observed_with_the_noise_of_the_tutorial(backend: &dyn Backend) {
        const USERS: usize = 20_000;
        let simulation = tutorial(&[]);
        let mut env = VecEnv::new(&simulation, backend, USERS).unwrap();
        let mut noise = Vec::new();
        let mut observation = env.reset().unwrap();
        for _ in 0..2 {
            assert_eq!(observation.users.dim(), (USERS, 1));
            // Field 1 of a user is the satisfaction.
            let satisfaction = env.state().unwrap().users[USERS..2 * USERS].to_vec();
            let seen = observation.users.iter().map(|&seen| f64::from(seen));
            noise.push(
                seen.zip(satisfaction)
                    .map(|(seen, truth)| seen - truth)
                    .collect::<Vec<_>>(),
            );
            observation = env
                .step(Array2::zeros((USERS, 3)).view())
                .unwrap()
                .observation;
        }
        let count = USERS as f64;
        for noise in &noise {
            let mean = noise.iter().sum::<f64>() / count;
            let squares: f64 = noise.iter().map(|noise| noise * noise).sum();
            assert!(mean.abs() < 4.0 * 0.1 / count.sqrt(), "mean {mean}");
            let stddev = (squares / count).sqrt();
            assert!(
                (stddev - 0.1).abs() < 4.0 * 0.1 / (2.0 * count).sqrt(),
                "standard deviation {stddev}"
            );
        }
        let product =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| 100.0 * a * b).sum::<f64>();
        let over_time = product(&noise[0], &noise[1]) / count;
        let over_users = product(&noise[0][1..], &noise[0]) / count;
        assert!(
            over_time.abs() < 4.0 / count.sqrt(),
            "correlation of steps {over_time}"
        );
        assert!(
            over_users.abs() < 4.0 / count.sqrt(),
            "correlation of users {over_users}"
        );
    }

    fn responses_tell_the_click_the_engagement_and_the_cluster(backend: &dyn Backend) {
        for (simulation, most) in [
            (tutorial(&[]), f32::INFINITY),
            (
                simulation(&[
                    "environment.choice.model=multinomial_logit",
                    "environment.slate_size=3",
                ]),
                100.0,
            ),
        ] {
            let mut env = VecEnv::new(&simulation, backend, NUM_ENVS).unwrap();
            let spaces = env.spaces();
            let observation = env.reset().unwrap();
            let slates = recommend(&simulation, &mut env, &observation);
            let Step {
                observation: after,
                rewards,
                chosen,
                ..
            } = env.step(slates.view()).unwrap();
            let responses = after.responses.unwrap();
            assert_eq!(responses.shape(), spaces.responses.shape);
            let column = |name| spaces.responses.columns(name).map(|columns| columns.start);
            let cluster = spaces
                .documents
                .columns("cluster_id")
                .map(|columns| columns.start);
            for ((lane, position), &candidate) in slates.indexed_iter() {
                let response = responses.slice(s![lane, position, ..]);
                let is_chosen = chosen[lane] == Some(position as u32);
                assert_eq!(
                    response[column("click").unwrap()],
                    f32::from(u8::from(is_chosen))
                );
                let engagement = if is_chosen {
                    (rewards[lane] as f32).min(most)
                } else {
                    0.0
                };
                assert_eq!(response[column("engagement").unwrap()], engagement);
                if let Some(cluster) = cluster {
                    let document = observation.documents.of_env(lane);
                    assert_eq!(
                        response[column("cluster_id").unwrap()],
                        document[(candidate as usize, cluster)]
                    );
                }
            }
        }
    }

    fn observations_have_the_shapes_and_bounds_of_their_spaces(backend: &dyn Backend) {
        for (simulation, columns) in [
            (
                tutorial(&[]),
                [
                    "satisfaction",
                    "clickbait_score cluster_id",
                    "click engagement cluster_id",
                ],
            ),
            (simulation(&[]), ["", "clickbait_score", "click engagement"]),
        ] {
            let mut env = VecEnv::new(&simulation, backend, 50).unwrap();
            let spaces = env.spaces();
            let Observation {
                users, documents, ..
            } = env.reset().unwrap();
            let Documents::PerEnv(documents) = documents else {
                panic!("{documents:?}")
            };
            let slates = Array2::zeros((50, simulation.plan.slate_size as usize));
            let responses = env
                .step(slates.view())
                .unwrap()
                .observation
                .responses
                .unwrap();
            let arrays = [users.into_dyn(), documents.into_dyn(), responses.into_dyn()];
            let described = [&spaces.users, &spaces.documents, &spaces.responses];
            for ((array, space), names) in arrays.iter().zip(described).zip(columns) {
                assert_eq!(array.shape(), space.shape);
                let given: Vec<_> = space.columns.iter().map(|column| column.name).collect();
                assert_eq!(given.join(" "), names);
                for (column, values) in space
                    .columns
                    .iter()
                    .zip(array.axis_iter(Axis(array.ndim() - 1)))
                {
                    assert!(
                        values
                            .iter()
                            .all(|&value| (column.low..=column.high).contains(&value.into()))
                    );
                    assert!(!column.discrete || values.iter().all(|value| value.fract() == 0.0));
                }
            }
            assert_eq!(spaces.slates.shape, slates.shape());
            assert_eq!(spaces.slates.columns[0].high, 9.0);
        }
    }

    fn a_shared_corpus_is_observed_once(backend: &dyn Backend) {
        let simulation = simulation(&[
            "environment.num_candidates=4",
            "environment.resample_documents=false",
            "environment.document.corpus=[0.25, 0.5, 0.75, 0.125]",
        ]);
        let mut env = VecEnv::new(&simulation, backend, 50).unwrap();
        let corpus = ndarray::array![[0.25], [0.5], [0.75], [0.125]];
        let shared = Documents::Shared(corpus.clone().into_shared());
        assert_eq!(env.spaces().documents.shape, [4, 1]);
        assert_eq!(env.reset().unwrap().documents, shared);
        let slates = Array2::zeros((50, simulation.plan.slate_size as usize));
        let documents = env.step(slates.view()).unwrap().observation.documents;
        assert_eq!(documents, shared);
        assert_eq!(documents.of_env(49), corpus);
    }
}

/// What is observed of one user and of this user's candidates.
fn rows(observation: &Observation, lane: usize) -> (Vec<f32>, Vec<f32>) {
    (
        observation.users.row(lane).to_vec(),
        observation.documents.of_env(lane).iter().copied().collect(),
    )
}
