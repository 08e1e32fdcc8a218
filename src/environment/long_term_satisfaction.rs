//! Long-term satisfaction: documents between kale and chocolate, and a user whose satisfaction follows the diet.
//!
//! Clickbait earns more engagement at once, but lowers the satisfaction that later engagement depends on.
//!
//! ```text
//! start        exposure = (U - 1/2) / (1 - memory_discount)
//! satisfaction s = sigmoid(sensitivity * exposure)
//! engagement   exp((c choc_mean + (1 - c) kale_mean) s + (c choc_stddev + (1 - c) kale_stddev) z)
//! transition   exposure <- memory_discount * exposure - 2 (c - 1/2) + innovation_stddev * z'
//! ```
//!
//! with c the clickbait score of the clicked document, uniform on [0, 1), and z, z' standard normal. The reward is the
//! engagement, not clipped; an episode lasts `time_budget` steps. Twin: `shaders/environment/long_term_satisfaction.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `environments/long_term_satisfaction.py`; the variant with clusters, an observed satisfaction and a
//! logit choice is that of `RecSim`'s tutorial "Developing an environment".

pub(crate) mod specimens;

use super::{Definition, Environment, Observable, Outline, RandomWords};
use crate::choice::{Choices, first, multinomial_logit};
use crate::config::{Bounds, ChoiceModels, Column, ConfigError, Corpus, Entry, Settings};
use crate::distribution::{
    bounded_integer, log_normal, normal_pair, normal_probability, truncated_normal, uniform,
};
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource};
use crate::specimen::Specimen;
use crate::{keys, parameters, twin_struct};

/// The noise on the observed satisfaction is truncated here.
const OBSERVATION_NOISE_LIMIT: f64 = 1.0;
/// The largest logarithm of an engagement: squares of it are summed over a block of episodes in single precision.
const MAX_LOG: f64 = 41.0;
/// The largest product of sensitivity and exposure.
const LARGEST_SLOPE: f64 = 1e3;
/// The largest standard deviation of the noise on the observed satisfaction: with a larger one it is nearly uniform between
/// its limits, and single precision sees no difference.
const MAX_OBSERVATION_NOISE: f64 = 100.0;
/// Time budgets are counted down in single precision, which is exact up to here.
const MAX_TIME_BUDGET: f64 = 16_777_216.0;
/// `RecSim` clips the observed engagement, but not the reward.
const MAX_OBSERVED_ENGAGEMENT: f64 = 100.0;

parameters! {
    /// The parameters of the user model. The defaults are `RecSim` 0.2.4's.
    pub struct Parameters from "RecSim 0.2.4, LTSStaticUserSampler" {
        /// share of the exposure that remains after a step
        memory_discount = number("user.memory_discount", 0.7, Bounds::UNIT.without_upper()),
        /// steepness of satisfaction in the exposure
        sensitivity = number("user.sensitivity", 0.01, Bounds::FINITE),
        /// standard deviation of the noise on the exposure
        innovation_stddev = number("user.innovation_stddev", 0.05, Bounds::between(0.0, 1e3)),
        /// mean of log engagement with pure clickbait at satisfaction 1
        choc_mean = number("user.choc_mean", 5.0, Bounds::FINITE).in_unit("log of engagement"),
        /// standard deviation of log engagement with pure clickbait
        choc_stddev = non_negative("user.choc_stddev", 1.0).in_unit("log of engagement"),
        /// mean of log engagement with no clickbait at satisfaction 1
        kale_mean = number("user.kale_mean", 4.0, Bounds::FINITE).in_unit("log of engagement"),
        /// standard deviation of log engagement with no clickbait
        kale_stddev = non_negative("user.kale_stddev", 1.0).in_unit("log of engagement"),
        /// steps that an episode lasts
        time_budget = number("user.time_budget", 60.0, Bounds::between(0.0, MAX_TIME_BUDGET).without_lower())
            .in_unit("steps"),
        /// standard deviation of the noise, truncated at +-1, on the observed satisfaction; 0: satisfaction is hidden
        observation_noise_stddev = number("user.observation_noise_stddev", 0.0, Bounds::between(0.0, MAX_OBSERVATION_NOISE))
            .from_source("RecSim's tutorial \"Developing an environment\""),
        /// Probability that untruncated noise falls below the lower limit.
        observation_noise_below,
    }
}

keys! {
    /// The keys of the documents.
    pub struct DocumentKeys {
        /// the documents when resample_documents = false; absent: drawn once from the seed
        corpus: Option<Corpus> = corpus("document.corpus", &[
            Column::number("clickbait_score", Bounds::UNIT),
            Column::index("cluster_id").optional(),
        ]),
        /// clusters that documents fall into; 0 for none
        num_clusters: u32 = integer("document.num_clusters", 0, 0, 4096)
            .in_unit("clusters")
            .from_source("RecSim's tutorial \"Developing an environment\""),
    }
}

twin_struct! {
    /// A user: net positive exposure, satisfaction in (0, 1), and the steps left.
    pub struct User {
        /// Net positive exposure: the discounted sum of how much kale was shown.
        exposure: N,
        /// Satisfaction, sigmoid(sensitivity * exposure).
        satisfaction: N,
        /// Steps left.
        time_budget: N,
    }
}

twin_struct! {
    /// A document: 0 is kale, 1 is chocolate.
    pub struct Document {
        /// How much the document is clickbait, in [0, 1).
        clickbait_score: N,
        /// The cluster, which has no influence; 0 if there are no clusters.
        cluster_id: Word,
    }
}

/// A user's response to a clicked document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response<N> {
    /// Engagement, not clipped.
    pub engagement: N,
}

/// The noise of a step, standard normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws<N> {
    /// Noise of the engagement.
    pub engagement: N,
    /// Noise of the exposure.
    pub innovation: N,
}

/// The host twin.
#[derive(Clone, Copy, Debug)]
pub struct LongTermSatisfaction<N> {
    /// The parameters of the user model.
    pub parameters: Parameters<N>,
    /// How many clusters documents fall into; 0 for none.
    pub num_clusters: u32,
    /// Whether the user's satisfaction is observed.
    pub is_observed: bool,
}

impl<N: Number> Environment<N> for LongTermSatisfaction<N> {
    type User = User<N>;
    type Document = Document<N>;
    type Response = Response<N>;
    type Draws = Draws<N>;

    fn new_user(&self) -> User<N> {
        User::zero()
    }

    fn new_document(&self) -> Document<N> {
        Document::zero()
    }

    #[inline(always)]
    fn sample_user(&self, random: &RandomWords<N::Word>, user: &mut User<N>) {
        let parameters = &self.parameters;
        let draw = uniform::<N>(random.block(0)[0]);
        user.exposure = (draw - N::splat(0.5)) / (N::splat(1.0) - parameters.memory_discount);
        user.satisfaction = (parameters.sensitivity * user.exposure).sigmoid();
        user.time_budget = parameters.time_budget;
    }

    #[inline(always)]
    fn sample_document(
        &self,
        _candidate: N::Word,
        random: &RandomWords<N::Word>,
        document: &mut Document<N>,
    ) {
        let words = random.block(0);
        document.clickbait_score = uniform::<N>(words[0]);
        if self.num_clusters > 0 {
            document.cluster_id = bounded_integer(words[1], N::Word::splat(self.num_clusters));
        }
    }

    #[inline(always)]
    fn draw(&self, words: [N::Word; 2], _random: &RandomWords<N::Word>) -> Draws<N> {
        let (engagement, innovation) = normal_pair::<N>(words[0], words[1]);
        Draws {
            engagement,
            innovation,
        }
    }

    #[inline(always)]
    fn score(&self, _user: &User<N>, document: &Document<N>) -> N {
        N::splat(1.0) - document.clickbait_score
    }

    #[inline(always)]
    fn respond(&self, user: &User<N>, document: &Document<N>, draws: &Draws<N>) -> Response<N> {
        let parameters = &self.parameters;
        let choc = document.clickbait_score;
        let kale = N::splat(1.0) - choc;
        let mean = (choc * parameters.choc_mean + kale * parameters.kale_mean) * user.satisfaction;
        let stddev = choc * parameters.choc_stddev + kale * parameters.kale_stddev;
        Response {
            engagement: log_normal(mean, stddev, draws.engagement),
        }
    }

    #[inline(always)]
    fn transition(
        &self,
        user: &mut User<N>,
        document: &Document<N>,
        _response: &Response<N>,
        _weight: N,
        clicked: N::Mask,
        draws: &Draws<N>,
    ) {
        let parameters = &self.parameters;
        let one = N::splat(1.0);
        let exposure = parameters.memory_discount * user.exposure
            - N::splat(2.0) * (document.clickbait_score - N::splat(0.5))
            + parameters.innovation_stddev * draws.innovation;
        // Without a click only the time budget changes.
        user.exposure = N::select(clicked, exposure, user.exposure);
        user.satisfaction = (parameters.sensitivity * user.exposure).sigmoid();
        user.time_budget = user.time_budget - one;
    }

    #[inline(always)]
    fn is_terminal(&self, user: &User<N>) -> N::Mask {
        user.time_budget.at_most(N::splat(0.0))
    }

    #[inline(always)]
    fn reward(&self, response: &Response<N>) -> N {
        response.engagement
    }

    #[inline(always)]
    fn topic(&self, document: &Document<N>) -> N::Word {
        document.cluster_id
    }

    #[inline(always)]
    fn observe_user(&self, user: &User<N>, random: &RandomWords<N::Word>, observation: &mut [N]) {
        if self.is_observed {
            let parameters = &self.parameters;
            let below = parameters.observation_noise_below;
            let draw = uniform::<N>(random.block(0)[0]);
            let noise = truncated_normal(draw, below, N::splat(1.0) - below);
            observation[0] = user.satisfaction + parameters.observation_noise_stddev * noise;
        }
    }

    #[inline(always)]
    fn observe_document(&self, document: &Document<N>, observation: &mut [N]) {
        observation[0] = document.clickbait_score;
        if self.num_clusters > 0 {
            observation[1] = N::from_word(document.cluster_id);
        }
    }

    #[inline(always)]
    fn observe_response(
        &self,
        document: &Document<N>,
        response: &Response<N>,
        clicked: N::Mask,
        observation: &mut [N],
    ) {
        let zero = N::splat(0.0);
        observation[0] = N::select(clicked, N::splat(1.0), zero);
        if self.num_clusters > 0 {
            // The tutorial's variant does not clip the observed engagement.
            observation[1] = N::select(clicked, response.engagement, zero);
            observation[2] = N::from_word(document.cluster_id);
        } else {
            observation[1] = N::select(
                clicked,
                response.engagement.min(N::splat(MAX_OBSERVED_ENGAGEMENT)),
                zero,
            );
        }
    }
}

/// The environment with its parameters.
#[derive(Clone, Debug)]
pub struct LongTermSatisfactionDefinition {
    parameters: Parameters<f64>,
    num_clusters: u32,
}

/// The name in configurations.
pub const NAME: &str = "long_term_satisfaction";
/// A description in one line.
pub const ABOUT: &str =
    "documents between kale and clickbait, and a user whose satisfaction follows the diet";

/// Refuses a sensitivity so large that rounding errors of the exposure, a sum in single precision, become visible in the
/// satisfaction.
fn check_sensitivity(settings: &Settings, parameters: &Parameters<f64>) -> Result<(), ConfigError> {
    let innovation = super::LARGEST_NORMAL * parameters.innovation_stddev;
    let largest_exposure = (1.0 + innovation) / (1.0 - parameters.memory_discount);
    let most = LARGEST_SLOPE / largest_exposure;
    if parameters.sensitivity.abs() > most {
        let allowed = format!(
            "within {most:.4e} of 0 where exposures reach {largest_exposure:.4e}: single precision resolves {LARGEST_SLOPE} times \
             what satisfaction rises over"
        );
        return Err(settings.invalid(Parameters::sensitivity, allowed));
    }
    Ok(())
}

impl Definition for LongTermSatisfactionDefinition {
    type Twin<N: Number> = LongTermSatisfaction<N>;

    fn entry() -> Entry {
        let keys = [Parameters::declared(), DocumentKeys::declared()];
        Entry::environment(NAME, ABOUT, keys.concat())
    }

    fn specimens() -> Vec<Specimen> {
        specimens::specimens()
    }

    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let parameters = Parameters::read(settings);
        check_sensitivity(settings, &parameters)?;
        let engagements = [
            (
                [Parameters::choc_mean, Parameters::choc_stddev],
                [parameters.choc_mean, parameters.choc_stddev],
            ),
            (
                [Parameters::kale_mean, Parameters::kale_stddev],
                [parameters.kale_mean, parameters.kale_stddev],
            ),
        ];
        for (keys, [mean, stddev]) in engagements {
            // The mean is multiplied by the satisfaction, which lies between 0 and 1.
            super::check_log_normal(settings, keys, [mean, stddev], MAX_LOG)?;
            super::check_log_normal(settings, keys, [0.0, stddev], MAX_LOG)?;
        }
        let DocumentKeys {
            corpus,
            num_clusters,
        } = DocumentKeys::read(settings);
        if let Some(corpus) = corpus {
            super::check_topics(settings, &corpus, num_clusters.max(1) as usize)?;
        }
        let noise = parameters.observation_noise_stddev;
        let observation_noise_below = if noise > 0.0 {
            normal_probability(-OBSERVATION_NOISE_LIMIT / noise)
        } else {
            0.0
        };
        Ok(Self {
            parameters: Parameters {
                observation_noise_below,
                ..parameters
            },
            num_clusters,
        })
    }

    fn choices() -> Choices {
        ChoiceModels::of(&[first::NAME, multinomial_logit::NAME]).into()
    }

    fn twin<N: Number>(&self) -> LongTermSatisfaction<N> {
        LongTermSatisfaction {
            parameters: self.parameters.map(N::splat),
            num_clusters: self.num_clusters,
            is_observed: self.parameters.observation_noise_stddev > 0.0,
        }
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.parameters.named()
    }

    fn shader(&self) -> ShaderSource {
        crate::shader::embedded!("environment", "environment/long_term_satisfaction.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::from([
            (
                "NUM_CLUSTERS".to_owned(),
                ShaderDef::UInt(self.num_clusters),
            ),
            (
                "HAS_CLUSTERS".to_owned(),
                ShaderDef::Bool(self.num_clusters > 0),
            ),
        ])
    }

    fn misfit_of_user(&self, fields: &[f64]) -> Option<String> {
        let satisfaction = *fields.get(1)?;
        if !(0.0..=1.0).contains(&satisfaction) {
            return Some(format!(
                "`satisfaction` is {satisfaction}, allowed is a number from 0 to 1"
            ));
        }
        let budget = *fields.get(2)?;
        (!(0.0..=MAX_TIME_BUDGET).contains(&budget)).then(|| {
            format!("`time_budget` is {budget}, allowed is a number from 0 to {MAX_TIME_BUDGET}")
        })
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the budget is at most 2^24"
    )]
    fn outline(&self) -> Outline {
        let mut document = vec![Observable::number("clickbait_score", 0.0, 1.0)];
        let engagement = if self.num_clusters > 0 {
            f64::INFINITY
        } else {
            MAX_OBSERVED_ENGAGEMENT
        };
        let mut response = vec![
            Observable::discrete("click", 2),
            Observable::number("engagement", 0.0, engagement),
        ];
        if self.num_clusters > 0 {
            document.push(Observable::discrete("cluster_id", self.num_clusters));
            response.push(Observable::discrete("cluster_id", self.num_clusters));
        }
        let user = (self.parameters.observation_noise_stddev > 0.0)
            .then(|| Observable::number("satisfaction", -2.0, 2.0));
        Outline {
            document_blocks: 1,
            num_topics: self.num_clusters,
            has_quality: false,
            horizon: Some(self.parameters.time_budget.ceil() as u32),
            user: user.into_iter().collect(),
            document,
            response,
        }
    }
}
