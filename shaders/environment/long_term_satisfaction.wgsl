// Long-term satisfaction: documents between kale and chocolate, and a user whose satisfaction follows the diet.
//
//     engagement   exp((c choc_mean + (1 - c) kale_mean) s + (c choc_stddev + (1 - c) kale_stddev) z)
//     transition   exposure <- memory_discount * exposure - 2 (c - 1/2) + innovation_stddev * z'
//     satisfaction s = sigmoid(sensitivity * exposure)
//
// Source: RecSim 0.2.4. Twin: src/environment/long_term_satisfaction.rs, which has the formulas in full.
// Defs: NUM_CLUSTERS, HAS_CLUSTERS, and the sizes that the host sets for every environment.

#import slatesim::rng::{RandomWords, random_block}
#import slatesim::math
#import slatesim::distribution

const MAX_OBSERVED_ENGAGEMENT: f32 = 100.0;

struct Parameters {
    memory_discount: f32,
    sensitivity: f32,
    innovation_stddev: f32,
    choc_mean: f32,
    choc_stddev: f32,
    kale_mean: f32,
    kale_stddev: f32,
    time_budget: f32,
    observation_noise_stddev: f32,
    observation_noise_below: f32,
}

struct User {
    exposure: f32,
    satisfaction: f32,
    time_budget: f32,
}

struct Document {
    clickbait_score: f32,
    cluster_id: u32,
}

struct Response {
    engagement: f32,
}

struct Draws {
    engagement: f32,
    innovation: f32,
}

fn sample_user(parameters: Parameters, random: RandomWords) -> User {
    var user: User;
    let draw = distribution::uniform(random_block(random, 0u).x);
    user.exposure = (draw - 0.5) / (1.0 - parameters.memory_discount);
    user.satisfaction = math::sigmoid(parameters.sensitivity * user.exposure);
    user.time_budget = parameters.time_budget;
    return user;
}

fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document {
    var document: Document;
    let words = random_block(random, 0u);
    document.clickbait_score = distribution::uniform(words.x);
    document.cluster_id = distribution::bounded_integer(words.y, #{NUM_CLUSTERS}u);
    return document;
}

fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws {
    let pair = distribution::normal_pair(words.x, words.y);
    return Draws(pair.x, pair.y);
}

fn score(parameters: Parameters, user: User, document: Document) -> f32 {
    return 1.0 - document.clickbait_score;
}

fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response {
    let choc = document.clickbait_score;
    let kale = 1.0 - choc;
    let mean = (choc * parameters.choc_mean + kale * parameters.kale_mean) * user.satisfaction;
    let stddev = choc * parameters.choc_stddev + kale * parameters.kale_stddev;
    return Response(distribution::log_normal(mean, stddev, draws.engagement));
}

fn transition(parameters: Parameters, before: User, document: Document, response: Response, weight: f32, clicked: bool, draws: Draws) -> User {
    var user = before;
    let exposure = parameters.memory_discount * user.exposure
        - 2.0 * (document.clickbait_score - 0.5)
        + parameters.innovation_stddev * draws.innovation;
    // Without a click only the time budget changes.
    user.exposure = select(user.exposure, exposure, clicked);
    user.satisfaction = math::sigmoid(parameters.sensitivity * user.exposure);
    user.time_budget = user.time_budget - 1.0;
    return user;
}

fn is_terminal(parameters: Parameters, user: User) -> bool {
    return user.time_budget <= 0.0;
}

fn reward(parameters: Parameters, response: Response) -> f32 {
    return response.engagement;
}

fn topic(parameters: Parameters, document: Document) -> u32 {
    return document.cluster_id;
}

fn observe_user(parameters: Parameters, user: User, random: RandomWords) -> array<f32, #{USER_SIZE}> {
    var observation: array<f32, #{USER_SIZE}>;
    let below = parameters.observation_noise_below;
    let draw = distribution::uniform(random_block(random, 0u).x);
    let noise = distribution::truncated_normal(draw, below, 1.0 - below);
    observation[0] = user.satisfaction + parameters.observation_noise_stddev * noise;
    return observation;
}

fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}> {
    var observation: array<f32, #{DOCUMENT_SIZE}>;
    observation[0] = document.clickbait_score;
#ifdef HAS_CLUSTERS
    observation[1] = f32(document.cluster_id);
#endif
    return observation;
}

fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> array<f32, #{RESPONSE_SIZE}> {
    var observation: array<f32, #{RESPONSE_SIZE}>;
    observation[0] = select(0.0, 1.0, clicked);
#ifdef HAS_CLUSTERS
    // The tutorial's variant does not clip the observed engagement.
    observation[1] = select(0.0, response.engagement, clicked);
    observation[2] = f32(document.cluster_id);
#else
    observation[1] = select(0.0, min(response.engagement, MAX_OBSERVED_ENGAGEMENT), clicked);
#endif
    return observation;
}
