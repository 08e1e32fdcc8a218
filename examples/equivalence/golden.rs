//! Replays recorded transitions of `RecSim` with the draws that they used: `tests/data/README.md`.
//!
//! A recorded draw is replaced by the random word that gives it: uniforms to 2^-24, pairs of normals to some 10^-6.

use super::row::Row;
use super::setup::simulation;
use serde_json::Value;
use slatesim::Error;
use slatesim::backend::{Backend, Corpus, LaneState};
use std::f64::consts::PI;

/// Relative error of a float, absolute below 1: single precision, and the rounding of the draws.
const TOLERANCE: f64 = 5e-6;

/// One recorded transition: its inputs and results.
struct Transition {
    user: Vec<f64>,
    documents: Vec<Vec<f64>>,
    words: [u32; 4],
    chosen: Option<u32>,
    reward: f64,
    /// The fields of the user after it.
    after: Vec<f64>,
    done: bool,
}

/// Replays every recorded transition on a backend.
pub(crate) fn rows(backend: &dyn Backend, _episodes: u64) -> Result<Vec<Row>, Error> {
    let golden: Value = serde_json::from_str(include_str!("../../tests/data/recsim-golden.json"))
        .expect("the data are JSON");
    let mut rows = Vec::new();
    for run in list(&golden["interest_evolution"]) {
        let slate_size = run["config"]["slate_size"].as_u64().unwrap_or(0);
        let transitions: Vec<_> = list(&run["steps"]).map(interest_evolution).collect();
        let case = format!("interest_evolution, slates of {slate_size}");
        rows.extend(replay(backend, "interest_evolution", &case, &transitions)?);
    }
    let run = &golden["interest_exploration"];
    let affinity: Vec<f64> = list(&run["topic_affinity"]).map(number).collect();
    let transitions: Vec<_> = list(&run["steps"])
        .map(|step| interest_exploration(step, &affinity))
        .collect();
    rows.extend(replay(
        backend,
        "interest_exploration",
        "interest_exploration",
        &transitions,
    )?);
    let steps = list(&golden["long_term_satisfaction"]["steps"]);
    let transitions: Vec<_> = steps.map(long_term_satisfaction).collect();
    let name = "long_term_satisfaction";
    rows.extend(replay(backend, name, name, &transitions)?);
    Ok(rows)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// Makes the word whose uniform is nearest to a number: (2 k + 1) 2^-24 with k its upper 23 bits.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within 23 bits"
)]
fn uniform_word(uniform: f64) -> u32 {
    let k = (uniform * 8_388_608.0 - 0.5)
        .round()
        .clamp(0.0, 8_388_607.0);
    (k as u32) << 9
}

/// Makes the words whose pair of normals is nearest to two numbers: Box and Muller's formula backwards.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within 32 bits"
)]
fn normal_words(first: f64, second: f64) -> [u32; 2] {
    let uniform = (-0.5 * (first * first + second * second)).exp();
    let radius_word = (uniform * 2f64.powi(32)).clamp(0.0, f64::from(u32::MAX)) as u32;
    [
        radius_word,
        uniform_word(0.5 * (second.atan2(first) / PI + 1.0)),
    ]
}

fn chosen(step: &Value) -> Option<u32> {
    u32::try_from(step["selected"][0].as_i64()?).ok()
}

fn interest_evolution(step: &Value) -> Transition {
    const NUM_TOPICS: usize = 20;
    // Interests, the time left, and the rounding error of the time.
    let mut user = vec![0.0; NUM_TOPICS + 2];
    user[NUM_TOPICS] = number(&step["budget_before"]);
    let mut documents = Vec::new();
    for item in list(&step["slate"]) {
        let topic = number(&item["cluster"]);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a topic"
        )]
        let index = topic as usize;
        user[index] = number(&item["user_interest"]);
        documents.push(vec![topic, number(&item["quality"]), 4.0]);
    }
    let mut after = user.clone();
    after[NUM_TOPICS] = number(&step["budget_after"]);
    for change in list(&step["interest_change"]) {
        let topic = change[0]
            .as_u64()
            .and_then(|topic| usize::try_from(topic).ok());
        after[topic.expect("a topic")] = number(&change[2]);
    }
    let draws = &step["draws"];
    let flip = draws["u_flip"].as_f64().unwrap_or(0.5);
    Transition {
        user,
        documents,
        words: [
            uniform_word(number(&draws["u_choice"])),
            uniform_word(flip),
            0,
            0,
        ],
        chosen: chosen(step),
        reward: number(&step["reward"]),
        after,
        done: step["done"] == true,
    }
}

fn interest_exploration(step: &Value, affinity: &[f64]) -> Transition {
    // The type comes last; it no longer has an influence.
    let user = [affinity, &[0.0]].concat();
    let document = |item: &Value| vec![number(&item["quality"]), number(&item["cluster"])];
    Transition {
        after: user.clone(),
        user,
        documents: list(&step["slate"]).map(document).collect(),
        words: [uniform_word(number(&step["draws"]["u_choice"])), 0, 0, 0],
        chosen: chosen(step),
        reward: number(&step["reward"]),
        done: step["done"] == true,
    }
}

fn long_term_satisfaction(step: &Value) -> Transition {
    let at = |key: &str| number(&step[key]);
    let [first, second] = normal_words(at("z_engagement"), at("z_innovation"));
    Transition {
        user: vec![at("npe_before"), at("sat_before"), at("budget_before")],
        documents: vec![vec![at("clickbait"), 0.0]],
        words: [0, first, second, 0],
        chosen: Some(0),
        reward: at("reward"),
        after: vec![at("npe_after"), at("sat_after"), at("budget_after")],
        done: step["done"] == true,
    }
}

/// Takes all transitions of a run at once, one in each lane; the documents of all slates form the corpus.
fn replay(
    backend: &dyn Backend,
    environment: &str,
    case: &str,
    transitions: &[Transition],
) -> Result<Vec<Row>, Error> {
    let slate_size = transitions[0].documents.len();
    let num_documents = transitions.len() * slate_size;
    let mut simulation = simulation(&[
        format!("environment.name={environment}"),
        format!("environment.num_candidates={num_documents}"),
        format!("environment.slate_size={slate_size}"),
        "environment.resample_documents=false".to_owned(),
        "max_steps=1000".to_owned(),
    ])?;
    let documents: Vec<&Vec<f64>> = transitions
        .iter()
        .flat_map(|transition| &transition.documents)
        .collect();
    simulation.plan.corpus = Some(Corpus {
        num_fields: documents[0].len(),
        fields: documents.into_iter().flatten().copied().collect(),
    });
    let num_lanes = transitions.len();
    let num_fields = transitions[0].user.len();
    let mut stepper = backend.stepper(&simulation, num_lanes)?;
    stepper.set_state(&LaneState {
        users: (0..num_fields)
            .flat_map(|field| {
                transitions
                    .iter()
                    .map(move |transition| transition.user[field])
            })
            .collect(),
        policy: Vec::new(),
        episodes: vec![0; num_lanes],
        steps: vec![0; num_lanes],
    })?;
    let slates: Vec<u32> = (0..).take(num_documents).collect();
    let words: Vec<[u32; 4]> = transitions
        .iter()
        .map(|transition| transition.words)
        .collect();
    let outcome = stepper.step_with_words(&slates, &words)?;
    let state = stepper.state()?;

    let (mut wrong, mut errors) = (0, Vec::new());
    for (lane, transition) in transitions.iter().enumerate() {
        let is_same = outcome.chosen[lane] == transition.chosen
            && outcome.terminated[lane] == transition.done;
        wrong += usize::from(!is_same);
        let found = |field: usize| state.users[field * num_lanes + lane];
        // Interest evolution has the time left as the sum of two fields.
        let num_told = num_fields - usize::from(environment == "interest_evolution");
        let floats = (0..num_told).map(|field| {
            let rest = if num_told < num_fields && field + 1 == num_told {
                found(field + 1)
            } else {
                0.0
            };
            (found(field) + rest, transition.after[field])
        });
        for (found, expected) in floats.chain([(outcome.rewards[lane], transition.reward)]) {
            errors.push((found - expected).abs() / expected.abs().max(1.0));
        }
    }
    Ok(vec![
        Row::of_integers(
            case,
            &format!("choices and ends of {num_lanes} transitions"),
            wrong,
        ),
        Row::of_errors(case, "rewards and users after them", &errors, TOLERANCE),
    ])
}
