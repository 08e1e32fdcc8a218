//! Environments of several users over one shared candidate set.

use super::*;
use ndarray::{Array1, Array3, ArrayView1};
use slatesim::vec_env::{AutoresetMode, MultiUserEnv, MultiUserStep, VecEnvOptions};

const ENVS: usize = 7;
const USERS: usize = 3;

/// Users who end at different times: the time that a click takes is drawn.
fn sessions(sets: &[&str]) -> Simulation {
    let session = [
        "environment.name=interest_evolution",
        "environment.user.time_budget=20",
        "environment.slate_size=3",
    ];
    simulation(&[&session, sets].concat())
}

fn slates(step: usize) -> Array3<u32> {
    Array3::from_shape_fn((ENVS, USERS, 3), |(env, user, position)| {
        ((env + 2 * user + step + position) % 10) as u32
    })
}

fn of_users(simulation: &Simulation, backend: &dyn Backend, mode: AutoresetMode) -> MultiUserEnv {
    let options = VecEnvOptions::default().with_autoreset(mode);
    MultiUserEnv::with_options(simulation, backend, ENVS, USERS, options).unwrap()
}

fn all(users: ArrayView1<'_, bool>) -> bool {
    users.iter().all(|&user| user)
}

/// The fields of one user.
fn fields(users: &[f64], lane: usize) -> Vec<f64> {
    users
        .iter()
        .copied()
        .skip(lane)
        .step_by(ENVS * USERS)
        .collect()
}

on_each_backend! {
    fn one_user_to_an_environment_is_a_vec_env(backend: &dyn Backend) {
        const LANES: usize = 20;
        let simulation = sessions(&[]);
        for mode in [AutoresetMode::SameStep, AutoresetMode::NextStep] {
            let options = VecEnvOptions::default().with_autoreset(mode).with_first_env(5);
            let mut single = VecEnv::with_options(&simulation, backend, LANES, options).unwrap();
            let mut multi =
                MultiUserEnv::with_options(&simulation, backend, LANES, 1, options).unwrap();
            let (observation, first) = (single.reset().unwrap(), multi.reset().unwrap());
            assert_eq!(first.users.index_axis(Axis(1), 0), observation.users);
            assert_eq!(first.documents, observation.documents);
            assert_eq!((first.responses, observation.responses), (None, None));
            let mut num_ended = 0;
            for number in 0..30 {
                let slates = Array3::from_shape_fn((LANES, 1, 3), |(env, _, position)| {
                    ((env + number + position) % 10) as u32
                });
                let expected = single.step(slates.index_axis(Axis(1), 0)).unwrap();
                let found = multi.step(slates.view()).unwrap();
                assert_eq!(found.outcome.rewards.column(0), expected.rewards);
                assert_eq!(found.outcome.chosen.column(0), expected.chosen);
                assert_eq!(found.outcome.terminated, expected.terminated);
                assert_eq!(found.outcome.has_ended.column(0), expected.terminated);
                assert_eq!(found.outcome.truncated, expected.truncated);
                assert_eq!(found.outcome.begun, expected.begun);
                assert_eq!(found.observation.documents, expected.observation.documents);
                let pairs = [
                    (Some(found.observation), Some(expected.observation)),
                    (
                        found.final_observation.map(|last| last.observation),
                        expected.final_observation.map(|last| last.observation),
                    ),
                ];
                for (found, expected) in pairs {
                    assert_eq!(found.is_some(), expected.is_some());
                    let (Some(found), Some(expected)) = (found, expected) else { continue };
                    assert_eq!(found.users.index_axis(Axis(1), 0), expected.users);
                    let responses = found.responses.unwrap();
                    assert_eq!(responses.index_axis(Axis(1), 0), expected.responses.unwrap());
                }
                num_ended += expected.terminated.iter().filter(|&&ended| ended).count();
            }
            assert!(num_ended > LANES);
            assert_eq!(multi.state().unwrap(), single.state().unwrap());
        }
    }

    /// What users were shown is seen in their responses, which tell the cluster of each document.
    fn users_of_one_environment_are_offered_the_same_documents(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=4"]);
        let mut env = MultiUserEnv::new(&simulation, backend, ENVS, USERS).unwrap();
        let spaces = env.spaces();
        assert_eq!(spaces.users.shape, [ENVS, USERS, 1]);
        assert_eq!(spaces.documents.shape, [ENVS, 10, 2]);
        assert_eq!(spaces.responses.shape, [ENVS, USERS, 3, 3]);
        assert_eq!(spaces.slates.shape, [ENVS, USERS, 3]);
        let mut observation = env.reset().unwrap();
        // The documents are those of the first user's episode, the users those of every lane's.
        let mut lanes = VecEnv::new(&simulation, backend, ENVS * USERS).unwrap();
        let alone = lanes.reset().unwrap();
        for environment in 0..ENVS {
            let documents = observation.documents.of_env(environment);
            assert_eq!(documents, alone.documents.of_env(environment * USERS));
            let users = observation.users.index_axis(Axis(0), environment);
            let first = environment * USERS;
            assert_eq!(users, alone.users.slice(s![first..first + USERS, ..]));
        }
        for number in 0..9 {
            let offered = observation.documents;
            let slates = slates(number);
            let step = env.step(slates.view()).unwrap();
            let last = step.final_observation.as_ref();
            assert_eq!(last.is_some(), number % 4 == 3);
            let after = last.map_or(&step.observation, |last| &last.observation);
            let responses = after.responses.as_ref().unwrap();
            assert_eq!(responses.shape(), spaces.responses.shape);
            for ((environment, user, position), &candidate) in slates.indexed_iter() {
                let cluster = offered.of_env(environment)[(candidate as usize, 1)];
                assert_eq!(responses[(environment, user, position, 2)], cluster);
            }
            for environment in 1..ENVS {
                assert_ne!(offered.of_env(environment), offered.of_env(0));
            }
            observation = step.observation;
            let users = &observation.users;
            assert_ne!(users[(0, 0, 0)], users[(0, 1, 0)]);
        }
    }

    fn an_environment_is_done_when_all_its_users_are(backend: &dyn Backend) {
        let simulation = sessions(&[]);
        let mut env = of_users(&simulation, backend, AutoresetMode::SameStep);
        env.reset().unwrap();
        let mut before = env.state().unwrap();
        let mut has_ended = Array2::from_elem((ENVS, USERS), false);
        let (mut num_waits, mut num_ends) = (0, 0);
        for number in 0..60 {
            let mut slates = slates(number);
            for ((environment, user), _) in has_ended.indexed_iter().filter(|(_, ended)| **ended) {
                // Nobody looks at it.
                slates.slice_mut(s![environment, user, ..]).fill(77);
            }
            let MultiUserStep { observation, outcome, final_observation, .. } =
                env.step(slates.view()).unwrap();
            let after = env.state().unwrap();
            let last = final_observation.as_ref();
            let responses = last.map_or(&observation, |last| &last.observation).responses.as_ref();
            for ((environment, user), &had_ended) in has_ended.indexed_iter() {
                let (at, lane) = ((environment, user), environment * USERS + user);
                assert!(outcome.has_ended[at] || !had_ended);
                if had_ended {
                    assert_eq!((outcome.rewards[at], outcome.chosen[at]), (0.0, None));
                    let response = responses.unwrap().slice(s![environment, user, .., ..]);
                    assert!(response.iter().all(|&number| number == 0.0));
                    if !outcome.begun[environment] {
                        assert_eq!(fields(&after.users, lane), fields(&before.users, lane));
                        num_waits += 1;
                    }
                }
            }
            for environment in 0..ENVS {
                let is_done = all(outcome.has_ended.row(environment));
                assert_eq!(outcome.terminated[environment], is_done);
                assert_eq!(outcome.begun[environment], is_done);
                assert_eq!(last.is_some_and(|last| last.envs[environment]), is_done);
                num_ends += usize::from(is_done);
                // Users of one environment are always at the same step.
                let steps = &after.steps[environment * USERS..][..USERS];
                assert!(steps.iter().all(|&step| step == steps[0]));
                assert_eq!(steps[0] == 0, is_done);
            }
            has_ended = outcome.has_ended;
            for (mut users, &begun) in has_ended.rows_mut().into_iter().zip(&outcome.begun) {
                if begun {
                    users.fill(false);
                }
            }
            before = after;
        }
        assert!(num_waits > 20 && num_ends > ENVS, "{num_waits} {num_ends}");
    }

    /// The sessions of users of the same environments, in every mode: rewards in order, and how they end.
    fn environments_end_the_same_in_every_mode(backend: &dyn Backend) {
        let simulation = sessions(&["max_steps=9"]);
        let run = |mode| {
            let mut env = of_users(&simulation, backend, mode);
            env.reset().unwrap();
            let mut rewards = vec![vec![Vec::new()]; ENVS];
            let mut ends = vec![Vec::new(); ENVS];
            let mut waits = Array1::from_elem(ENVS, false);
            while ends.iter().any(|ends| ends.len() < 2) {
                if mode == AutoresetMode::Disabled && all(waits.view()) {
                    assert!(matches!(env.step(slates(0).view()), Err(VecEnvError::Ended { lane: 0 })));
                }
                if mode == AutoresetMode::Disabled && waits.iter().any(|&waits| waits) {
                    env.reset_envs(waits.view()).unwrap();
                    waits.fill(false);
                }
                let mut slates = Array3::zeros((ENVS, USERS, 3));
                for (environment, episodes) in rewards.iter().enumerate() {
                    let step = episodes.last().unwrap().len();
                    let slate = self::slates(step);
                    slates.index_axis_mut(Axis(0), environment).assign(&slate.index_axis(Axis(0), environment));
                }
                let outcome = env.advance(slates.view()).unwrap();
                for (environment, episodes) in rewards.iter_mut().enumerate() {
                    if waits[environment] {
                        assert!(outcome.begun[environment] && !outcome.has_ended[(environment, 0)]);
                        waits[environment] = false;
                        continue;
                    }
                    episodes.last_mut().unwrap().push(outcome.rewards.row(environment).to_vec());
                    let end = (outcome.terminated[environment], outcome.truncated[environment]);
                    if end.0 || end.1 {
                        assert!(all(outcome.has_ended.row(environment)));
                        ends[environment].push(end);
                        episodes.push(Vec::new());
                        waits[environment] = mode != AutoresetMode::SameStep;
                    }
                }
            }
            rewards.iter_mut().for_each(|episodes| episodes.truncate(2));
            ends.iter_mut().for_each(|ends| ends.truncate(2));
            (rewards, ends)
        };
        let same_step = run(AutoresetMode::SameStep);
        assert!(same_step.1.iter().flatten().any(|&end| end == (true, false)));
        assert!(same_step.1.iter().flatten().any(|&(_, truncated)| truncated));
        assert_eq!(run(AutoresetMode::NextStep), same_step);
        assert_eq!(run(AutoresetMode::Disabled), same_step);
    }

    fn bad_input_leaves_the_environments_as_they_were(backend: &dyn Backend) {
        let simulation = sessions(&["environment.resample_documents=false"]);
        assert!(matches!(
            MultiUserEnv::new(&simulation, backend, 5, 0),
            Err(VecEnvError::NumUsers { given: 0 })
        ));
        for (num_envs, users_per_env) in [(0, 2), (1 << 31, 2), (2, usize::MAX)] {
            assert!(matches!(
                MultiUserEnv::new(&simulation, backend, num_envs, users_per_env),
                Err(VecEnvError::NumEnvs { .. })
            ));
        }
        let [mut env, mut other] =
            [(); 2].map(|()| of_users(&simulation, backend, AutoresetMode::SameStep));
        assert!(matches!(env.step(slates(0).view()), Err(VecEnvError::NotReset)));
        let first = env.reset().unwrap();
        assert_eq!(first, other.reset().unwrap());
        assert!(matches!(first.documents, Documents::Shared(_)));
        for shape in [(ENVS, USERS, 2), (USERS, ENVS, 3), (ENVS, 0, 3)] {
            match env.step(Array3::zeros(shape).view()) {
                Err(VecEnvError::Shape { what: "slates", given, expected }) => {
                    assert_eq!(given, [shape.0, shape.1, shape.2]);
                    assert_eq!(expected, [ENVS, USERS, 3]);
                }
                other => panic!("{other:?}"),
            }
        }
        let mut bad = slates(0);
        bad[(4, 1, 2)] = 10;
        let lane = 4 * USERS + 1;
        match env.step(bad.view()) {
            Err(VecEnvError::Candidate { lane: told, given: 10, .. }) => assert_eq!(told, lane),
            other => panic!("{other:?}"),
        }
        let mask = Array1::from_elem(ENVS * USERS, true);
        assert!(matches!(
            env.reset_envs(mask.view()),
            Err(VecEnvError::Shape { what: "mask", .. })
        ));
        assert_eq!(env.step(slates(0).view()).unwrap(), other.step(slates(0).view()).unwrap());
        // The same slates, laid out otherwise; fetched afterwards.
        let turned = slates(1).permuted_axes([2, 1, 0]).as_standard_layout().to_owned();
        env.advance(turned.view().permuted_axes([2, 1, 0])).unwrap();
        let step = other.step(slates(1).view()).unwrap();
        assert_eq!(env.responses().unwrap(), step.observation.responses);
        assert_eq!(env.observe().unwrap(), step.observation);
        assert_eq!(env.final_observation().unwrap(), step.final_observation);
        // In memory of its own.
        env.recycle(step.observation);
        assert_eq!(env.observe().unwrap(), other.observe().unwrap());
        // All over again.
        env.rewind();
        assert_eq!(env.reset().unwrap(), first);
    }
}
