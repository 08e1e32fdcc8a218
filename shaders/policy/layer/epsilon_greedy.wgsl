// With probability epsilon a random slate instead of the policy's. Twin: src/policy/layer/epsilon_greedy.rs.
//
// The table is epsilon.

#import environment::User
#import slatesim::rng::{Stream, layer_words}
#import slatesim::distribution
#import slatesim::shuffle
#import slatesim::tables

// Rust: CODE in the twin.
const LAYER_CODE: u32 = 0u;

fn revise(stream: Stream, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>, slate: ptr<function, array<u32, #{NUM_SHOWN}>>) {
    let epsilon = tables::policy_table(#{EPSILON_GREEDY_TABLE}u);
    let explores = distribution::uniform(layer_words(stream, LAYER_CODE, 0u).x) < epsilon;
    var swapped: array<u32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let word = layer_words(stream, LAYER_CODE, 1u + position / 4u)[position % 4u];
        let random = shuffle::next_candidate(&swapped, position, word);
        (*slate)[position] = select((*slate)[position], random, explores);
    }
}
