//! The keys of interest evolution, and what is made of them.

use super::{InterestEvolution, MAX_VIDEO_LENGTH, Parameters};
use crate::choice::ChoiceModel;
use crate::choice::exponential_cascade::ExponentialCascade;
use crate::choice::multinomial_logit::MultinomialLogit;
use crate::choice::multinomial_proportional::MultinomialProportional;
use crate::choice::proportional_cascade::ProportionalCascade;
use crate::config::{Bounds, Column, ConfigError, Entry, Key, Settings};
use crate::environment::{Definition, Observable, Outline, check_topics};
use crate::number::Number;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};

/// Standard deviation of the quality about its topic's mean; the original calls it a variance and uses it as this.
const QUALITY_STDDEV: f64 = 0.1;
/// What the original says of the range of qualities.
const MAX_OBSERVED_QUALITY: f64 = 100.0;
/// The most time that a state from outside can have left.
const MAX_STATE_TIME: f64 = 1e12;
/// The largest score whose exponential single precision holds with room for sums.
const MAX_EXPONENT: f64 = 41.0;
/// The largest logit: from here on roundings are seen in probabilities.
const MAX_LOGIT: f64 = 1e5;
/// Lengths that a video can have: one of no length earns nothing and takes no time, so that sessions do not end. How long was
/// watched is observed, and longer ones drown in single precision what stands beside them.
const LENGTHS: Bounds = Bounds::between(1e-12, LONGEST);
const LONGEST: f64 = 1e4;
/// Qualities are drawn around the mean of their topic, which is moderate, and are read back.
const QUALITIES: Bounds = Bounds::between(-1e4, 1e4);
/// Interests are held in the registers of a GPU lane, or spill from them.
const MAX_FEATURES: i64 = 1024;

/// The environment with its parameters.
#[derive(Clone, Debug)]
pub struct InterestEvolutionDefinition {
    parameters: Parameters<f64>,
    num_features: u32,
    has_free_features: bool,
    topic_quality_mean: Vec<f64>,
    feature_bound: f64,
}

/// Spreads `count` values evenly from `low` to `high`, both included; a single one is `low`.
fn spread(low: f64, high: f64, count: u32) -> impl Iterator<Item = f64> {
    let gaps = f64::from(count.max(2) - 1);
    (0..count).map(move |index| low + (high - low) * f64::from(index) / gaps)
}

/// Counts the topics of mean quality at most 0 and at least 0.
fn topic_counts(num_topics: u32) -> (u32, u32) {
    (num_topics * 7 / 10, num_topics * 3 / 10)
}

fn features_of(settings: &Settings) -> f64 {
    f64::from(settings.count("document.num_features"))
}

/// Refuses choice models for which no score that can occur is a probability; single ones that are none are counted.
/// `listed_bound` is the largest feature of documents that are given, if there are any.
fn check_scores(settings: &Settings, listed_bound: f64) -> Result<(), ConfigError> {
    // Interests lie in [-1, 1]; the features of a topic are one 1 and zeros.
    let bound = if listed_bound > 0.0 {
        features_of(settings) * listed_bound
    } else if settings.text("document.sampler") == DISTRIBUTION {
        let largest = |key| settings.number(key).abs();
        features_of(settings)
            * largest("document.min_feature_value").max(largest("document.max_feature_value"))
    } else {
        1.0
    };
    let floor = settings.number("choice.min_normalizer");
    let scaling = settings.number("choice.score_scaling");
    let lowest = match settings.text("choice.model") {
        "exponential_cascade" => (-bound).exp(),
        "proportional_cascade" => -bound - floor,
        _ => 0.0,
    };
    // Exponentials saturate in single precision, and logits count by their differences.
    let (most, reason) = match settings.text("choice.model") {
        "exponential_cascade" => (
            MAX_EXPONENT,
            "whose exponential has to stay in the range of single precision",
        ),
        "multinomial_logit" => (
            MAX_LOGIT,
            "whose differences single precision has to resolve",
        ),
        _ => (f64::INFINITY, ""),
    };
    if bound > most {
        let is_given = listed_bound > 0.0;
        let largest = bound / features_of(settings);
        let key = match settings.number("document.max_feature_value").abs() < largest {
            _ if is_given => "document.corpus",
            true => "document.min_feature_value",
            false => "document.max_feature_value",
        };
        let allowed = format!(
            "features of which {} make scores up to {most}, {reason}",
            features_of(settings)
        );
        return Err(settings.invalid(key, allowed));
    }
    if settings.text("choice.model").contains("proportional") && floor > bound {
        let allowed = format!("at most {bound}, the highest score there can be");
        return Err(settings.invalid("choice.min_normalizer", allowed));
    }
    if scaling * lowest > 1.0 {
        let most = 1.0 / lowest;
        let allowed = format!("at most {most}, above which no score gives a probability");
        return Err(settings.invalid("choice.score_scaling", allowed));
    }
    Ok(())
}

const UTILITY_MODEL: &str = "utility_model";
/// The key that tells which documents there are.
const SAMPLER: &str = "document.sampler";
const DISTRIBUTION: &str = "distribution";

/// Refuses given documents of another number of features, and returns the largest of these by magnitude; 0 where none are given.
fn check_features(settings: &Settings, num_features: u32) -> Result<f64, ConfigError> {
    let Some(corpus) = settings.corpus("document.corpus") else {
        return Ok(0.0);
    };
    let features: Vec<&Vec<f64>> = corpus
        .columns
        .iter()
        .filter(|(name, _)| name.starts_with("features["))
        .map(|(_, values)| values)
        .collect();
    if features.is_empty() {
        return Ok(0.0);
    }
    if features.len() != num_features as usize || i64::from(num_features) > MAX_FEATURES {
        let allowed = format!(
            "{}, as many features as the documents of `environment.document.corpus` have, and at most {MAX_FEATURES}",
            features.len()
        );
        return Err(settings.invalid("document.num_features", allowed));
    }
    let all = features.into_iter().flatten();
    Ok(all.fold(0.0, |bound, value| value.abs().max(bound)))
}

impl Definition for InterestEvolutionDefinition {
    type Twin<N: Number> = InterestEvolution<N>;

    // The defaults are RecSim 0.2.4's, of either sampler.
    fn entry() -> Entry {
        let samplers = [UTILITY_MODEL, DISTRIBUTION];
        let user = |key: Key, default: f64| key.default_when("user.sampler", DISTRIBUTION, default);
        let utility = |key: Key| key.applies_when("document.sampler", UTILITY_MODEL);
        let free = |key: Key| key.applies_when("document.sampler", DISTRIBUTION);
        let models = [
            "multinomial_proportional",
            "multinomial_logit",
            "exponential_cascade",
            "proportional_cascade",
        ];
        let keys = vec![
            Key::one_of(
                "user.sampler",
                UTILITY_MODEL,
                &samplers,
                "whose defaults users have",
            ),
            user(
                Key::positive("user.time_budget", 200.0, "time of a session"),
                30.0,
            ),
            user(
                Key::non_negative(
                    "user.step_penalty",
                    0.5,
                    "time that a slate without a click costs",
                ),
                1.0,
            ),
            user(
                Key::number(
                    "user.user_quality_factor",
                    0.0,
                    Bounds::MODERATE,
                    "weight of the choice model's score of the watched video in the time that it gives back",
                ),
                1.0,
            ),
            Key::number(
                "user.document_quality_factor",
                1.0,
                Bounds::MODERATE,
                "weight of the quality of the watched video in the time that it gives back",
            ),
            user(
                Key::number(
                    "user.user_update_alpha",
                    0.9 / 3.4,
                    Bounds::MODERATE,
                    "time given back by watch time and utility",
                ),
                0.0,
            ),
            Key::positive(
                "user.alpha_x_intercept",
                1.0,
                "strength of interest at which it stands still",
            ),
            Key::number(
                "user.alpha_y_intercept",
                0.3,
                Bounds::MODERATE,
                "how far an interest of 0 moves towards a watched video",
            ),
            Key::one_of(
                "document.sampler",
                UTILITY_MODEL,
                &samplers,
                "how documents are drawn",
            ),
            Key::integer(
                "document.num_features",
                20,
                1,
                MAX_FEATURES,
                "features, and with the utility model topics; there a multiple of 10",
            ),
            utility(Key::number(
                "document.min_utility",
                -3.0,
                Bounds::MODERATE,
                "mean quality of the worst topic",
            )),
            utility(Key::number(
                "document.max_utility",
                3.0,
                Bounds::MODERATE,
                "mean quality of the best topic",
            )),
            utility(Key::number(
                "document.video_length",
                4.0,
                LENGTHS,
                "length of every video",
            )),
            free(Key::number(
                "document.min_feature_value",
                -1.0,
                Bounds::MODERATE,
                "smallest feature",
            )),
            free(Key::number(
                "document.max_feature_value",
                1.0,
                Bounds::MODERATE,
                "largest feature",
            )),
            free(Key::number(
                "document.video_length_mean",
                4.3,
                LENGTHS,
                "mean of the length of a video",
            )),
            free(Key::number(
                "document.video_length_std",
                1.0,
                Bounds::between(0.0, LONGEST),
                "standard deviation of the length of a video",
            )),
            Key::corpus(
                "document.corpus",
                &[
                    Column::index("cluster_id").applies_when(SAMPLER, UTILITY_MODEL),
                    Column::number("quality", QUALITIES).applies_when(SAMPLER, UTILITY_MODEL),
                    Column::number("video_length", LENGTHS).applies_when(SAMPLER, UTILITY_MODEL),
                    Column::numbers("features", Bounds::MODERATE)
                        .applies_when(SAMPLER, DISTRIBUTION),
                    // What is drawn may be below zero, and is read back.
                    Column::number(
                        "video_length",
                        Bounds::between(-10.0 * LONGEST, 10.0 * LONGEST),
                    )
                    .applies_when(SAMPLER, DISTRIBUTION),
                    Column::number("quality", QUALITIES)
                        .optional()
                        .applies_when(SAMPLER, DISTRIBUTION),
                ],
                "the documents when resample_documents = false; absent: drawn once from the seed",
            ),
            Key::one_of(
                "choice.model",
                "multinomial_proportional",
                &models,
                "how the user picks from the slate",
            ),
            Key::number(
                "choice.no_click_mass",
                1.0,
                Bounds::FINITE,
                "score of choosing nothing",
            )
            .applies_when("choice.model", "multinomial_proportional")
            .applies_when("choice.model", "multinomial_logit"),
            Key::number(
                "choice.min_normalizer",
                -1.0,
                Bounds::FINITE,
                "floor of all scores",
            )
            .applies_when("choice.model", "multinomial_proportional")
            .applies_when("choice.model", "proportional_cascade"),
            Key::non_negative(
                "choice.score_scaling",
                0.05,
                "what a cascade multiplies scores with to get probabilities",
            )
            .applies_when("choice.model", "exponential_cascade")
            .applies_when("choice.model", "proportional_cascade"),
            user_attention()
                .applies_when("choice.model", "exponential_cascade")
                .applies_when("choice.model", "proportional_cascade"),
        ];
        let about = "users watch videos of topics that they come to like more or less, as long as their time lasts";
        Entry::environment("interest_evolution", about, keys)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limited by its key"
    )]
    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let has_free_features = settings.text("document.sampler") == DISTRIBUTION;
        let num_features = settings.count("document.num_features");
        let listed_bound = check_features(settings, num_features)?;
        let mut topic_quality_mean = Vec::new();
        if !has_free_features {
            let (low, high) = topic_counts(num_features);
            if low + high != num_features {
                let allowed = "a multiple of 10, so that 7 in 10 topics are bad and 3 in 10 good";
                return Err(settings.invalid("document.num_features", allowed));
            }
            topic_quality_mean.extend(spread(settings.number("document.min_utility"), 0.0, low));
            topic_quality_mean.extend(spread(0.0, settings.number("document.max_utility"), high));
            if let Some(corpus) = settings.corpus("document.corpus") {
                check_topics(settings, corpus, num_features as usize)?;
            }
        }
        let (min, max) = (
            settings.number("document.min_feature_value"),
            settings.number("document.max_feature_value"),
        );
        if max < min {
            let allowed = format!("at least min_feature_value = {min}");
            return Err(settings.invalid("document.max_feature_value", allowed));
        }
        let (video_length, video_length_std) = if has_free_features {
            (
                settings.number("document.video_length_mean"),
                settings.number("document.video_length_std"),
            )
        } else {
            (settings.number("document.video_length"), 0.0)
        };
        let parameters = Parameters {
            time_budget: settings.number("user.time_budget"),
            step_penalty: settings.number("user.step_penalty"),
            user_quality_factor: settings.number("user.user_quality_factor"),
            document_quality_factor: settings.number("user.document_quality_factor"),
            user_update_alpha: settings.number("user.user_update_alpha"),
            alpha_x_intercept: settings.number("user.alpha_x_intercept"),
            alpha_y_intercept: settings.number("user.alpha_y_intercept"),
            quality_stddev: QUALITY_STDDEV,
            video_length,
            video_length_std,
            min_feature_value: min,
            max_feature_value: max,
        };
        Ok(Self {
            parameters,
            num_features,
            has_free_features,
            topic_quality_mean,
            feature_bound: if has_free_features {
                min.abs().max(max.abs()).max(listed_bound)
            } else {
                1.0
            },
        })
    }

    fn choice(settings: &Settings) -> Result<ChoiceModel, ConfigError> {
        let no_click_mass = settings.number("choice.no_click_mass");
        let min_normalizer = settings.number("choice.min_normalizer");
        let score_scaling = settings.number("choice.score_scaling");
        let attention_prob = settings.number("choice.attention_prob");
        let listed_bound = check_features(settings, settings.count("document.num_features"))?;
        check_scores(settings, listed_bound)?;
        Ok(match settings.text("choice.model") {
            "multinomial_proportional" => {
                if no_click_mass < min_normalizer {
                    let allowed = format!("at least min_normalizer = {min_normalizer}");
                    return Err(settings.invalid("choice.no_click_mass", allowed));
                }
                ChoiceModel::from(MultinomialProportional {
                    no_click_mass,
                    min_normalizer,
                })
            }
            "multinomial_logit" => ChoiceModel::from(MultinomialLogit {
                no_click_mass: Some(no_click_mass),
            }),
            "exponential_cascade" => ChoiceModel::from(ExponentialCascade {
                attention_prob,
                score_scaling,
            }),
            _ => ChoiceModel::from(ProportionalCascade {
                attention_prob,
                score_scaling,
                min_normalizer,
            }),
        })
    }

    fn twin<N: Number>(&self) -> InterestEvolution<N> {
        let means = self.topic_quality_mean.iter();
        InterestEvolution {
            parameters: self.parameters.map(N::splat),
            num_features: self.num_features,
            has_free_features: self.has_free_features,
            topic_quality_mean: means.map(|&mean| N::element(mean)).collect(),
        }
    }

    fn parameters(&self) -> Vec<f64> {
        self.parameters.values()
    }

    fn tables(&self) -> Vec<f64> {
        self.topic_quality_mean.clone()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("environment", "environment/interest_evolution.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::from([
            (
                "NUM_FEATURES".to_owned(),
                ShaderDef::UInt(self.num_features),
            ),
            (
                "HAS_FREE_FEATURES".to_owned(),
                ShaderDef::Bool(self.has_free_features),
            ),
        ])
    }

    fn misfit_of_user(&self, fields: &[f64]) -> Option<String> {
        let interests = fields.iter().take(self.num_features as usize).enumerate();
        for (feature, interest) in interests {
            if !(-1.0..=1.0).contains(interest) {
                return Some(format!(
                    "`user_interests[{feature}]` is {interest}, allowed is a number from -1 to 1"
                ));
            }
        }
        let budget = *fields.get(self.num_features as usize)?;
        (budget.abs() > MAX_STATE_TIME).then(|| {
            format!("`time_budget` is {budget}, allowed is a magnitude up to {MAX_STATE_TIME:e}")
        })
    }

    fn outline(&self) -> Outline {
        let vector = |name, bound: f64| Observable {
            length: self.num_features as usize,
            ..Observable::number(name, -bound, bound)
        };
        let mut response = vec![
            Observable::discrete("click", 2),
            Observable::number("watch_time", 0.0, MAX_VIDEO_LENGTH),
            Observable::discrete("liked", 2),
            Observable::number("quality", -MAX_OBSERVED_QUALITY, MAX_OBSERVED_QUALITY),
        ];
        if !self.has_free_features {
            response.push(Observable::discrete("cluster_id", self.num_features));
        }
        let document_blocks = if self.has_free_features {
            1 + self.num_features.div_ceil(4)
        } else {
            1
        };
        Outline {
            document_blocks,
            num_topics: if self.has_free_features {
                0
            } else {
                self.num_features
            },
            has_quality: true,
            horizon: None,
            user: vec![vector("user_interests", 1.0)],
            document: vec![vector("features", self.feature_bound)],
            response,
        }
    }
}

fn user_attention() -> Key {
    Key::probability(
        "choice.attention_prob",
        0.65,
        "probability that a cascade looks at a position",
    )
    .default_when("user.sampler", DISTRIBUTION, 0.9)
}
