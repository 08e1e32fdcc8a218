// Interest evolution: users watch videos of topics that they come to like more or less, as long as their time lasts.
//
//     score        u . d
//     on a click   watch_time w = min(budget, length)
//                  step    a_j = y - (y / x) |u_j|,  D_j = a_j d_j (d_j - u_j),  p = sum_j d_j (u_j + 1) / 2
//                  u <- u + D with probability p, else u - D, within [-1, 1]
//                  budget <- budget - w + user_update_alpha w (user_quality_factor E + document_quality_factor quality)
//     otherwise    budget <- budget - step_penalty
//
// Source: RecSim 0.2.4. Twin: src/environment/interest_evolution.rs, which has the formulas in full. Defs: NUM_FEATURES;
// HAS_FREE_FEATURES, without which they are the one-hot vector of the topic. The tables are the topics' mean qualities.

#import slatesim::rng::{RandomWords, random_block}
#import slatesim::compensated::opaque
#import slatesim::distribution
#import slatesim::tables

// 2^-100.
const LEAST_TIME: f32 = 7.888609e-31;
const MAX_VIDEO_LENGTH: f32 = 100.0;

struct Parameters {
    time_budget: f32,
    step_penalty: f32,
    user_quality_factor: f32,
    document_quality_factor: f32,
    user_update_alpha: f32,
    alpha_x_intercept: f32,
    alpha_y_intercept: f32,
    quality_stddev: f32,
    video_length: f32,
    video_length_std: f32,
    min_feature_value: f32,
    max_feature_value: f32,
}

struct User {
    user_interests: array<f32, #{NUM_FEATURES}>,
    time_budget: f32,
    // The rounding error of it: the time left is the sum of both.
    time_budget_rest: f32,
}

struct Document {
    cluster_id: u32,
    quality: f32,
    video_length: f32,
#ifdef HAS_FREE_FEATURES
    features: array<f32, #{NUM_FEATURES}>,
#endif
}

struct Response {
    watch_time: f32,
}

struct Draws {
    flip: f32,
}

fn sample_user(parameters: Parameters, random: RandomWords) -> User {
    var user: User;
    for (var block = 0u; 4u * block < #{NUM_FEATURES}u; block++) {
        var words = random_block(random, block);
        for (var word = 0u; word < min(4u, #{NUM_FEATURES}u - 4u * block); word++) {
            user.user_interests[4u * block + word] = 2.0 * distribution::uniform(words[word]) - 1.0;
        }
    }
    user.time_budget = parameters.time_budget;
    user.time_budget_rest = 0.0;
    return user;
}

fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document {
    var document: Document;
    let words = random_block(random, 0u);
#ifdef HAS_FREE_FEATURES
    let normal = distribution::normal_pair(words.x, words.y).x;
    let length = parameters.video_length + parameters.video_length_std * normal;
    document.video_length = min(length, MAX_VIDEO_LENGTH);
    document.quality = 1.0;
    let range = parameters.max_feature_value - parameters.min_feature_value;
    for (var block = 0u; 4u * block < #{NUM_FEATURES}u; block++) {
        var feature_words = random_block(random, 1u + block);
        for (var word = 0u; word < min(4u, #{NUM_FEATURES}u - 4u * block); word++) {
            let draw = distribution::uniform(feature_words[word]);
            document.features[4u * block + word] = parameters.min_feature_value + range * draw;
        }
    }
#else
    document.cluster_id = distribution::bounded_integer(words.x, #{NUM_FEATURES}u);
    let normal = distribution::normal_pair(words.y, words.z).x;
    document.quality = tables::table(document.cluster_id) + parameters.quality_stddev * normal;
    document.video_length = parameters.video_length;
#endif
    return document;
}

fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws {
    return Draws(distribution::uniform(words.x));
}

fn score(parameters: Parameters, given: User, given_document: Document) -> f32 {
    var user = given;
#ifdef HAS_FREE_FEATURES
    var document = given_document;
    var sum = 0.0;
    for (var feature = 0u; feature < #{NUM_FEATURES}u; feature++) {
        sum = sum + user.user_interests[feature] * document.features[feature];
    }
    return sum;
#else
    return user.user_interests[min(given_document.cluster_id, #{NUM_FEATURES}u - 1u)];
#endif
}

fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response {
    let time = vec2<f32>(user.time_budget, user.time_budget_rest);
    let length = document.video_length;
    return Response(select(length, time.x + time.y, ends_within(time, length)));
}

// Subtracts a number from a sum of two numbers, the second of which holds the rounding error of the first.
fn minus(time: vec2<f32>, taken: f32) -> vec2<f32> {
    let rounded = opaque(time.x - taken);
    let part = opaque(rounded - time.x);
    let error = opaque(time.x - opaque(rounded - part)) - opaque(taken + part);
    let rest = opaque(time.y + error);
    let left = opaque(rounded + rest);
    return vec2<f32>(left, rest - opaque(left - rounded));
}

// Whether the time left, a sum of two numbers, ends within a video, exact to the last digit of both.
fn ends_within(time: vec2<f32>, length: f32) -> bool {
    return opaque(time.x - length) + time.y <= 0.0;
}

// The interest in one feature after a step towards the feature (positive) or away from it.
fn moved(parameters: Parameters, interest: f32, feature: f32, is_positive: bool) -> f32 {
    let x = parameters.alpha_x_intercept;
    let y = parameters.alpha_y_intercept;
    let step = (y - y / x * abs(interest)) * feature * (feature - interest);
    return min(max(interest + select(-step, step, is_positive), -1.0), 1.0);
}

fn transition(parameters: Parameters, before: User, given_document: Document, response: Response, weight: f32, clicked: bool, draws: Draws) -> User {
    var user = before;
    var document = given_document;
#ifdef HAS_FREE_FEATURES
    var p_positive = 0.0;
    for (var feature = 0u; feature < #{NUM_FEATURES}u; feature++) {
        p_positive = p_positive + document.features[feature] * (user.user_interests[feature] + 1.0) * 0.5;
    }
    let is_positive = draws.flip < p_positive;
    for (var feature = 0u; feature < #{NUM_FEATURES}u; feature++) {
        let interest = user.user_interests[feature];
        let after = moved(parameters, interest, document.features[feature], is_positive);
        user.user_interests[feature] = select(interest, after, clicked);
    }
#else
    let cluster = min(document.cluster_id, #{NUM_FEATURES}u - 1u);
    let interest = user.user_interests[cluster];
    let is_positive = draws.flip < (interest + 1.0) * 0.5;
    user.user_interests[cluster] = select(interest, moved(parameters, interest, 1.0, is_positive), clicked);
#endif
    let watch_time = response.watch_time;
    let utility = parameters.user_quality_factor * weight + parameters.document_quality_factor * document.quality;
    let bonus = parameters.user_update_alpha * watch_time * utility;
    let gain = parameters.user_update_alpha * utility;
    let time = vec2<f32>(before.time_budget, before.time_budget_rest);
    let is_all = ends_within(time, document.video_length) && time.x + time.y <= watch_time;
    let left = select(minus(time, watch_time), vec2<f32>(), is_all);
    let watched = minus(left, -bonus);
    let skipped = minus(time, parameters.step_penalty);
    let is_left = 0.0 < watched.x || (left.x <= 0.0 && 0.0 < gain);
    let watched_time = select(watched.x, max(watched.x, LEAST_TIME), is_left);
    user.time_budget = select(skipped.x, watched_time, clicked);
    user.time_budget_rest = select(skipped.y, watched.y, clicked);
    return user;
}

fn is_terminal(parameters: Parameters, user: User) -> bool {
    return user.time_budget <= 0.0;
}

fn reward(parameters: Parameters, response: Response) -> f32 {
    return response.watch_time;
}

fn topic(parameters: Parameters, document: Document) -> u32 {
    return document.cluster_id;
}

fn quality(parameters: Parameters, document: Document) -> f32 {
    return document.quality;
}

fn observe_user(parameters: Parameters, user: User, random: RandomWords) -> array<f32, #{USER_SIZE}> {
    return user.user_interests;
}

fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}> {
#ifdef HAS_FREE_FEATURES
    return document.features;
#else
    var observation: array<f32, #{DOCUMENT_SIZE}>;
    observation[min(document.cluster_id, #{NUM_FEATURES}u - 1u)] = 1.0;
    return observation;
#endif
}

fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> array<f32, #{RESPONSE_SIZE}> {
    var observation: array<f32, #{RESPONSE_SIZE}>;
    observation[0] = select(0.0, 1.0, clicked);
    observation[1] = select(0.0, response.watch_time, clicked);
    // RecSim has the field `liked` but never sets it.
    observation[2] = 0.0;
    observation[3] = document.quality;
#ifndef HAS_FREE_FEATURES
    observation[4] = f32(document.cluster_id);
#endif
    return observation;
}
