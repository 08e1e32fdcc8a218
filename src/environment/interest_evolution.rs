//! Interest evolution: users watch videos of topics that they come to like more or less, as long as their time lasts.
//!
//! ```text
//! user         interests u ~ U(-1, 1) each;  budget = time_budget
//! document     features d;  utility_model: topic ~ uniform, d = one-hot(topic), quality ~ Normal(mean[topic], 0.1),
//!              length = video_length;  distribution: d ~ U(min_feature_value, max_feature_value) each, quality = 1,
//!              length = min(Normal(video_length_mean, video_length_std), 100)
//! score        u . d
//! on a click   watch_time w = min(budget, length)
//!              step    a_j = y - (y / x) |u_j|,  D_j = a_j d_j (d_j - u_j),  p = sum_j d_j (u_j + 1) / 2
//!              u <- u + D with probability p, else u - D, within [-1, 1]
//!              budget <- budget - w + user_update_alpha w (user_quality_factor E + document_quality_factor quality)
//! otherwise    budget <- budget - step_penalty
//! ```
//!
//! with x, y = `alpha_x_intercept`, `alpha_y_intercept`, and E the choice model's weight of the clicked document alone. The
//! reward is w; the episode ends when the budget is used up. The mean qualities of T topics: floor(0.7 T) values spread
//! evenly from `min_utility` to 0, then floor(0.3 T) from 0 to `max_utility`. Twin:
//! `shaders/environment/interest_evolution.wgsl`.
//!
//! Watch time is limited by the budget, but the bonus is not: so a liked video can leave a little time, and the episode ends
//! with ever shorter watches. `RecSim` does the same.
//!
//! # Source
//! `RecSim` 0.2.4, `environments/interest_evolution.py`; Ie et al. (2019), "`SlateQ`", `arXiv` 1905.12767, which prints the
//! step with the opposite sign. The sign of the code is kept.

mod definition;
mod specimens;

use super::{Environment, RandomWords};
use crate::config::Bounds;
use crate::distribution::{bounded_integer, normal_pair, uniform};
use crate::number::{Number, Word};
use crate::{keys, parameters, twin_struct, words};
pub use definition::{DocumentKeys, InterestEvolutionDefinition};

/// The least time that is left after a video, unless none is left: 2^-100.
const LEAST_TIME: f64 = 1.0 / (1_u128 << 100) as f64;
/// The longest video that the distribution sampler makes.
const MAX_VIDEO_LENGTH: f64 = 100.0;

words! {
    /// How users and documents are drawn: `RecSim` has two samplers of each.
    #[derive(PartialEq, Eq)]
    pub enum Sampler {
        /// Documents of topics, whose mean qualities differ, and users who are made for them.
        UtilityModel = "utility_model",
        /// Documents of free features and equal quality, and users who are made for them.
        Distribution = "distribution",
    }
}

keys! {
    /// The key that selects the defaults of the user model.
    pub struct UserKeys {
        /// whose defaults users have
        sampler: Sampler = one_of("user.sampler", Sampler::UtilityModel),
    }
}

parameters! {
    /// The parameters of the user model and of the documents. The defaults are `RecSim` 0.2.4's, of either sampler.
    pub struct Parameters from "RecSim 0.2.4, IEvUserModel, UtilityModelUserSampler and IEvUserDistributionSampler" {
        /// time of a session
        time_budget = positive("user.time_budget", 200.0).in_unit("units of time")
            .default_when(UserKeys::sampler, Sampler::Distribution, 30.0),
        /// time that a slate without a click costs
        step_penalty = non_negative("user.step_penalty", 0.5).in_unit("units of time")
            .default_when(UserKeys::sampler, Sampler::Distribution, 1.0),
        /// weight of the choice model's score of the watched video in the time that it gives back
        user_quality_factor = number("user.user_quality_factor", 0.0, Bounds::MODERATE)
            .default_when(UserKeys::sampler, Sampler::Distribution, 1.0),
        /// weight of the quality of the watched video in the time that it gives back
        document_quality_factor = number("user.document_quality_factor", 1.0, Bounds::MODERATE),
        /// time given back by watch time and utility
        user_update_alpha = number("user.user_update_alpha", 0.9 / 3.4, Bounds::MODERATE)
            .default_when(UserKeys::sampler, Sampler::Distribution, 0.0),
        /// strength of interest at which it stands still
        alpha_x_intercept = positive("user.alpha_x_intercept", 1.0),
        /// how far an interest of 0 moves towards a watched video
        alpha_y_intercept = number("user.alpha_y_intercept", 0.3, Bounds::MODERATE),
        /// Standard deviation of the quality about its topic's mean.
        quality_stddev,
        /// Length of a video, or the mean of it.
        video_length,
        /// Standard deviation of the length; 0 for the utility model.
        video_length_std,
        /// Smallest feature of the distribution sampler.
        min_feature_value,
        /// Largest feature of the distribution sampler.
        max_feature_value,
    }
}

twin_struct! {
    /// A user: interests and time left.
    pub struct User {
        /// Interest in each feature, in [-1, 1].
        user_interests: Numbers,
        /// Time left.
        time_budget: N,
        /// The rounding error of it: the time left is the sum of both.
        time_budget_rest: N,
    }
}

twin_struct! {
    /// A document.
    pub struct Document {
        /// The topic; 0 where features are free.
        cluster_id: Word,
        /// How good it is.
        quality: N,
        /// How long it is.
        video_length: N,
        /// The features where they are free; none where they follow from the topic.
        features: Numbers,
    }
}

/// A user's response to a clicked document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response<N> {
    /// How long the user watches it.
    pub watch_time: N,
}

/// The noise of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws<N> {
    /// Uniform: if it is below p, the interests move towards the document.
    pub flip: N,
}

/// The host twin.
#[derive(Clone, Debug)]
pub struct InterestEvolution<N: Number> {
    /// The parameters of the user model and of the documents.
    pub parameters: Parameters<N>,
    /// How many features there are; also the number of topics, where features follow from the topic.
    pub num_features: u32,
    /// Whether features are drawn freely, rather than following from a topic.
    pub has_free_features: bool,
    /// Mean quality of each topic; empty where features are free.
    pub topic_quality_mean: Vec<N::Element>,
}

/// Subtracts a number from a sum of two numbers, the second of which holds the rounding error of the first.
///
/// Time is counted down by lengths and penalties such as 0.1 that are no multiples of each other. A single number in single
/// precision would be off by more than the last penalty after some thousand steps, and sessions would end sooner or later than
/// in double precision. (Two-sum: Knuth, "The Art of Computer Programming", volume 2, section 4.2.2.)
#[inline(always)]
fn minus<N: Number>((time, rest): (N, N), taken: N) -> (N, N) {
    let rounded = time - taken;
    let part = rounded - time;
    let error = (time - (rounded - part)) - (taken + part);
    let rest = rest + error;
    let left = rounded + rest;
    (left, rest - (left - rounded))
}

/// Tells whether the time left, a sum of two numbers, ends within a video, exact to the last digit of both.
#[inline(always)]
fn ends_within<N: Number>((time, rest): (N, N), length: N) -> N::Mask {
    ((time - length) + rest).at_most(N::splat(0.0))
}

/// Returns the interest in one feature after a step towards the feature (positive) or away from it.
#[inline(always)]
fn moved<N: Number>(
    parameters: &Parameters<N>,
    interest: N,
    feature: N,
    is_positive: N::Mask,
) -> N {
    let (x, y) = (parameters.alpha_x_intercept, parameters.alpha_y_intercept);
    let step = (y - y / x * interest.abs()) * feature * (feature - interest);
    let moved = interest + N::select(is_positive, step, -step);
    moved.max(N::splat(-1.0)).min(N::splat(1.0))
}

impl<N: Number> Environment<N> for InterestEvolution<N> {
    type User = User<N>;
    type Document = Document<N>;
    type Response = Response<N>;
    type Draws = Draws<N>;

    fn new_user(&self) -> User<N> {
        User {
            user_interests: vec![N::splat(0.0); self.num_features as usize],
            ..User::zero()
        }
    }

    fn new_document(&self) -> Document<N> {
        let num_free = if self.has_free_features {
            self.num_features
        } else {
            0
        };
        Document {
            features: vec![N::splat(0.0); num_free as usize],
            ..Document::zero()
        }
    }

    #[inline(always)]
    fn sample_user(&self, random: &RandomWords<N::Word>, user: &mut User<N>) {
        for block in 0..self.num_features.div_ceil(4) {
            let words = random.block(block);
            for (feature, word) in (4 * block..self.num_features).zip(words) {
                let draw = uniform::<N>(word);
                user.user_interests[feature as usize] = N::splat(2.0) * draw - N::splat(1.0);
            }
        }
        user.time_budget = self.parameters.time_budget;
        user.time_budget_rest = N::splat(0.0);
    }

    #[inline(always)]
    fn sample_document(
        &self,
        _candidate: N::Word,
        random: &RandomWords<N::Word>,
        document: &mut Document<N>,
    ) {
        let parameters = &self.parameters;
        let words = random.block(0);
        if self.has_free_features {
            let (normal, _) = normal_pair::<N>(words[0], words[1]);
            let length = parameters.video_length + parameters.video_length_std * normal;
            document.video_length = length.min(N::splat(MAX_VIDEO_LENGTH));
            document.quality = N::splat(1.0);
            let range = parameters.max_feature_value - parameters.min_feature_value;
            for block in 0..self.num_features.div_ceil(4) {
                let words = random.block(1 + block);
                for (feature, word) in (4 * block..self.num_features).zip(words) {
                    let draw = uniform::<N>(word);
                    document.features[feature as usize] =
                        parameters.min_feature_value + range * draw;
                }
            }
        } else {
            document.cluster_id = bounded_integer(words[0], N::Word::splat(self.num_features));
            let (normal, _) = normal_pair::<N>(words[1], words[2]);
            let mean = N::gather(&self.topic_quality_mean, document.cluster_id);
            document.quality = mean + parameters.quality_stddev * normal;
            document.video_length = parameters.video_length;
        }
    }

    #[inline(always)]
    fn draw(&self, words: [N::Word; 2], _random: &RandomWords<N::Word>) -> Draws<N> {
        Draws {
            flip: uniform(words[0]),
        }
    }

    #[inline(always)]
    fn score(&self, user: &User<N>, document: &Document<N>) -> N {
        if !self.has_free_features {
            return N::pick(&user.user_interests, document.cluster_id);
        }
        let mut score = N::splat(0.0);
        for feature in 0..self.num_features as usize {
            score = score + user.user_interests[feature] * document.features[feature];
        }
        score
    }

    #[inline(always)]
    fn respond(&self, user: &User<N>, document: &Document<N>, _draws: &Draws<N>) -> Response<N> {
        let time = (user.time_budget, user.time_budget_rest);
        let length = document.video_length;
        Response {
            watch_time: N::select(ends_within(time, length), time.0 + time.1, length),
        }
    }

    #[inline(always)]
    fn transition(
        &self,
        user: &mut User<N>,
        document: &Document<N>,
        response: &Response<N>,
        weight: N,
        clicked: N::Mask,
        draws: &Draws<N>,
    ) {
        let parameters = &self.parameters;
        let (half, one) = (N::splat(0.5), N::splat(1.0));
        if self.has_free_features {
            let mut p_positive = N::splat(0.0);
            for feature in 0..self.num_features as usize {
                let interest = user.user_interests[feature];
                p_positive = p_positive + document.features[feature] * (interest + one) * half;
            }
            let is_positive = draws.flip.less_than(p_positive);
            for feature in 0..self.num_features as usize {
                let interest = user.user_interests[feature];
                let moved = moved(
                    parameters,
                    interest,
                    document.features[feature],
                    is_positive,
                );
                user.user_interests[feature] = N::select(clicked, moved, interest);
            }
        } else {
            let interest = N::pick(&user.user_interests, document.cluster_id);
            let is_positive = draws.flip.less_than((interest + one) * half);
            let moved = moved(parameters, interest, one, is_positive);
            N::put(
                &mut user.user_interests,
                document.cluster_id,
                clicked,
                moved,
            );
        }
        let watch_time = response.watch_time;
        let utility = parameters.user_quality_factor * weight
            + parameters.document_quality_factor * document.quality;
        let bonus = parameters.user_update_alpha * watch_time * utility;
        let gain = parameters.user_update_alpha * utility;
        let zero = N::splat(0.0);
        let before = (user.time_budget, user.time_budget_rest);
        // A user who watches until the budget ends has exactly none left.
        let is_all =
            ends_within(before, document.video_length) & (before.0 + before.1).at_most(watch_time);
        let rest = minus(before, watch_time);
        let left = (
            N::select(is_all, zero, rest.0),
            N::select(is_all, zero, rest.1),
        );
        let watched = minus(left, -bonus);
        let skipped = minus(before, parameters.step_penalty);
        // `RecSim` gives back time that it has not taken (quirk E3), so the time left only shrinks by a factor at each step. In
        // double precision that goes on for seven times as many steps before it becomes 0; the floor is negligible as time and
        // as reward.
        let is_left = zero.less_than(watched.0) | (left.0.at_most(zero) & zero.less_than(gain));
        let floor = N::splat(LEAST_TIME);
        let watched_time = N::select(is_left, watched.0.max(floor), watched.0);
        user.time_budget = N::select(clicked, watched_time, skipped.0);
        user.time_budget_rest = N::select(clicked, watched.1, skipped.1);
    }

    #[inline(always)]
    fn is_terminal(&self, user: &User<N>) -> N::Mask {
        user.time_budget.at_most(N::splat(0.0))
    }

    #[inline(always)]
    fn reward(&self, response: &Response<N>) -> N {
        response.watch_time
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
    fn observe_user(&self, user: &User<N>, _random: &RandomWords<N::Word>, observation: &mut [N]) {
        observation[..self.num_features as usize].copy_from_slice(&user.user_interests);
    }

    #[inline(always)]
    fn observe_document(&self, document: &Document<N>, observation: &mut [N]) {
        for feature in 0..self.num_features {
            observation[feature as usize] = if self.has_free_features {
                document.features[feature as usize]
            } else {
                let is_topic = document.cluster_id.equals(N::Word::splat(feature));
                N::select(is_topic, N::splat(1.0), N::splat(0.0))
            };
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
        observation[1] = N::select(clicked, response.watch_time, zero);
        // `RecSim` has the field but never sets it.
        observation[2] = zero;
        observation[3] = document.quality;
        if !self.has_free_features {
            observation[4] = N::from_word(document.cluster_id);
        }
    }
}

#[cfg(test)]
mod tests;
