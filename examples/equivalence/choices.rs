//! Compares probabilities of the choice models with those of `RecSim`, for given scores: `tests/data/README.md`.

use super::row::Row;
use super::setup::simulation;
use slatesim::Error;
use slatesim::backend::{Backend, Corpus, LaneState};
use slatesim::choice::ChoiceModel;
use slatesim::choice::exponential_cascade::ExponentialCascade;
use slatesim::choice::multinomial_logit::MultinomialLogit;
use slatesim::choice::multinomial_proportional::MultinomialProportional;
use slatesim::choice::proportional_cascade::ProportionalCascade;

/// Absolute error of a probability.
const TOLERANCE: f64 = 1e-6;
/// How many values a uniform draw can have.
const GRID: u32 = 1 << 23;

/// A choice model, scores of a slate, and the probability of each position and of no click.
struct Vector {
    name: &'static str,
    model: ChoiceModel,
    scores: &'static [f64],
    probabilities: &'static [f64],
}

#[rustfmt::skip]
fn vectors() -> Vec<Vector> {
    let logit = |name, no_click_mass, scores, probabilities| Vector {
        name, model: MultinomialLogit { no_click_mass }.into(), scores, probabilities,
    };
    let proportional = |name, min_normalizer, no_click_mass, scores, probabilities| Vector {
        name, model: MultinomialProportional { no_click_mass, min_normalizer }.into(), scores, probabilities,
    };
    let exponential = |name, score_scaling, attention_prob, scores, probabilities| Vector {
        name, model: ExponentialCascade { attention_prob, score_scaling }.into(), scores, probabilities,
    };
    let cascade = |name, attention_prob, min_normalizer, score_scaling, scores, probabilities| Vector {
        name, model: ProportionalCascade { attention_prob, score_scaling, min_normalizer }.into(), scores, probabilities,
    };
    // Logarithms of 1 to 4.
    const LOGARITHMS: &[f64] = &[0.0, std::f64::consts::LN_2, 1.098_612_288_668_109_8, 2.0 * std::f64::consts::LN_2];
    const NEGATIVE: &[f64] = &[0.0, -std::f64::consts::LN_2, -1.098_612_288_668_109_8, -2.0 * std::f64::consts::LN_2];
    vec![
        logit("softmax of 0", None, &[0.0], &[1.0, 0.0]),
        logit("softmax of equal scores", None, &[1.0; 4], &[0.25, 0.25, 0.25, 0.25, 0.0]),
        logit("softmax of ln 1 to ln 4", None, LOGARITHMS, &[0.1, 0.2, 0.3, 0.4, 0.0]),
        logit("softmax of -ln 1 to -ln 4", None, NEGATIVE, &[0.48, 0.24, 0.16, 0.12, 0.0]),
        logit("logit without no-click", None, &[1.0, 0.96], &[0.509_998_666_9, 0.490_001_333_1, 0.0]),
        logit("logit, m = 1", Some(1.0), &[1.0, 0.96], &[0.337_747_759_7, 0.324_504_480_6, 0.337_747_759_7]),
        logit("logit, m = 5", Some(5.0), &[3.3, 2.1, 1.7],
            &[0.143_327_294_8, 0.043_169_351_6, 0.028_937_281_8, 0.784_566_071_8]),
        proportional("proportional, b = 0", 0.0, 0.0, &[1.0, 0.96], &[1.0 / 1.96, 0.96 / 1.96, 0.0]),
        proportional("proportional, b = m = 0.5", 0.5, 0.5, &[1.0, 0.96], &[0.5 / 0.96, 0.46 / 0.96, 0.0]),
        proportional("proportional, b = -1, m = 1", -1.0, 1.0, &[0.5, -0.25, -1.0],
            &[0.352_941_176_5, 0.176_470_588_2, 0.0, 0.470_588_235_3]),
        exponential("exponential cascade, s = 0.04, a = 1", 0.04, 1.0, &[3.0, 2.0, 1.0],
            &[0.803_421_476_9, 0.058_101_189_4, 0.015_056_816_8, 0.123_420_516_9]),
        exponential("exponential cascade, s = 0.05, a = 0.65", 0.05, 0.65, &[0.9, -0.5, 0.2],
            &[0.079_937_101_1, 0.018_136_506_6, 0.035_802_5, 0.866_123_892_3]),
        exponential("exponential cascade, s = 0", 0.0, 1.0, &[3.0, 2.0, 1.0], &[0.0, 0.0, 0.0, 1.0]),
        cascade("proportional cascade, a = 1, b = -4, s = 0.07", 1.0, -4.0, 0.07, &[-3.0, -3.0, 10.0, 1.0, -4.0],
            &[0.07, 0.0651, 0.847_602, 0.006_054_3, 0.0, 0.011_243_7]),
        cascade("proportional cascade, a = 0.5, b = -1, s = 0.1", 0.5, -1.0, 0.1, &[0.0; 3],
            &[0.05, 0.0475, 0.045_125, 0.857_375]),
        cascade("proportional cascade, a = 0.65, b = -1, s = 0.05", 0.65, -1.0, 0.05, &[0.9, -0.5, 0.2],
            &[0.061_75, 0.015_246_562_5, 0.035_997_134_1, 0.887_006_303_4]),
    ]
}

/// Measures the probabilities of every vector on a backend.
pub(crate) fn rows(backend: &dyn Backend, _episodes: u64) -> Result<Vec<Row>, Error> {
    vectors()
        .into_iter()
        .map(|vector| row(backend, vector))
        .collect()
}

/// Finds by bisection how many values of the uniform draw choose a position before each one.
fn row(backend: &dyn Backend, vector: Vector) -> Result<Row, Error> {
    let num_lanes = vector.scores.len();
    // With a single feature and an interest of 1 in it, the feature is the score.
    let mut simulation = simulation(&[
        "environment.name=interest_evolution".to_owned(),
        "environment.document.sampler=distribution".to_owned(),
        "environment.document.num_features=1".to_owned(),
        "environment.resample_documents=false".to_owned(),
        format!("environment.num_candidates={num_lanes}"),
        format!("environment.slate_size={num_lanes}"),
    ])?;
    let document = |&score: &f64| [0.0, 1.0, 1.0, score];
    simulation.plan.corpus = Some(Corpus {
        num_fields: 4,
        fields: vector.scores.iter().flat_map(document).collect(),
    });
    simulation.plan.choice = vector.model;
    let mut stepper = backend.stepper(&simulation, num_lanes)?;
    let state = LaneState {
        users: [1.0, 100.0, 0.0]
            .map(|field| vec![field; num_lanes])
            .concat(),
        policy: Vec::new(),
        episodes: vec![0; num_lanes],
        steps: vec![0; num_lanes],
    };
    let slates: Vec<u32> = (0..num_lanes).flat_map(|_| (0..).take(num_lanes)).collect();
    // Lane i searches for the first draw that chooses a position after i; its index is the number of draws before it.
    let mut ranges = vec![(0, GRID); num_lanes];
    while ranges.iter().any(|(low, high)| low < high) {
        stepper.set_state(&state)?;
        let middles: Vec<u32> = ranges
            .iter()
            .map(|(low, high)| low + (high - low) / 2)
            .collect();
        let words: Vec<[u32; 4]> = middles
            .iter()
            .map(|&middle| [middle.min(GRID - 1) << 9, 0, 0, 0])
            .collect();
        let outcome = stepper.step_with_words(&slates, &words)?;
        for (lane, range) in ranges.iter_mut().enumerate() {
            let is_before = outcome.chosen[lane].is_some_and(|chosen| chosen as usize <= lane);
            if range.0 < range.1 {
                *range = if is_before {
                    (middles[lane] + 1, range.1)
                } else {
                    (range.0, middles[lane])
                };
            }
        }
    }
    let below = ranges
        .iter()
        .map(|(low, _)| f64::from(*low) / f64::from(GRID));
    let limits: Vec<f64> = std::iter::once(0.0).chain(below).chain([1.0]).collect();
    let found = limits.windows(2).map(|limits| limits[1] - limits[0]);
    let errors: Vec<f64> = found
        .zip(vector.probabilities)
        .map(|(found, expected)| (found - expected).abs())
        .collect();
    Ok(Row::of_errors(
        "choice models",
        vector.name,
        &errors,
        TOLERANCE,
    ))
}
