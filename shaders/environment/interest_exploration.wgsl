// Interest exploration: users of hidden types like topics to different degrees, and never change.
//
//     user       type ~ type_distribution;  affinity[t] = exp(mean_affinity[type][t] + stddev_affinity[type][t] z_t)
//     document   topic ~ topic_distribution;  quality = exp(topic_quality_mean[topic] + topic_quality_stddev[topic] z)
//     score      affinity[topic] + quality
//
// Source: RecSim 0.2.4. Twin: src/environment/interest_exploration.rs. Defs: NUM_TYPES, NUM_TOPICS.

#import slatesim::rng::{RandomWords, random_block}
#import slatesim::distribution
#import slatesim::tables

// Where the tables begin; types and topics are cumulative shares.
const TYPES: u32 = 0u;
const TOPICS: u32 = #{NUM_TYPES}u;
const QUALITY_MEAN: u32 = TOPICS + #{NUM_TOPICS}u;
const QUALITY_STDDEV: u32 = QUALITY_MEAN + #{NUM_TOPICS}u;
const MEAN_AFFINITY: u32 = QUALITY_STDDEV + #{NUM_TOPICS}u;
const STDDEV_AFFINITY: u32 = MEAN_AFFINITY + #{NUM_TYPES}u * #{NUM_TOPICS}u;

struct Parameters {
    unused: f32,
}

struct User {
    affinity: array<f32, #{NUM_TOPICS}>,
    user_type: u32,
}

struct Document {
    quality: f32,
    cluster_id: u32,
}

struct Response {
    click: f32,
}

// A step has no noise.
struct Draws {
    unused: f32,
}

// Draws an index from `count` cumulative shares that begin at a place of the tables.
fn categorical(draw: f32, begin: u32, count: u32) -> u32 {
    var index = 0u;
    for (var entry = 0u; entry + 1u < count; entry++) {
        index = distribution::categorical_step(index, draw, tables::table(begin + entry));
    }
    return index;
}

fn sample_user(parameters: Parameters, random: RandomWords) -> User {
    var user: User;
    user.user_type = categorical(distribution::uniform(random_block(random, 0u).x), TYPES, #{NUM_TYPES}u);
    // A block has the normals of four topics.
    for (var block = 0u; 4u * block < #{NUM_TOPICS}u; block++) {
        let words = random_block(random, 1u + block);
        let first = distribution::normal_pair(words.x, words.y);
        let second = distribution::normal_pair(words.z, words.w);
        var normals = array<f32, 4>(first.x, first.y, second.x, second.y);
        for (var number = 0u; number < min(4u, #{NUM_TOPICS}u - 4u * block); number++) {
            let topic = 4u * block + number;
            let index = user.user_type * #{NUM_TOPICS}u + topic;
            let mean = tables::table(MEAN_AFFINITY + index);
            let stddev = tables::table(STDDEV_AFFINITY + index);
            user.affinity[topic] = distribution::log_normal(mean, stddev, normals[number]);
        }
    }
    return user;
}

fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document {
    var document: Document;
    let words = random_block(random, 0u);
    document.cluster_id = categorical(distribution::uniform(words.x), TOPICS, #{NUM_TOPICS}u);
    let normal = distribution::normal_pair(words.y, words.z).x;
    let mean = tables::table(QUALITY_MEAN + document.cluster_id);
    let stddev = tables::table(QUALITY_STDDEV + document.cluster_id);
    document.quality = distribution::log_normal(mean, stddev, normal);
    return document;
}

fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws {
    return Draws(0.0);
}

fn score(parameters: Parameters, given: User, document: Document) -> f32 {
    var user = given;
    return user.affinity[min(document.cluster_id, #{NUM_TOPICS}u - 1u)] + document.quality;
}

fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response {
    return Response(1.0);
}

fn transition(parameters: Parameters, user: User, document: Document, response: Response, weight: f32, clicked: bool, draws: Draws) -> User {
    // Users never change.
    return user;
}

fn is_terminal(parameters: Parameters, user: User) -> bool {
    return false;
}

fn reward(parameters: Parameters, response: Response) -> f32 {
    return response.click;
}

fn topic(parameters: Parameters, document: Document) -> u32 {
    return document.cluster_id;
}

fn quality(parameters: Parameters, document: Document) -> f32 {
    return document.quality;
}

fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}> {
    return array<f32, #{DOCUMENT_SIZE}>(document.quality, f32(document.cluster_id));
}

fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> array<f32, #{RESPONSE_SIZE}> {
    let click = select(0.0, response.click, clicked);
    return array<f32, #{RESPONSE_SIZE}>(click, document.quality, f32(document.cluster_id));
}
