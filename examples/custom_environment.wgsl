// Boredom: a topic that is clicked too often loses its appeal for a while. Twin: custom_environment.rs.
#import slatesim::rng::{RandomWords, random_block}
#import slatesim::distribution

struct Parameters { fade: f32, sensitivity: f32, session: f32 }
struct User { boredom: array<f32, #{NUM_TOPICS}>, steps_left: f32 }
struct Document { topic: u32, quality: f32 }
struct Response { click: f32 }
struct Draws { unused: f32 }

fn sample_user(parameters: Parameters, random: RandomWords) -> User {
    var user: User;
    user.steps_left = parameters.session;
    return user;
}

fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document {
    let words = random_block(random, 0u);
    let normals = distribution::normal_pair(words.y, words.z);
    return Document(distribution::bounded_integer(words.x, #{NUM_TOPICS}u), normals.x);
}

fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws { return Draws(0.0); }

fn score(parameters: Parameters, given: User, document: Document) -> f32 {
    var user = given;
    return document.quality - parameters.sensitivity * user.boredom[document.topic];
}

fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response { return Response(1.0); }

fn transition(parameters: Parameters, before: User, document: Document, response: Response, weight: f32, clicked: bool, draws: Draws) -> User {
    var user = before;
    for (var topic_index = 0u; topic_index < #{NUM_TOPICS}u; topic_index++) {
        let is_clicked = clicked && document.topic == topic_index;
        user.boredom[topic_index] = parameters.fade * user.boredom[topic_index] + select(0.0, 1.0, is_clicked);
    }
    user.steps_left = user.steps_left - 1.0;
    return user;
}

fn is_terminal(parameters: Parameters, user: User) -> bool { return user.steps_left <= 0.0; }
fn reward(parameters: Parameters, response: Response) -> f32 { return response.click; }
fn topic(parameters: Parameters, document: Document) -> u32 { return document.topic; }

fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}> {
    return array<f32, #{DOCUMENT_SIZE}>(f32(document.topic), document.quality);
}

fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> array<f32, #{RESPONSE_SIZE}> {
    return array<f32, #{RESPONSE_SIZE}>(select(0.0, response.click, clicked));
}
