//! Promise: tabular Q learning learns the same as `RecSim`'s, from the same situations and by the same rules, and its learned
//! state can be saved, loaded and evaluated.

#![allow(clippy::unwrap_used, reason = "a test may")]

use slatesim::agent::{
    AgentError, ExplorationPolicy, LearningRate, TabularQ, TabularQOptions, Training,
};
use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;
use slatesim::backend::{Backend, Simulation, Unobserved};
use slatesim::registry::Registry;
use slatesim::vec_env::{AutoresetMode, MultiUserEnv, VecEnv, VecEnvOptions};
use std::ops::ControlFlow;

const TEST_MDP: &[&str] = &["environment.name=test_mdp", "max_steps=1000000"];

fn simulation(settings: &[&str]) -> Simulation {
    let resolved = Registry::built_in().resolve(settings);
    resolved.unwrap_or_else(|error| panic!("{error}"))
}

fn environments(settings: &[&str], number: usize) -> VecEnv {
    VecEnv::new(&simulation(settings), &cpu(Some(1)).unwrap(), number).unwrap()
}

fn train(agent: &mut TabularQ, env: &mut VecEnv, steps: u64) -> Training {
    agent
        .train(env, steps, &mut |_| ControlFlow::Continue(()))
        .unwrap()
}

fn trained(settings: &[&str], lanes: usize, steps: u64, options: TabularQOptions) -> TabularQ {
    let mut env = environments(settings, lanes);
    let mut agent = TabularQ::new(&env.spaces(), options).unwrap();
    train(&mut agent, &mut env, steps);
    agent
}

/// The options of the original's tests.
fn myopic() -> TabularQOptions {
    TabularQOptions {
        gamma: 0.0,
        learning_rate: LearningRate::Constant(0.8),
        ..TabularQOptions::default()
    }
}

fn discounted(exploration_policy: ExplorationPolicy) -> TabularQOptions {
    TabularQOptions {
        gamma: 0.5,
        learning_rate: LearningRate::Harmonic(100.0),
        exploration_policy,
        ..TabularQOptions::default()
    }
}

/// The original's `QVALUES05`: optimal values at a discount of one half, a row a state.
const OPTIMAL: [[f64; 4]; 6] = [
    [-8.53022, -8.41259, -7.10072, -12.3547],
    [1.58741, 2.89928, -1.35468, 1.12842],
    [2.89928, -1.35468, 1.12842, 0.94964],
    [1.64532, 1.12842, 2.94964, 1.46978],
    [3.23741, -3.55036, 1.44964, 1.44964],
    [1.44964, 1.44964, 3.44964, 6.47482],
];

/// Compares with the optimum, within the 0.25 of the original's test.
#[track_caller]
fn assert_optimal(agent: &TabularQ) {
    for (state, row) in (0..).zip(OPTIMAL) {
        for (action, optimal) in (0..).zip(row) {
            let learned = agent.q_value(&[action, state]).unwrap();
            assert!(
                (learned - optimal).abs() < 0.25,
                "action {action}, state {state}: {learned}, not {optimal}"
            );
        }
    }
}

/// `RecSim` 0.2.4, `test_step`.
#[test]
fn the_first_thing_learned_is_the_reward_of_the_first_state() {
    let agent = trained(TEST_MDP, 1, 1, myopic());
    let learned: Vec<_> = agent.q_values().collect();
    let [(key, entry)] = learned[..] else {
        panic!("{learned:?}");
    };
    assert!(key[0] < 4 && key[1] == 0, "{key:?}");
    assert_eq!((entry.value, entry.count), (-8.0, 1));
}

/// `RecSim` 0.2.4, `test_myopic_value_estimation`: 10 candidates, 1,000 steps, seed 0, seven places.
#[test]
fn without_a_future_the_rewards_are_learned_to_seven_places() {
    let rewards = slatesim::environment::test_mdp::REWARDS;
    let agent = trained(TEST_MDP, 1, 1000, myopic());
    assert_eq!(agent.q_values().count(), 24);
    for (key, entry) in agent.q_values() {
        let reward = rewards[key[0] as usize][key[1] as usize];
        assert!((entry.value - reward).abs() < 5e-8, "{key:?} {entry:?}");
    }
    let visits: u64 = agent.q_values().map(|(_, entry)| entry.count).sum();
    assert_eq!((visits, agent.updates()), (1000, 1000));
}

/// `RecSim` 0.2.4, `test_gamma05_value_estimation`: 10 candidates, 50,000 steps, seed 0, within 0.25.
#[test]
fn both_ways_to_explore_find_the_optimal_values() {
    for exploration_policy in [
        ExplorationPolicy::EpsilonGreedy,
        ExplorationPolicy::MinCount,
    ] {
        assert_optimal(&trained(
            TEST_MDP,
            1,
            50_000,
            discounted(exploration_policy),
        ));
    }
}

#[test]
fn many_lanes_share_what_they_learn() {
    let agent = trained(TEST_MDP, 10, 5_000, discounted(ExplorationPolicy::MinCount));
    assert_eq!(agent.updates(), 50_000);
    assert_optimal(&agent);
}

/// Half of all steps are the last of an episode: if nothing came after them, values would be off by up to 3.5.
#[test]
fn what_a_truncated_episode_would_still_have_brought_counts() {
    let settings = [
        "environment.name=test_mdp",
        "max_steps=2",
        "environment.num_candidates=4",
        "environment.starting_probs=[0.2, 0.2, 0.2, 0.2, 0.1, 0.1]",
    ];
    let agent = trained(
        &settings,
        1,
        50_000,
        discounted(ExplorationPolicy::MinCount),
    );
    assert_eq!(agent.episodes(), 25_000);
    assert_optimal(&agent);
}

#[test]
fn after_the_end_of_a_session_nothing_comes() {
    // Every document is accepted, and every session ends with that: one reward of 1, and no more.
    let certain = format!("environment.user.acceptance={:?}", vec![vec![1.0; 3]; 3]);
    let settings = [
        "environment.name=item_transition",
        "environment.num_candidates=3",
        certain.as_str(),
        "environment.user.p_exit_accepted=1",
    ];
    let options = TabularQOptions {
        learning_rate: LearningRate::Constant(1.0),
        gamma: 1.0,
        ..TabularQOptions::default()
    };
    let agent = trained(&settings, 2, 50, options.clone());
    assert_eq!(agent.episodes(), 100);
    assert!(agent.q_values().all(|(_, entry)| entry.value == 1.0));
    // RecSim forgets the last reward, and here there is no other.
    let faithful = TabularQOptions {
        faithful: true,
        ..options
    };
    let agent = trained(&settings, 2, 50, faithful);
    assert_eq!((agent.episodes(), agent.q_values().count()), (100, 0));
}

#[test]
fn epsilon_falls_with_every_episode() {
    let settings = ["environment.name=test_mdp", "max_steps=5"];
    let mut env = environments(&settings, 1);
    let mut agent = TabularQ::new(&env.spaces(), myopic()).unwrap();
    assert_eq!(agent.epsilon(), 0.99);
    for episodes in [1, 7] {
        train(&mut agent, &mut env, 5 * episodes);
    }
    assert_eq!(agent.episodes(), 8);
    approx::assert_relative_eq!(agent.epsilon(), 0.99f64.powi(9), max_relative = 1e-14);
}

/// 20,000 decisions at epsilon 1/2, seed 0, where the best of five candidates is known: shown with probability 3/5, of
/// standard error 0.0035; bound five of them.
#[test]
fn slates_are_random_with_probability_epsilon() {
    let settings = [
        "environment.name=test_mdp",
        "max_steps=1",
        "environment.num_candidates=5",
        "environment.starting_probs=[0, 1, 0, 0, 0, 0]",
    ];
    let options = TabularQOptions {
        exploration_temperature: 0.5,
        ..myopic()
    };
    let mut env = environments(&settings, 20_000);
    let mut agent = TabularQ::new(&env.spaces(), options).unwrap();
    train(&mut agent, &mut env, 1);
    // So many episodes have ended that epsilon is 0: put back to a half.
    assert_eq!(agent.epsilon(), 0.0);
    let saved = agent.to_json();
    let saved = saved.replace("\"temperature\":0.0", "\"temperature\":0.5");
    let mut agent = TabularQ::from_json(&saved).unwrap();
    // All lanes choose before any learns.
    let times_best_shown = |agent: &TabularQ| {
        let mut entries = agent.q_values();
        let (_, entry) = entries.find(|(key, _)| *key == [2, 1]).unwrap();
        entry.count
    };
    let before = times_best_shown(&agent);
    train(&mut agent, &mut env, 1);
    let share = (times_best_shown(&agent) - before) as f64 / 20_000.0;
    assert!((share - 0.6).abs() < 0.0175, "{share}");
}

#[test]
fn in_eval_mode_the_best_is_shown_and_nothing_is_learned() {
    let mut agent = trained(TEST_MDP, 1, 50_000, discounted(ExplorationPolicy::MinCount));
    agent.set_eval_mode(true);
    let before = agent.clone();
    let settings = ["environment.name=test_mdp", "max_steps=50"];
    let mut env = environments(&settings, 1000);
    let training = train(&mut agent, &mut env, 50);
    assert!(agent == before);
    assert_eq!((training.steps, training.episodes), (50, 1000));
    // The best policy from state 0, by exact fractions, is 81.560882; the standard deviation of an episode is below 10.
    let mean = training.reward_sum / 1000.0;
    assert!((mean - 81.560_882).abs() < 1.5, "{mean}");

    let observation = env.reset().unwrap();
    let documents = observation.documents.of_env(0);
    let slate = agent.greedy_slate(observation.users.row(0), documents);
    assert_eq!(slate.unwrap(), [2]);
}

#[test]
fn what_was_learned_is_a_policy_that_a_rollout_evaluates() {
    let agent = trained(TEST_MDP, 1, 50_000, discounted(ExplorationPolicy::MinCount));
    let documents = environments(TEST_MDP, 1).reset().unwrap().documents;
    let table = agent.table(&documents).unwrap();
    let shown: Vec<_> = table
        .iter()
        .map(|row| row.iter().position(|&p| p == 1.0).unwrap())
        .collect();
    assert_eq!(shown, [2, 1, 0, 2, 0, 3]);

    let table = format!("policy.table={table:?}");
    let settings = ["environment.name=test_mdp", "max_steps=50"];
    let simulation = simulation(&[&settings[..], &["policy.name=table", &table]].concat());
    let backend = cpu(Some(1)).unwrap();
    let statistics = backend
        .rollout(&simulation, 0..20_480, &Unobserved)
        .unwrap();
    let returns = statistics.summary().returns;
    let (mean, error) = (returns.mean.unwrap(), returns.standard_error.unwrap());
    // Exact fractions from the matrices, in Python; bound five standard errors.
    assert!(
        (mean - 81.560_881_884_239_02).abs() < 5.0 * error,
        "{mean} +- {error}"
    );
}

#[test]
fn the_same_is_learned_on_every_backend_and_from_every_seed_something_else() {
    let simulation = simulation(TEST_MDP);
    let learned = |backend: &dyn Backend, seed| {
        let mut env = VecEnv::new(&simulation, backend, 3).unwrap();
        let options = TabularQOptions { seed, ..myopic() };
        let mut agent = TabularQ::new(&env.spaces(), options).unwrap();
        train(&mut agent, &mut env, 200);
        agent.to_json()
    };
    let cpu = cpu(Some(1)).unwrap();
    assert_eq!(learned(&cpu, 0), learned(&cpu, 0));
    assert_eq!(learned(&cpu, 0), learned(&reference(Some(1)).unwrap(), 0));
    assert_ne!(learned(&cpu, 0), learned(&cpu, 1));
}

#[test]
fn a_loaded_agent_goes_on_as_the_saved_one_would_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    let settings = ["environment.name=test_mdp", "max_steps=30"];
    let options = discounted(ExplorationPolicy::EpsilonGreedy);
    let learned = |interrupted: bool| {
        let mut env = environments(&settings, 2);
        let mut agent = TabularQ::new(&env.spaces(), options.clone()).unwrap();
        train(&mut agent, &mut env, 70);
        if interrupted {
            agent.save(&path).unwrap();
            let loaded = TabularQ::load(&path).unwrap();
            assert!(loaded == agent);
            agent = loaded;
        }
        train(&mut agent, &mut env, 70);
        agent
    };
    assert!(learned(true) == learned(false));
    // Saved over itself, and nothing is left beside it.
    learned(true);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn real_numbers_and_long_slates_make_keys() {
    let settings = [
        "environment.name=long_term_satisfaction",
        "environment.num_candidates=5",
        "environment.slate_size=2",
        "environment.user.observation_noise_stddev=0.1",
        "environment.document.num_clusters=4",
    ];
    let ordinal = TabularQOptions {
        ordinal_slates: true,
        discretization_bounds: [0.0, 1.0],
        number_bins: 11,
        ..TabularQOptions::default()
    };
    let agent = trained(&settings, 3, 100, ordinal);
    assert!(agent.q_values().count() > 100);
    for (key, entry) in agent.q_values() {
        // Clickbait score and cluster of two documents, in alphabetical order, and the satisfaction.
        assert_eq!(key.len(), 5);
        assert!(key.iter().all(|&code| code <= 11), "{key:?}");
        assert!(key[1] < 4 && key[3] < 4, "{key:?}");
        assert!(entry.value > 0.0 && entry.count > 0);
    }
}

#[test]
fn training_ends_when_it_is_told_to() {
    let mut env = environments(TEST_MDP, 1);
    let mut agent = TabularQ::new(&env.spaces(), myopic()).unwrap();
    let training = agent.train(&mut env, 1000, &mut |training| match training.steps {
        10 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!((training.unwrap().steps, agent.updates()), (10, 10));
}

#[test]
fn what_cannot_be_learned_is_refused_with_the_reason() {
    let spaces = |settings: &[&str]| environments(settings, 1).spaces();
    let many = [
        "environment.name=interest_exploration",
        "environment.num_candidates=50",
        "environment.slate_size=5",
        "max_steps=10",
    ];
    let refusal = |options| {
        TabularQ::new(&spaces(&many), options)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal(TabularQOptions::default()),
        "2118760 slates of 5 of 50 candidates, expected at most 100000: fewer candidates, shorter slates"
    );
    let ordinal = TabularQOptions {
        ordinal_slates: true,
        ..TabularQOptions::default()
    };
    assert!(refusal(ordinal).ends_with("or `ordinal_slates` = false"));

    let mut agent = TabularQ::new(&spaces(TEST_MDP), myopic()).unwrap();
    let mut train = |env: &mut VecEnv| {
        let training = agent.train(env, 1, &mut |_| ControlFlow::Continue(()));
        training.unwrap_err().to_string()
    };
    let few = [TEST_MDP, &["environment.num_candidates=4"]].concat();
    assert_eq!(
        train(&mut environments(&few, 1)),
        "the environment has 4 candidates; the agent was made for 10 candidates"
    );
    assert_eq!(
        train(&mut environments(&["environment.name=item_transition"], 1)),
        "the environment has documents that show document (below 10); the agent was made for documents that show action \
         (below 4)"
    );
    let options = VecEnvOptions::default().with_autoreset(AutoresetMode::NextStep);
    let cpu = cpu(Some(1)).unwrap();
    let mut next_step = VecEnv::with_options(&simulation(TEST_MDP), &cpu, 1, options).unwrap();
    assert!(train(&mut next_step).contains("autoreset mode NextStep"));

    let anew = [TEST_MDP, &["environment.resample_documents=true"]].concat();
    let documents = environments(&anew, 1).reset().unwrap().documents;
    assert!(matches!(
        agent.table(&documents),
        Err(AgentError::NoTable { .. })
    ));
    let observation = environments(&few, 1).reset().unwrap();
    let documents = observation.documents.of_env(0);
    let error = agent.greedy_slate(observation.users.row(0), documents);
    assert_eq!(
        error.unwrap_err().to_string(),
        "`documents` has shape [4, 1], expected [10, 1]"
    );
}

#[test]
fn an_agent_for_several_users_an_environment_shows_slates_as_long_as_for_one() {
    let settings = ["environment.slate_size=2", "max_steps=9"];
    let backend = cpu(Some(1)).unwrap();
    let several = MultiUserEnv::new(&simulation(&settings), &backend, 4, 3).unwrap();
    let agent = |spaces| TabularQ::new(&spaces, TabularQOptions::default()).unwrap();
    assert_eq!(
        agent(several.spaces()).to_json(),
        agent(environments(&settings, 4).spaces()).to_json()
    );
}

#[test]
fn a_spoiled_file_is_refused_by_file_and_field() {
    let good = trained(TEST_MDP, 1, 3, myopic()).to_json();
    let problem = |text: &str| TabularQ::from_json(text).unwrap_err().to_string();
    let spoil = |find: &str, replace: &str| {
        assert!(good.contains(find), "{good}");
        problem(&good.replacen(find, replace, 1))
    };
    let expected = [
        (
            "\"version\":1",
            "\"version\":2",
            "`version` is 2; this slatesim reads version 1",
        ),
        (
            "slatesim tabular_q",
            "something",
            "`format` is \"something\"",
        ),
        (
            "\"gamma\":0.0",
            "\"gamma\":\"a\"",
            "`options.gamma` cannot be read: invalid type",
        ),
        ("\"gamma\"", "\"gama\"", "`options.gamma` is missing"),
        ("\"options\"", "\"choices\"", "`options` is missing"),
        (
            "\"counters\":{",
            "\"counters\":{\"more\":1,",
            "`counters.more` cannot be read: unknown",
        ),
        (
            "\"temperature\":0.99",
            "\"temperature\":7",
            "`counters.temperature` is 7, expected from 0",
        ),
        (
            "\"count\":1",
            "\"count\":-1",
            "`table[0].count` cannot be read: invalid value",
        ),
        (
            "\"column\":0",
            "\"column\":999",
            "of 1 numbers in column 999, expected column 0",
        ),
        (
            "\"key\":[",
            "\"key\":[1,",
            "`table[0].key` has 3 numbers, expected 2",
        ),
        (
            "\"version\":1",
            "\"version\":1,\"extra\":0",
            "`extra` is unknown",
        ),
    ];
    for (find, replace, message) in expected {
        let found = spoil(find, replace);
        assert!(found.contains(message), "{found}");
        assert!(found.starts_with("the text is no saved agent: "), "{found}");
    }
    let row = &good[good.find("{\"key\"").unwrap()..];
    let row = &row[..=row.find('}').unwrap()];
    let twice = spoil(row, &format!("{row},{row}"));
    assert!(
        twice.contains("`table[1].key` stands there twice"),
        "{twice}"
    );
    assert_eq!(
        problem("[]"),
        "the text is no saved agent: `format` is missing"
    );
    assert_eq!(problem(&good[..40]), "the text is no saved agent");
    let options = spoil("\"gamma\":0.0", "\"gamma\":2.0");
    assert_eq!(options, "`gamma` = 2: allowed is a number from 0 to 1");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    let error = TabularQ::load(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot load {}", path.display()));
    std::fs::write(&path, "{}").unwrap();
    let error = TabularQ::load(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    let nowhere = folder.path().join("nowhere").join("agent.json");
    let agent = TabularQ::from_json(&good).unwrap();
    assert!(matches!(agent.save(&nowhere), Err(AgentError::File { .. })));
}
