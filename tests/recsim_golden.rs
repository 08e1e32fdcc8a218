//! Transitions of `RecSim`, replayed through the host twins with exactly the draws that they used: `tests/data/README.md`.
//! `tests/equivalence.rs` replays them on every backend, with draws rounded to random words.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "recorded indices are small"
)]

use serde_json::Value;
use slatesim::backend::cpu::{InstructionSet, Work};
use slatesim::choice::ChoiceModel;
use slatesim::environment::interest_evolution::{self, InterestEvolutionDefinition};
use slatesim::environment::interest_exploration::{self, InterestExplorationDefinition};
use slatesim::environment::long_term_satisfaction::{self, LongTermSatisfactionDefinition};
use slatesim::environment::{Definition, Environment};
use slatesim::number::{Mask, Number, Word};
use slatesim::registry::Registry;

/// Compares within a relative error, and absolutely below 1.
struct Within(f64);

impl Within {
    #[track_caller]
    fn check(&self, what: &str, found: f64, expected: f64) {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(error <= self.0, "{what}: {found}, recorded {expected}");
    }
}

const DOUBLE: Within = Within(1e-12);
const SINGLE: Within = Within(2e-6);

fn golden() -> Value {
    serde_json::from_str(include_str!("data/recsim-golden.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn word<N: Number>(value: &Value) -> N::Word {
    N::Word::splat(u32::try_from(value.as_u64().unwrap()).unwrap())
}

/// Makes an environment and its choice model with the defaults.
fn made<D: Definition>() -> (D, ChoiceModel) {
    let entry = D::entry();
    let name = format!("environment.name={}", entry.name);
    let simulation = Registry::built_in().resolve(&[&name, "max_steps=1"]);
    let definition = D::new(&entry.settings_with(&[]).unwrap());
    (definition.unwrap(), simulation.unwrap().plan.choice)
}

/// What a replayed step did, in the first lane.
struct Replayed<N: Number, E: Environment<N>> {
    chosen: i64,
    reward: f64,
    is_terminal: bool,
    observation: Vec<N>,
    user: E::User,
}

/// Shows a slate of recorded documents to a recorded user, with recorded draws.
fn replay<N: Number, E: Environment<N>>(
    environment: &E,
    choice: &ChoiceModel,
    mut user: E::User,
    documents: &[E::Document],
    uniform: f64,
    draws: &E::Draws,
) -> Replayed<N, E> {
    let choice = choice.twin::<N>();
    let scores: Vec<N> = documents
        .iter()
        .map(|document| environment.score(&user, document))
        .collect();
    let considered = if matches!(choice, slatesim::choice::ChoiceTwin::First) {
        1
    } else {
        documents.len()
    };
    let (chosen, is_valid) = choice.decide(&scores[..considered], N::splat(uniform));
    let chosen = chosen.lane(0) as usize;
    assert!(is_valid.lane(0));
    let clicked = chosen < considered;
    let position = if clicked { chosen } else { 0 };
    let document = &documents[position];
    let response = environment.respond(&user, document, draws);
    let weight = choice.weigh(scores[position]);
    let mask = N::Mask::splat(clicked);
    environment.transition(&mut user, document, &response, weight, mask, draws);
    let mut observation = vec![N::splat(0.0); 8];
    environment.observe_response(document, &response, mask, &mut observation);
    Replayed {
        chosen: if clicked { chosen as i64 } else { -1 },
        reward: if clicked {
            environment.reward(&response).lane(0)
        } else {
            0.0
        },
        is_terminal: environment.is_terminal(&user).lane(0),
        observation,
        user,
    }
}

fn interest_evolution<N: Number>(within: &Within) -> usize {
    let (definition, choice) = made::<InterestEvolutionDefinition>();
    let twin = definition.twin::<N>();
    let mut count = 0;
    for run in golden()["interest_evolution"].as_array().unwrap() {
        for step in run["steps"].as_array().unwrap() {
            let mut user = twin.new_user();
            user.time_budget = N::splat(number(&step["budget_before"]));
            let documents: Vec<_> = step["slate"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| {
                    let topic = item["cluster"].as_u64().unwrap() as usize;
                    user.user_interests[topic] = N::splat(number(&item["user_interest"]));
                    interest_evolution::Document {
                        cluster_id: word::<N>(&item["cluster"]),
                        quality: N::splat(number(&item["quality"])),
                        video_length: N::splat(4.0),
                        features: vec![],
                    }
                })
                .collect();
            let flip = step["draws"]["u_flip"].as_f64().unwrap_or(0.5);
            let draws = interest_evolution::Draws {
                flip: N::splat(flip),
            };
            let before = user.user_interests.clone();
            let uniform = number(&step["draws"]["u_choice"]);
            let replayed = replay(&twin, &choice, user, &documents, uniform, &draws);
            let selected = step["selected"].as_array().unwrap();
            assert_eq!(replayed.chosen, selected[0].as_i64().unwrap(), "{step}");
            within.check("reward", replayed.reward, number(&step["reward"]));
            let budget = replayed.user.time_budget.lane(0);
            within.check("budget", budget, number(&step["budget_after"]));
            assert_eq!(replayed.is_terminal, step["done"].as_bool().unwrap());
            let mut expected: Vec<f64> = before.iter().map(|interest| interest.lane(0)).collect();
            for change in step["interest_change"].as_array().unwrap() {
                expected[change[0].as_u64().unwrap() as usize] = number(&change[2]);
            }
            for (found, expected) in replayed.user.user_interests.iter().zip(expected) {
                within.check("interest", found.lane(0), expected);
            }
            count += 1;
        }
    }
    count
}

fn interest_exploration<N: Number>(within: &Within) -> usize {
    let (definition, choice) = made::<InterestExplorationDefinition>();
    let twin = definition.twin::<N>();
    let run = &golden()["interest_exploration"];
    let mut count = 0;
    for step in run["steps"].as_array().unwrap() {
        let mut user = twin.new_user();
        for (affinity, recorded) in user
            .affinity
            .iter_mut()
            .zip(run["topic_affinity"].as_array().unwrap())
        {
            *affinity = N::splat(number(recorded));
        }
        let documents: Vec<_> = step["slate"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| interest_exploration::Document {
                cluster_id: word::<N>(&item["cluster"]),
                quality: N::splat(number(&item["quality"])),
            })
            .collect();
        // The recorded probabilities, from the scores.
        let weights: Vec<f64> = documents
            .iter()
            .map(|document| twin.score(&user, document).lane(0).exp())
            .collect();
        let total = weights.iter().sum::<f64>() + 5f64.exp();
        let probabilities = step["probs"].as_array().unwrap();
        for (weight, probability) in weights.iter().zip(probabilities) {
            within.check("probability", weight / total, number(probability));
        }
        let uniform = number(&step["draws"]["u_choice"]);
        let draws = interest_exploration::Draws;
        let replayed = replay(&twin, &choice, user, &documents, uniform, &draws);
        assert_eq!(
            replayed.chosen,
            step["selected"][0].as_i64().unwrap(),
            "{step}"
        );
        within.check("reward", replayed.reward, number(&step["reward"]));
        assert_eq!(replayed.is_terminal, step["done"].as_bool().unwrap());
        count += 1;
    }
    count
}

fn long_term_satisfaction<N: Number>(within: &Within) -> usize {
    let (definition, choice) = made::<LongTermSatisfactionDefinition>();
    let twin = definition.twin::<N>();
    let mut count = 0;
    for step in golden()["long_term_satisfaction"]["steps"]
        .as_array()
        .unwrap()
    {
        let at = |key: &str| N::splat(number(&step[key]));
        let mut user = twin.new_user();
        user.exposure = at("npe_before");
        user.satisfaction = at("sat_before");
        user.time_budget = at("budget_before");
        let mut document = twin.new_document();
        document.clickbait_score = at("clickbait");
        let draws = long_term_satisfaction::Draws {
            engagement: at("z_engagement"),
            innovation: at("z_innovation"),
        };
        let replayed = replay(&twin, &choice, user, &[document], 0.5, &draws);
        assert_eq!(replayed.chosen, 0);
        let check =
            |what: &str, found: N, key: &str| within.check(what, found.lane(0), number(&step[key]));
        within.check("reward", replayed.reward, number(&step["reward"]));
        check(
            "observed engagement",
            replayed.observation[1],
            "engagement_obs",
        );
        check("exposure", replayed.user.exposure, "npe_after");
        check("satisfaction", replayed.user.satisfaction, "sat_after");
        check("budget", replayed.user.time_budget, "budget_after");
        assert_eq!(replayed.is_terminal, step["done"].as_bool().unwrap());
        count += 1;
    }
    count
}

/// How many transitions are on record, of each environment.
const RECORDED: [usize; 3] = [32, 12, 13];

#[test]
fn the_reference_replays_every_recorded_transition_to_1e_12() {
    let counts = [
        interest_evolution::<f64>(&DOUBLE),
        interest_exploration::<f64>(&DOUBLE),
        long_term_satisfaction::<f64>(&DOUBLE),
    ];
    assert_eq!(counts, RECORDED);
}

/// Replays all transitions with the vectors of this processor.
struct Replay;

impl Work for Replay {
    type Output = [usize; 3];

    fn run<N: Number>(self) -> [usize; 3] {
        [
            interest_evolution::<N>(&SINGLE),
            interest_exploration::<N>(&SINGLE),
            long_term_satisfaction::<N>(&SINGLE),
        ]
    }
}

#[test]
fn the_cpu_vectors_replay_every_recorded_transition_to_2e_6() {
    assert_eq!(InstructionSet::run(Replay), RECORDED);
}
