// One step of one user: twin of `Driver::take_step` in src/backend/lanes/driver.rs.
// Defs: NUM_SHOWN, the positions of the slate that are looked at; NUM_CONSIDERED, those that the user considers;
// CAN_BE_SHORT where slates from outside may end before that.

#define_import_path slatesim::drive

#import slatesim::rng::{Stream, RandomWords, ENVIRONMENT, USER}
#import slatesim::distribution
#import slatesim::candidates
#import environment
#import choice

// Rust: `ABSENT` in src/choice/mod.rs.
const ABSENT: f32 = -1e30;

// The outcome of a step.
struct Stepped {
    reward: f32,
    // What layers have charged for the slate: layers and policy below them observe a reward that is less by so much.
    penalty: f32,
    chosen: u32,
    clicked: bool,
    // Whether the choice model could take the scores as they are; meaningless for short slates.
    is_valid: bool,
    user: environment::User,
    response: environment::Response,
    documents: array<environment::Document, #{NUM_SHOWN}>,
}

fn sample_user(stream: Stream) -> environment::User {
    return environment::sample_user(candidates::environment_parameters, RandomWords(stream, USER, 0u));
}

// Shows a slate; `step_words` are the words STEP of the stream. The documents are drawn from another stream where users share
// them. Of a slate that can be short the first `length` documents are shown.
fn take_step(
    stream: Stream,
    document_stream: Stream,
    step_words: vec4<u32>,
    given: array<u32, #{NUM_SHOWN}>,
    length: u32,
    user: environment::User,
) -> Stepped {
    let parameters = candidates::environment_parameters;
    var slate = given;
    var stepped: Stepped;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        stepped.documents[position] = candidates::document(document_stream, slate[position]);
    }
    var scores: array<f32, #{NUM_CONSIDERED}>;
#ifdef NEEDS_SCORES
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        scores[position] = environment::score(parameters, user, stepped.documents[position]);
    }
#endif
#ifdef CAN_BE_SHORT
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        scores[position] = select(ABSENT, scores[position], position < length);
    }
#endif
    let choice_parameters = candidates::choice_parameters;
    stepped.chosen = choice::choose(choice_parameters, scores, distribution::uniform(step_words.x));
#ifdef CAN_BE_SHORT
    // A model that always clicks gives the last position what rounding leaves over; of a short slate, that is the last
    // document shown.
    let is_within = stepped.chosen < #{NUM_CONSIDERED}u && 0u < length;
    stepped.chosen = select(#{NUM_CONSIDERED}u, min(stepped.chosen, length - 1u), is_within);
#endif
    stepped.is_valid = choice::are_valid(choice_parameters, scores);
    stepped.clicked = stepped.chosen < #{NUM_CONSIDERED}u;
    let clicked_position = select(0u, stepped.chosen, stepped.clicked);
    let clicked_document = stepped.documents[clicked_position];
    let weight = choice::weigh(choice_parameters, scores[clicked_position]);
    let draws = environment::draw(parameters, step_words.yz, RandomWords(stream, ENVIRONMENT, 0u));
    stepped.response = environment::respond(parameters, user, clicked_document, draws);
    stepped.reward = select(0.0, environment::reward(parameters, stepped.response), stepped.clicked);
    stepped.user = environment::transition(parameters, user, clicked_document, stepped.response, weight, stepped.clicked, draws);
    return stepped;
}
