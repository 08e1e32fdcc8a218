//! Slates that show fewer documents than they could.

use super::*;

const LANES: usize = 50;

/// Compares singles to the last bit; a GPU may fuse products into sums in one shader and not in another.
#[track_caller]
fn assert_close<'a>(
    backend: &dyn Backend,
    found: impl IntoIterator<Item = &'a f32>,
    expected: impl IntoIterator<Item = &'a f32>,
) {
    let tolerance = if backend.info().name == "gpu" {
        1e-5
    } else {
        0.0
    };
    for (found, expected) in found.into_iter().zip(expected) {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(error <= tolerance, "{found} instead of {expected}");
    }
}

/// Environments with every choice model; those who must click are the last two.
fn environments() -> Vec<Vec<&'static str>> {
    let evolution = |model| vec!["environment.name=interest_evolution", model];
    let budget = "environment.user.time_budget=7";
    vec![
        evolution("environment.choice.model=multinomial_proportional"),
        evolution("environment.choice.model=multinomial_logit"),
        [
            evolution("environment.choice.model=exponential_cascade"),
            vec!["environment.choice.score_scaling=0.4", "max_steps=9"],
        ]
        .concat(),
        [
            evolution("environment.choice.model=proportional_cascade"),
            vec!["environment.choice.score_scaling=0.3", "max_steps=9"],
        ]
        .concat(),
        [
            &TUTORIAL[..1],
            &TUTORIAL[2..],
            &[budget, "environment.choice.no_click_mass=0.5"],
        ]
        .concat(),
        [&TUTORIAL[..1], &TUTORIAL[2..], &[budget]].concat(),
        vec![budget],
    ]
}

fn of_size(sets: &[&str], slate_size: usize) -> Simulation {
    let size = format!("environment.slate_size={slate_size}");
    let sets: Vec<_> = sets
        .iter()
        .filter(|set| !set.contains("slate_size"))
        .copied()
        .collect();
    simulation(&[&sets[..], &[&size]].concat())
}

on_each_backend! {
    /// Ten steps, over the ends of episodes, of slates of 1, 2 and 3 in environments that take 4. Software Vulkan takes
    /// long to compile, so there one length has to do.
    fn a_short_slate_is_a_slate_of_a_smaller_environment(backend: &dyn Backend) {
        for sets in environments() {
            let lengths = if backend.info().name == "gpu" { 2..3 } else { 1..4 };
            for length in lengths {
                let mut env = VecEnv::new(&of_size(&sets, 4), backend, LANES).unwrap();
                let mut small = VecEnv::new(&of_size(&sets, length), backend, LANES).unwrap();
                assert_eq!(env.reset().unwrap(), small.reset().unwrap());
                let mut num_clicks = 0;
                for step in 0..10 {
                    // Duplicates in some.
                    let slates = Array2::from_shape_fn((LANES, 4), |(lane, position)| {
                        let candidate = (lane + step + position * (lane % 3)) % 10;
                        if position < length { candidate as u32 } else { EMPTY }
                    });
                    let found = env.step(slates.view()).unwrap();
                    let expected = small.step(slates.slice(s![.., ..length])).unwrap();
                    assert_eq!(found.chosen, expected.chosen, "{sets:?}");
                    assert_eq!(found.terminated, expected.terminated);
                    assert_eq!(found.truncated, expected.truncated);
                    let singles = |rewards: &Array1<f64>| rewards.mapv(|reward| reward as f32);
                    assert_close(backend, &singles(&found.rewards), &singles(&expected.rewards));
                    let (found, expected) = (found.observation, expected.observation);
                    assert_close(backend, &found.users, &expected.users);
                    assert_eq!(found.documents, expected.documents);
                    let responses = found.responses.unwrap();
                    let shown = responses.slice(s![.., ..length, ..]);
                    assert_close(backend, shown, &expected.responses.unwrap());
                    let empty = responses.slice(s![.., length.., ..]);
                    assert!(empty.iter().all(|&number| number == 0.0));
                    num_clicks += responses.slice(s![.., .., 0]).iter().filter(|&&click| click == 1.0).count();
                }
                assert!(num_clicks > 10, "{sets:?}: {num_clicks} clicks");
            }
        }
    }

    fn an_empty_slate_is_not_clicked_and_takes_its_time(backend: &dyn Backend) {
        let environments = environments();
        for sets in &environments[..environments.len() - 2] {
            let simulation = of_size(sets, 4);
            let mut env = VecEnv::new(&simulation, backend, LANES).unwrap();
            env.reset().unwrap();
            let before = env.state().unwrap();
            let slates = Array2::from_elem((LANES, 4), EMPTY);
            let step = env.step(slates.view()).unwrap();
            assert!(step.chosen.iter().all(Option::is_none));
            assert!(step.rewards.iter().all(|&reward| reward == 0.0));
            assert!(step.observation.responses.unwrap().iter().all(|&number| number == 0.0));
            let after = env.state().unwrap();
            assert_ne!(after.users, before.users);
            assert_eq!(after.steps, [1; LANES]);
        }
    }

    fn who_always_clicks_must_be_shown_something(backend: &dyn Backend) {
        let environments = environments();
        for sets in &environments[environments.len() - 2..] {
            let simulation = of_size(sets, 3);
            let [mut env, mut other] =
                [(); 2].map(|()| VecEnv::new(&simulation, backend, LANES).unwrap());
            assert_eq!(env.reset().unwrap(), other.reset().unwrap());
            let good = Array2::from_elem((LANES, 3), 1);
            let mut bad = good.clone();
            bad.row_mut(23).fill(EMPTY);
            assert!(matches!(env.step(bad.view()), Err(VecEnvError::EmptySlate { lane: 23 })));
            assert_eq!(env.step(good.view()).unwrap(), other.step(good.view()).unwrap());
        }
    }

    fn nothing_may_stand_before_a_document(backend: &dyn Backend) {
        let simulation = tutorial(&["environment.choice.no_click_mass=0.5"]);
        let [mut env, mut other] =
            [(); 2].map(|()| VecEnv::new(&simulation, backend, LANES).unwrap());
        assert_eq!(env.reset().unwrap(), other.reset().unwrap());
        let good = Array2::from_elem((LANES, 3), 1);
        for (slate, hole) in [([EMPTY, 1, 2], 0), ([1, EMPTY, 2], 1), ([EMPTY, EMPTY, 2], 0)] {
            let mut bad = good.clone();
            bad.row_mut(31).assign(&ndarray::arr1(&slate));
            match env.step(bad.view()) {
                Err(VecEnvError::Hole { lane: 31, position }) => assert_eq!(position, hole),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(env.step(good.view()).unwrap(), other.step(good.view()).unwrap());
    }
}
