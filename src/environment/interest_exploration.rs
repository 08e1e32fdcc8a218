//! Interest exploration: users of hidden types like topics to different degrees, and never change.
//!
//! ```text
//! user       type ~ type_distribution;  affinity[t] = exp(mean_affinity[type][t] + stddev_affinity[type][t] z_t)
//! document   topic ~ topic_distribution;  quality = exp(topic_quality_mean[topic] + topic_quality_stddev[topic] z)
//! score      affinity[topic] + quality
//! ```
//!
//! with z standard normal. The reward is the click; an episode never ends by itself. Twin:
//! `shaders/environment/interest_exploration.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `environments/interest_exploration.py`.

mod specimens;

use super::{Definition, Environment, Observable, Outline, RandomWords};
use crate::choice::{Choices, multinomial_logit};
use crate::config::{Bounds, ChoiceModels, Column, ConfigError, Corpus, Entry, Settings};
use crate::distribution::{categorical, cumulative, log_normal, normal_pair, uniform};
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;
use crate::{keys, twin_struct};

/// The largest logarithm of an affinity or a quality: scores are logits, and from some 10^4 on rounding errors become visible
/// in probabilities.
const MAX_LOG: f64 = 9.0;
/// The most topics: each lane keeps counts for each of them.
const MAX_TOPICS: usize = 4096;

keys! {
    /// The keys of the environment. The defaults are `RecSim` 0.2.4's.
    pub struct Keys from "RecSim 0.2.4, IEClusterUserSampler and IETopicDocumentSampler" {
        /// share of each user type
        type_distribution: Vec<f64> = distribution("user.type_distribution", &[0.3, 0.7]),
        /// mean of the log of the affinity, a row a user type, a column a topic
        mean_affinity: Vec<Vec<f64>> = matrix("user.mean_affinity", [[0.1, 0.7], [0.7, 0.1]], Bounds::FINITE)
            .in_unit("log of affinity"),
        /// standard deviation of the log of the affinity, a row a user type, a column a topic
        stddev_affinity: Vec<Vec<f64>> = matrix("user.stddev_affinity", [[0.1, 0.1], [0.1, 0.1]], Bounds::NON_NEGATIVE)
            .in_unit("log of affinity"),
        /// share of each topic among the documents
        topic_distribution: Vec<f64> = distribution("document.topic_distribution", &[0.2, 0.8]),
        /// mean of the log of the quality of each topic
        topic_quality_mean: Vec<f64> = numbers("document.topic_quality_mean", &[0.8, 0.2], Bounds::FINITE)
            .in_unit("log of quality"),
        /// standard deviation of the log of the quality of each topic
        topic_quality_stddev: Vec<f64> = numbers("document.topic_quality_stddev", &[0.1, 0.1], Bounds::NON_NEGATIVE)
            .in_unit("log of quality"),
        /// the documents when resample_documents = false; absent: drawn once from the seed
        corpus: Option<Corpus> = corpus("document.corpus", &[
            Column::index("cluster_id"),
            Column::number("quality", Bounds::between(-1e4, 1e4)),
        ])
            .from_source("slatesim"),
    }
}

twin_struct! {
    /// A user: a type, and the affinities that follow from it.
    pub struct User {
        /// How much each topic is liked.
        affinity: Numbers,
        /// The hidden type.
        user_type: Word,
    }
}

twin_struct! {
    /// A document.
    pub struct Document {
        /// The quality, positive.
        quality: N,
        /// The topic.
        cluster_id: Word,
    }
}

/// A user's response to a clicked document: the click, and no other number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response<N> {
    /// The reward of a click, 1.
    pub click: N,
}

/// A step has no noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws;

/// The host twin.
#[derive(Clone, Debug)]
pub struct InterestExploration<N: Number> {
    /// Cumulative shares of the types.
    pub types: Vec<N>,
    /// Cumulative shares of the topics.
    pub topics: Vec<N>,
    /// Mean of the log of the affinity. Shape `[type][topic]`, row by row.
    pub mean_affinity: Vec<N::Element>,
    /// Standard deviation of the log of the affinity, as `mean_affinity`.
    pub stddev_affinity: Vec<N::Element>,
    /// Mean of the log of the quality of each topic.
    pub topic_quality_mean: Vec<N::Element>,
    /// Standard deviation of the log of the quality of each topic.
    pub topic_quality_stddev: Vec<N::Element>,
}

impl<N: Number> InterestExploration<N> {
    fn num_topics(&self) -> u32 {
        u32::try_from(self.topics.len()).expect("topics are few")
    }
}

impl<N: Number> Environment<N> for InterestExploration<N> {
    type User = User<N>;
    type Document = Document<N>;
    type Response = Response<N>;
    type Draws = Draws;

    fn new_user(&self) -> User<N> {
        User {
            affinity: vec![N::splat(0.0); self.topics.len()],
            ..User::zero()
        }
    }

    fn new_document(&self) -> Document<N> {
        Document::zero()
    }

    #[inline(always)]
    fn sample_user(&self, random: &RandomWords<N::Word>, user: &mut User<N>) {
        let num_topics = self.num_topics();
        user.user_type = categorical(uniform::<N>(random.block(0)[0]), &self.types);
        // A block gives the normal numbers of four topics.
        for block in 0..num_topics.div_ceil(4) {
            let words = random.block(1 + block);
            let (first, second) = normal_pair::<N>(words[0], words[1]);
            let (third, fourth) = normal_pair::<N>(words[2], words[3]);
            let normals = [first, second, third, fourth];
            for (topic, normal) in (4 * block..num_topics).zip(normals) {
                let index = user.user_type * N::Word::splat(num_topics) + N::Word::splat(topic);
                let mean = N::gather(&self.mean_affinity, index);
                let stddev = N::gather(&self.stddev_affinity, index);
                user.affinity[topic as usize] = log_normal(mean, stddev, normal);
            }
        }
    }

    #[inline(always)]
    fn sample_document(
        &self,
        _candidate: N::Word,
        random: &RandomWords<N::Word>,
        document: &mut Document<N>,
    ) {
        let words = random.block(0);
        document.cluster_id = categorical(uniform::<N>(words[0]), &self.topics);
        let (normal, _) = normal_pair::<N>(words[1], words[2]);
        let mean = N::gather(&self.topic_quality_mean, document.cluster_id);
        let stddev = N::gather(&self.topic_quality_stddev, document.cluster_id);
        document.quality = log_normal(mean, stddev, normal);
    }

    #[inline(always)]
    fn draw(&self, _words: [N::Word; 2], _random: &RandomWords<N::Word>) -> Draws {
        Draws
    }

    #[inline(always)]
    fn score(&self, user: &User<N>, document: &Document<N>) -> N {
        N::pick(&user.affinity, document.cluster_id) + document.quality
    }

    #[inline(always)]
    fn respond(&self, _user: &User<N>, _document: &Document<N>, _draws: &Draws) -> Response<N> {
        Response {
            click: N::splat(1.0),
        }
    }

    #[inline(always)]
    fn transition(
        &self,
        _user: &mut User<N>,
        _document: &Document<N>,
        _response: &Response<N>,
        _weight: N,
        _clicked: N::Mask,
        _draws: &Draws,
    ) {
        // Users never change.
    }

    #[inline(always)]
    fn is_terminal(&self, _user: &User<N>) -> N::Mask {
        crate::number::Mask::splat(false)
    }

    #[inline(always)]
    fn reward(&self, response: &Response<N>) -> N {
        response.click
    }

    #[inline(always)]
    fn topic(&self, document: &Document<N>) -> N::Word {
        document.cluster_id
    }

    #[inline(always)]
    fn quality(&self, document: &Document<N>) -> N {
        document.quality
    }

    #[inline(always)]
    fn observe_document(&self, document: &Document<N>, observation: &mut [N]) {
        observation[0] = document.quality;
        observation[1] = N::from_word(document.cluster_id);
    }

    #[inline(always)]
    fn observe_response(
        &self,
        document: &Document<N>,
        response: &Response<N>,
        clicked: N::Mask,
        observation: &mut [N],
    ) {
        observation[0] = N::select(clicked, response.click, N::splat(0.0));
        observation[1] = document.quality;
        observation[2] = N::from_word(document.cluster_id);
    }
}

/// The environment with its parameters.
#[derive(Clone, Debug)]
pub struct InterestExplorationDefinition {
    /// Cumulative, in single precision, so that all backends draw the same types.
    types: Vec<f64>,
    /// Share of each type.
    type_shares: Vec<f64>,
    /// Cumulative, in single precision, so that all backends draw the same topics.
    topics: Vec<f64>,
    mean_affinity: Vec<Vec<f64>>,
    stddev_affinity: Vec<Vec<f64>>,
    topic_quality_mean: Vec<f64>,
    topic_quality_stddev: Vec<f64>,
}

impl Definition for InterestExplorationDefinition {
    type Twin<N: Number> = InterestExploration<N>;

    fn entry() -> Entry {
        let about = "users of hidden types like topics to different degrees, and never change";
        Entry::environment("interest_exploration", about, Keys::declared()).never_terminates()
    }

    fn specimens() -> Vec<Specimen> {
        specimens::specimens()
    }

    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let keys = Keys::read(settings);
        let types = keys.type_distribution;
        let num_topics = keys.topic_distribution.len();
        if num_topics > MAX_TOPICS {
            let allowed = format!("at most {MAX_TOPICS} topics");
            return Err(settings.invalid(Keys::topic_distribution, allowed));
        }
        for (key, matrix) in [
            (Keys::mean_affinity, &keys.mean_affinity),
            (Keys::stddev_affinity, &keys.stddev_affinity),
        ] {
            if matrix.len() != types.len() || matrix[0].len() != num_topics {
                let allowed = format!(
                    "a matrix of {} rows, one a user type, and {num_topics} columns, one a topic",
                    types.len()
                );
                return Err(settings.invalid(key, allowed));
            }
        }
        for (key, list) in [
            (Keys::topic_quality_mean, &keys.topic_quality_mean),
            (Keys::topic_quality_stddev, &keys.topic_quality_stddev),
        ] {
            if list.len() != num_topics {
                let allowed = format!("a list of {num_topics} numbers, one a topic");
                return Err(settings.invalid(key, allowed));
            }
        }
        let affinities = keys.mean_affinity.iter().flatten();
        for (&mean, &stddev) in affinities.zip(keys.stddev_affinity.iter().flatten()) {
            let names = [Keys::mean_affinity, Keys::stddev_affinity];
            super::check_log_normal(settings, names, [mean, stddev], MAX_LOG)?;
        }
        let qualities = keys.topic_quality_mean.iter();
        for (&mean, &stddev) in qualities.zip(&keys.topic_quality_stddev) {
            let names = [Keys::topic_quality_mean, Keys::topic_quality_stddev];
            super::check_log_normal(settings, names, [mean, stddev], MAX_LOG)?;
        }
        if let Some(corpus) = keys.corpus {
            super::check_topics(settings, &corpus, num_topics)?;
        }
        Ok(Self {
            types: cumulative(&types),
            type_shares: types,
            topics: cumulative(&keys.topic_distribution),
            mean_affinity: keys.mean_affinity,
            stddev_affinity: keys.stddev_affinity,
            topic_quality_mean: keys.topic_quality_mean,
            topic_quality_stddev: keys.topic_quality_stddev,
        })
    }

    fn choices() -> Choices {
        ChoiceModels::of(&[multinomial_logit::NAME])
            .with_default(multinomial_logit::Keys::no_click_mass, 5.0)
            .into()
    }

    fn twin<N: Number>(&self) -> InterestExploration<N> {
        let numbers = |numbers: &[f64]| numbers.iter().map(|&number| N::splat(number)).collect();
        let table = |numbers: &[f64]| numbers.iter().map(|&number| N::element(number)).collect();
        InterestExploration {
            types: numbers(&self.types),
            topics: numbers(&self.topics),
            mean_affinity: table(&self.mean_affinity.concat()),
            stddev_affinity: table(&self.stddev_affinity.concat()),
            topic_quality_mean: table(&self.topic_quality_mean),
            topic_quality_stddev: table(&self.topic_quality_stddev),
        }
    }

    fn tables(&self) -> Vec<f64> {
        [
            self.types.clone(),
            self.topics.clone(),
            self.topic_quality_mean.clone(),
            self.topic_quality_stddev.clone(),
            self.mean_affinity.concat(),
            self.stddev_affinity.concat(),
        ]
        .concat()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("environment", "environment/interest_exploration.wgsl")
    }

    /// The mean over the types of the log of the affinity, as `RecSim`'s `avg_user_state`: a mean of logarithms, not of
    /// affinities.
    fn average_user(&self) -> Option<Vec<f64>> {
        let shares = self.type_shares.iter().zip(&self.mean_affinity);
        let mut affinity = vec![0.0; self.topics.len()];
        for (share, means) in shares {
            for (affinity, mean) in affinity.iter_mut().zip(means) {
                *affinity += share * mean;
            }
        }
        // The type, which does not change the score.
        affinity.push(0.0);
        Some(affinity)
    }

    fn misfit_of_user(&self, fields: &[f64]) -> Option<String> {
        let affinities = fields.iter().take(self.topics.len()).enumerate();
        for (topic, affinity) in affinities {
            if affinity.abs() > MAX_LOG.exp() {
                return Some(format!(
                    "`affinity[{topic}]` is {affinity}, allowed is a magnitude up to {:.0}",
                    MAX_LOG.exp()
                ));
            }
        }
        let (user_type, types) = (*fields.get(self.topics.len())?, self.types.len());
        (user_type >= types as f64)
            .then(|| format!("`user_type` is {user_type}, allowed is a whole number below {types}"))
    }

    fn shader_defs(&self) -> ShaderDefs {
        let count = |length: usize| ShaderDef::UInt(u32::try_from(length).expect("few"));
        ShaderDefs::from([("NUM_TYPES".to_owned(), count(self.types.len()))])
    }

    fn outline(&self) -> Outline {
        let num_topics = u32::try_from(self.topics.len()).expect("topics are few");
        let quality = Observable::number("quality", 0.0, f64::INFINITY);
        let cluster_id = Observable::discrete("cluster_id", num_topics);
        Outline {
            document_blocks: 1,
            num_topics,
            has_quality: true,
            horizon: None,
            user: vec![],
            document: vec![quality.clone(), cluster_id.clone()],
            response: vec![Observable::discrete("click", 2), quality, cluster_id],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;

    fn definition(given: &[&str]) -> Result<InterestExplorationDefinition, String> {
        let settings = InterestExplorationDefinition::entry().settings_with(given);
        InterestExplorationDefinition::new(&settings.unwrap()).map_err(|error| error.to_string())
    }

    /// Values from running `RecSim`: section 9.2 of the notes on it; see tests/data/README.md.
    #[test]
    fn a_recorded_slate_has_the_probabilities_of_the_original() {
        let twin = definition(&[]).unwrap().twin::<f64>();
        let user = User {
            affinity: vec![1.048_313_65, 1.808_871_44],
            user_type: ScalarWord(0),
        };
        let document = |cluster_id, quality| Document {
            quality,
            cluster_id: ScalarWord(cluster_id),
        };
        let scores = [
            twin.score(&user, &document(1, 1.127_251_891_3)),
            twin.score(&user, &document(0, 2.127_850_295_7)),
        ];
        let weights = scores.map(f64::exp);
        let total = weights.iter().sum::<f64>() + 5f64.exp();
        approx::assert_abs_diff_eq!(weights[0] / total, 0.098_544_05, epsilon = 1e-8);
        approx::assert_abs_diff_eq!(weights[1] / total, 0.125_279_13, epsilon = 1e-8);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused_with_the_shape_that_would() {
        for (given, expected) in [
            (
                "user.mean_affinity=[[0.1, 0.7]]",
                "`environment.user.mean_affinity` = [[0.1, 0.7]] is not allowed; allowed is a matrix of 2 rows, \
                 one a user type, and 2 columns, one a topic (given by --set)",
            ),
            (
                "document.topic_distribution=[0.2, 0.3, 0.5]",
                "`environment.user.mean_affinity` = [[0.1, 0.7], [0.7, 0.1]] is not allowed; allowed is a matrix of 2 \
                 rows, one a user type, and 3 columns, one a topic (the default)",
            ),
            (
                "document.topic_quality_mean=[0.5]",
                "`environment.document.topic_quality_mean` = [0.5] is not allowed; allowed is a list of 2 numbers, \
                 one a topic (given by --set)",
            ),
        ] {
            assert_eq!(definition(&[given]).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_corpus_with_a_topic_that_is_not_there_is_refused() {
        let error = definition(&[
            "resample_documents=false",
            "num_candidates=2",
            "document.corpus=[{ cluster_id = 1, quality = 1.5 }, { cluster_id = 2, quality = 1.0 }]",
        ])
        .unwrap_err();
        assert!(
            error.contains(
                "column `cluster_id` of row 2 is 2; allowed is a whole number below 2: topics count from 0"
            ),
            "{error}"
        );
    }
}
