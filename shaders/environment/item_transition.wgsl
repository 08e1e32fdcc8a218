// Item transition: the user moves from document to document, and the session ends at random.
//
//     accepted   with probability acceptance[s][d]: reward 1, s <- d, the session ends with probability p_exit_accepted
//     else       reward 0, s <- uniform over the documents, the session ends with probability p_exit_not_accepted
//
// Source: the RecSim and Catalyst tutorials. Twin: src/environment/item_transition.rs. Defs: NUM_CANDIDATES, the number
// of documents. The tables are the acceptance, row by row.

#import slatesim::rng::{RandomWords, random_block}
#import slatesim::distribution
#import slatesim::tables

struct Parameters {
    p_exit_accepted: f32,
    p_exit_not_accepted: f32,
}

struct User {
    document: u32,
    has_left: u32,
}

struct Document {
    document: u32,
}

struct Response {
    accept: f32,
}

struct Draws {
    exit: f32,
    jump: u32,
}

// Limits an index to existing documents: a state that was set from outside may hold any number.
fn existing(document: u32) -> u32 {
    return min(document, #{NUM_CANDIDATES}u - 1u);
}

fn sample_user(parameters: Parameters, random: RandomWords) -> User {
    return User(distribution::bounded_integer(random_block(random, 0u).x, #{NUM_CANDIDATES}u), 0u);
}

fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document {
    return Document(candidate);
}

fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws {
    return Draws(distribution::uniform(words.x), distribution::bounded_integer(words.y, #{NUM_CANDIDATES}u));
}

fn score(parameters: Parameters, user: User, document: Document) -> f32 {
    return tables::table(existing(user.document) * #{NUM_CANDIDATES}u + existing(document.document));
}

fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response {
    return Response(1.0);
}

fn transition(parameters: Parameters, before: User, document: Document, response: Response, weight: f32, clicked: bool, draws: Draws) -> User {
    var user = before;
    user.document = select(draws.jump, document.document, clicked);
    let p_exit = select(parameters.p_exit_not_accepted, parameters.p_exit_accepted, clicked);
    user.has_left = select(0u, 1u, draws.exit < p_exit);
    return user;
}

fn is_terminal(parameters: Parameters, user: User) -> bool {
    return user.has_left != 0u;
}

fn reward(parameters: Parameters, response: Response) -> f32 {
    return response.accept;
}

fn observe_user(parameters: Parameters, user: User, random: RandomWords) -> array<f32, #{USER_SIZE}> {
    return array<f32, #{USER_SIZE}>(f32(user.document));
}

fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}> {
    return array<f32, #{DOCUMENT_SIZE}>(f32(document.document));
}

fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> array<f32, #{RESPONSE_SIZE}> {
    return array<f32, #{RESPONSE_SIZE}>(select(0.0, response.accept, clicked));
}
