//! Chosen columns, rows in the caller's memory, and half precision show what observations show.

use super::*;
use half::f16;
use slatesim::vec_env::{AutoresetMode, Rows, Tables, VecEnvOptions};

/// Enough for several threads in tests, and no multiple of a vector.
const LANES: usize = 523;

fn slates(step: usize) -> Array2<u32> {
    Array2::from_shape_fn((LANES, 3), |(lane, position)| {
        ((lane + step + 2 * position) % 10) as u32
    })
}

/// Users, documents and responses of several columns are observed.
fn everything(sets: &[&str]) -> Simulation {
    tutorial(&[&["max_steps=4"], sets].concat())
}

fn env(simulation: &Simulation, backend: &dyn Backend) -> VecEnv {
    let options = VecEnvOptions::default().with_autoreset(AutoresetMode::SameStep);
    VecEnv::with_options(simulation, backend, LANES, options).unwrap()
}

/// The rows that an observation stands for: user, documents, responses.
fn rows_of(observation: &Observation) -> Vec<f32> {
    let mut rows = Vec::new();
    for lane in 0..LANES {
        rows.extend(observation.users.row(lane));
        rows.extend(observation.documents.of_env(lane));
        if let Some(responses) = &observation.responses {
            rows.extend(responses.index_axis(Axis(0), lane));
        }
    }
    rows
}

on_each_backend! {
    fn chosen_columns_are_those_of_the_whole_observation(backend: &dyn Backend) {
        for sets in [&[][..], &["environment.resample_documents=false"]] {
            let simulation = everything(sets);
            let mut whole = env(&simulation, backend);
            let mut chosen = env(&simulation, backend);
            chosen.select(&["response.engagement", "doc.cluster_id"]).unwrap();
            whole.reset().unwrap();
            assert_eq!(chosen.reset().unwrap().users.ncols(), 0);
            let all = whole.spaces();
            let documents: Vec<usize> = all.documents.columns("cluster_id").unwrap().collect();
            let responses: Vec<usize> = all.responses.columns("engagement").unwrap().collect();
            for step in 0..6 {
                let expected = whole.step(slates(step).view()).unwrap();
                let found = chosen.step(slates(step).view()).unwrap();
                let pairs = [
                    Some((expected.observation, found.observation)),
                    (expected.final_observation.zip(found.final_observation))
                        .map(|(expected, found)| (expected.observation, found.observation)),
                ];
                for (expected, found) in pairs.into_iter().flatten() {
                    for lane in [0, 1, LANES - 1] {
                        let of_lane = expected.documents.of_env(lane).select(Axis(1), &documents);
                        assert_eq!(of_lane, found.documents.of_env(lane));
                    }
                    let expected = expected.responses.unwrap().select(Axis(2), &responses);
                    assert_eq!(expected, found.responses.unwrap());
                }
            }
        }
    }

    fn hidden_fields_are_those_of_the_state(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.user.time_budget=3"]);
        let fields = simulation.model.user_layout();
        let satisfaction = fields.iter().position(|field| field.name == "satisfaction").unwrap();
        let mut env = env(&simulation, backend);
        env.select(&["user", "hidden.satisfaction"]).unwrap();
        let size = env.spaces().users.shape[1];
        assert!(size > 1, "users are observed, too");
        let mut observation = env.reset().unwrap();
        let mut ends = 0;
        for step in 0..7 {
            let state = env.state().unwrap();
            for lane in 0..LANES {
                let expected = state.users[satisfaction * LANES + lane] as f32;
                assert_eq!(observation.users[(lane, size - 1)], expected);
            }
            let stepped = env.step(slates(step).view()).unwrap();
            if let Some(last) = stepped.final_observation {
                ends += 1;
                assert_ne!(last.observation.users.column(size - 1), stepped.observation.users.column(size - 1));
            }
            observation = stepped.observation;
        }
        assert_eq!(ends, 2);
    }

    fn rows_in_memory_of_the_caller_are_the_observation(backend: &dyn Backend) {
        for sets in [&[][..], &["environment.resample_documents=false"]] {
            let simulation = everything(sets);
            let mut whole = env(&simulation, backend);
            let mut single = env(&simulation, backend);
            let mut half = env(&simulation, backend);
            for env in [&mut whole, &mut single, &mut half] {
                env.reset().unwrap();
            }
            let expected = whole.step(slates(0).view()).unwrap();
            let length = rows_of(&expected.observation).len();
            let (mut rows, mut last) = (vec![f32::NAN; length], vec![f32::NAN; length]);
            let mut halves = vec![f16::NAN; length];
            let wrong = Rows::Single(Tables::Together(&mut rows[1..]));
            assert!(matches!(single.step_into(slates(0).view(), wrong, None), Err(VecEnvError::Shape { .. })));
            single.advance(slates(0).view()).unwrap();
            half.advance(slates(0).view()).unwrap();
            for step in 1..6 {
                let expected = whole.step(slates(step).view()).unwrap();
                let (now, then) = (&mut rows, &mut last);
                let (outcome, lanes) = single.step_into(
                    slates(step).view(),
                    Rows::Single(Tables::Together(now)),
                    Some(Rows::Single(Tables::Together(then))),
                ).unwrap();
                assert_eq!(outcome.rewards, expected.rewards);
                assert_eq!(rows, rows_of(&expected.observation));
                half.step_into(slates(step).view(), Rows::Half(Tables::Together(&mut halves)), None).unwrap();
                assert!(halves.iter().zip(&rows).all(|(half, single)| *half == f16::from_f32(*single)));
                match (expected.final_observation, lanes) {
                    (Some(expected), Some(lanes)) => {
                        assert_eq!(lanes, expected.lanes);
                        assert_eq!(last, rows_of(&expected.observation));
                    }
                    (expected, lanes) => assert!(expected.is_none() && lanes.is_none()),
                }
            }
        }
    }

    fn what_is_not_there_cannot_be_chosen(backend: &dyn Backend) {
        let mut env = env(&everything(&[]), backend);
        let before = env.spaces();
        for names in [&["doc.qualty"][..], &["users"], &["user", "user"], &["hidden.x"], &[""]] {
            let refused = env.select(names).unwrap_err();
            assert!(matches!(refused, VecEnvError::Column { .. }), "{refused}");
            assert!(refused.to_string().contains("response.engagement"), "{refused}");
        }
        assert_eq!(env.spaces(), before);
        env.select(&[]).unwrap();
        let nothing = env.reset().unwrap();
        assert_eq!(nothing.users.dim(), (LANES, 0));
    }
}
