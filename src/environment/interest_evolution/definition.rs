//! The keys of interest evolution, and the twins that they make.

use super::specimens::specimens;
use super::{InterestEvolution, MAX_VIDEO_LENGTH, Parameters, Sampler, UserKeys};
use crate::choice::exponential_cascade::{self, ExponentialCascade};
use crate::choice::{
    Choices, Scores, multinomial_logit, multinomial_proportional, proportional_cascade,
};
use crate::config::{Bounds, ChoiceModels, Column, ConfigError, Corpus, Entry, Settings};
use crate::environment::{Definition, Observable, Outline, check_topics};
use crate::keys;
use crate::number::Number;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

/// Standard deviation of the quality about its topic's mean; `RecSim` calls it a variance, but uses it as a standard deviation.
const QUALITY_STDDEV: f64 = 0.1;
/// `RecSim`'s stated bound of qualities.
const MAX_OBSERVED_QUALITY: f64 = 100.0;
/// The largest time left in a state that is set from outside.
const MAX_STATE_TIME: f64 = 1e12;
/// Bounds of the length of a video: one of length zero earns nothing and takes no time, so sessions would not end. The watch
/// time is observed, and next to a longer one other inputs of a policy would be lost in single precision.
const LENGTHS: Bounds = Bounds::between(1e-12, LONGEST);
const LONGEST: f64 = 1e4;
/// Bounds of qualities, which are drawn around a topic's mean of at most 1000 and can be given as a corpus.
const QUALITIES: Bounds = Bounds::between(-1e4, 1e4);
/// The most features: a GPU lane holds interests in registers, or in slower memory if they are many.
const MAX_FEATURES: u32 = 1024;

keys! {
    /// The keys of the documents.
    pub struct DocumentKeys from "RecSim 0.2.4, IEvVideo, UtilityModelVideoSampler and IEvVideoSampler" {
        /// how documents are drawn
        sampler: Sampler = one_of("document.sampler", Sampler::UtilityModel).from_source("slatesim"),
        /// features, and with the utility model topics; there a multiple of 10
        num_features: u32 = integer("document.num_features", 20, 1, MAX_FEATURES).in_unit("features"),
        /// mean quality of the worst topic
        min_utility: f64 = number("document.min_utility", -3.0, Bounds::MODERATE)
            .applies_when(DocumentKeys::sampler, Sampler::UtilityModel),
        /// mean quality of the best topic
        max_utility: f64 = number("document.max_utility", 3.0, Bounds::MODERATE)
            .applies_when(DocumentKeys::sampler, Sampler::UtilityModel),
        /// length of every video
        video_length: f64 = number("document.video_length", 4.0, LENGTHS)
            .in_unit("units of time")
            .applies_when(DocumentKeys::sampler, Sampler::UtilityModel),
        /// smallest feature
        min_feature_value: f64 = number("document.min_feature_value", -1.0, Bounds::MODERATE)
            .applies_when(DocumentKeys::sampler, Sampler::Distribution),
        /// largest feature
        max_feature_value: f64 = number("document.max_feature_value", 1.0, Bounds::MODERATE)
            .applies_when(DocumentKeys::sampler, Sampler::Distribution),
        /// mean of the length of a video
        video_length_mean: f64 = number("document.video_length_mean", 4.3, LENGTHS)
            .in_unit("units of time")
            .applies_when(DocumentKeys::sampler, Sampler::Distribution),
        /// standard deviation of the length of a video
        video_length_std: f64 = number("document.video_length_std", 1.0, Bounds::between(0.0, LONGEST))
            .in_unit("units of time")
            .applies_when(DocumentKeys::sampler, Sampler::Distribution),
        /// the documents when resample_documents = false; absent: drawn once from the seed
        corpus: Option<Corpus> = corpus("document.corpus", &corpus_columns()).from_source("slatesim"),
    }
}

/// Lists the columns of given documents, for either sampler of documents.
fn corpus_columns() -> [Column; 6] {
    let of_topics =
        |column: Column| column.applies_when(DocumentKeys::sampler, Sampler::UtilityModel);
    let free = |column: Column| column.applies_when(DocumentKeys::sampler, Sampler::Distribution);
    [
        of_topics(Column::index("cluster_id")),
        of_topics(Column::number("quality", QUALITIES)),
        of_topics(Column::number("video_length", LENGTHS)),
        free(Column::numbers("features", Bounds::MODERATE)),
        // Drawn lengths may be below zero, and must be accepted when they are given as a corpus.
        free(Column::number(
            "video_length",
            Bounds::between(-10.0 * LONGEST, 10.0 * LONGEST),
        )),
        free(Column::number("quality", QUALITIES).optional()),
    ]
}

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

/// Returns how many topics have a mean quality of at most 0, and of at least 0.
fn topic_counts(num_topics: u32) -> (u32, u32) {
    (num_topics * 7 / 10, num_topics * 3 / 10)
}

/// Lists the columns of features of given documents.
fn given_features(keys: &DocumentKeys) -> impl Iterator<Item = &Vec<f64>> {
    let columns = keys.corpus.iter().flat_map(|corpus| &corpus.columns);
    columns
        .filter(|(name, _)| name.starts_with("features["))
        .map(|(_, values)| values)
}

/// Returns the largest feature of given documents by magnitude, or 0 if there are none.
fn largest_given_feature(keys: &DocumentKeys) -> f64 {
    let features = given_features(keys).flatten();
    features.fold(0.0, |bound, value| value.abs().max(bound))
}

/// Refuses given documents with another number of features.
fn check_features(settings: &Settings, keys: &DocumentKeys) -> Result<(), ConfigError> {
    let given = given_features(keys).count();
    if given > 0 && (given != keys.num_features as usize || keys.num_features > MAX_FEATURES) {
        let allowed = format!(
            "{given}, as many features as the documents of `environment.document.corpus` have, and at most {MAX_FEATURES}"
        );
        return Err(settings.invalid(DocumentKeys::num_features, allowed));
    }
    Ok(())
}

impl Definition for InterestEvolutionDefinition {
    type Twin<N: Number> = InterestEvolution<N>;

    fn entry() -> Entry {
        let keys = [
            UserKeys::declared(),
            Parameters::declared(),
            DocumentKeys::declared(),
        ];
        let about = "users watch videos of topics that they come to like more or less, as long as their time lasts";
        Entry::environment("interest_evolution", about, keys.concat())
    }

    fn specimens() -> Vec<Specimen> {
        specimens()
    }

    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let keys = DocumentKeys::read(settings);
        let has_free_features = keys.sampler == Sampler::Distribution;
        let num_features = keys.num_features;
        check_features(settings, &keys)?;
        let mut topic_quality_mean = Vec::new();
        if !has_free_features {
            let (low, high) = topic_counts(num_features);
            if low + high != num_features {
                let allowed = "a multiple of 10, so that 7 in 10 topics are bad and 3 in 10 good";
                return Err(settings.invalid(DocumentKeys::num_features, allowed));
            }
            topic_quality_mean.extend(spread(keys.min_utility, 0.0, low));
            topic_quality_mean.extend(spread(0.0, keys.max_utility, high));
            if let Some(corpus) = &keys.corpus {
                check_topics(settings, corpus, num_features as usize)?;
            }
        }
        let (min, max) = (keys.min_feature_value, keys.max_feature_value);
        if max < min {
            let allowed = format!("at least min_feature_value = {min}");
            return Err(settings.invalid(DocumentKeys::max_feature_value, allowed));
        }
        let (video_length, video_length_std) = match keys.sampler {
            Sampler::UtilityModel => (keys.video_length, 0.0),
            Sampler::Distribution => (keys.video_length_mean, keys.video_length_std),
        };
        Ok(Self {
            parameters: Parameters {
                quality_stddev: QUALITY_STDDEV,
                video_length,
                video_length_std,
                min_feature_value: min,
                max_feature_value: max,
                ..Parameters::read(settings)
            },
            num_features,
            has_free_features,
            topic_quality_mean,
            feature_bound: if has_free_features {
                min.abs().max(max.abs()).max(largest_given_feature(&keys))
            } else {
                1.0
            },
        })
    }

    fn choices() -> Choices {
        ChoiceModels::of(&[
            multinomial_proportional::NAME,
            multinomial_logit::NAME,
            exponential_cascade::NAME,
            proportional_cascade::NAME,
        ])
        .with_default(multinomial_logit::Keys::no_click_mass, 1.0)
        .with_default_when(
            ExponentialCascade::attention_prob,
            UserKeys::sampler,
            Sampler::Distribution,
            0.9,
        )
        .into()
    }

    fn scores(&self, settings: &Settings) -> Option<Scores> {
        let keys = DocumentKeys::read(settings);
        let num_features = f64::from(self.num_features);
        let given = largest_given_feature(&keys);
        let (min, max) = (keys.min_feature_value.abs(), keys.max_feature_value.abs());
        // Interests lie in [-1, 1]; the features of a topic are one 1 and otherwise zeros.
        let (bound, key) = match keys.sampler {
            _ if given > 0.0 => (num_features * given, DocumentKeys::corpus),
            Sampler::UtilityModel => (1.0, DocumentKeys::sampler),
            Sampler::Distribution if max < min => {
                (num_features * min, DocumentKeys::min_feature_value)
            }
            Sampler::Distribution => (num_features * max, DocumentKeys::max_feature_value),
        };
        let origin = match keys.sampler {
            Sampler::UtilityModel => "documents whose single topic makes scores".to_owned(),
            Sampler::Distribution => format!("features of which {num_features} make scores"),
        };
        Some(Scores { bound, key, origin })
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

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.parameters.named()
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
