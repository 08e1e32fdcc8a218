// Test MDP: six states and four actions, known to the last digit.
//
//     consumed    the first document of the slate, always: reward rewards[action][state]
//     then        state ~ transitions[action][state]
//
// Source: RecSim 0.2.4. Twin: src/environment/test_mdp.rs. The tables are the cumulative probabilities of the first
// state, the rewards, and the cumulative probabilities of the next state, row by row.

#import slatesim::rng::{RandomWords, random_block}
#import slatesim::distribution
#import slatesim::tables

const STATES: u32 = 6u;
const ACTIONS: u32 = 4u;
// Where the tables begin.
const START: u32 = 0u;
const REWARDS: u32 = STATES;
const TRANSITIONS: u32 = REWARDS + ACTIONS * STATES;

struct Parameters {
    unused: f32,
}

struct User {
    state: u32,
}

struct Document {
    action: u32,
}

struct Response {
    reward: f32,
}

struct Draws {
    next: f32,
}

// Returns the row of an action in a state, in the tables by action and state. Numbers beyond the last, set from outside, count
// as the last.
fn place(action: u32, state: u32) -> u32 {
    return min(action, ACTIONS - 1u) * STATES + min(state, STATES - 1u);
}

// Draws a state from the cumulative probabilities that begin at a place of the tables.
fn categorical(draw: f32, begin: u32) -> u32 {
    var state = 0u;
    for (var entry = 0u; entry < STATES - 1u; entry++) {
        state = distribution::categorical_step(state, draw, tables::table(begin + entry));
    }
    return state;
}

fn sample_user(parameters: Parameters, random: RandomWords) -> User {
    return User(categorical(distribution::uniform(random_block(random, 0u).x), START));
}

fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document {
    return Document(candidate & (ACTIONS - 1u));
}

fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws {
    return Draws(distribution::uniform(words.x));
}

// The first document is consumed whatever its score.
fn score(parameters: Parameters, user: User, document: Document) -> f32 {
    return 1.0;
}

fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response {
    return Response(tables::table(REWARDS + place(document.action, user.state)));
}

fn transition(parameters: Parameters, before: User, document: Document, response: Response, weight: f32, clicked: bool, draws: Draws) -> User {
    let row = place(document.action, before.state) * STATES;
    return User(categorical(draws.next, TRANSITIONS + row));
}

fn is_terminal(parameters: Parameters, user: User) -> bool {
    return false;
}

fn reward(parameters: Parameters, response: Response) -> f32 {
    return response.reward;
}

fn observe_user(parameters: Parameters, user: User, random: RandomWords) -> array<f32, #{USER_SIZE}> {
    return array<f32, #{USER_SIZE}>(f32(user.state));
}

fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}> {
    return array<f32, #{DOCUMENT_SIZE}>(f32(document.action));
}

fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> array<f32, #{RESPONSE_SIZE}> {
    return array<f32, #{RESPONSE_SIZE}>(select(0.0, response.reward, clicked));
}
