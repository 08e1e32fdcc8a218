// A linear score for each candidate, and a slate by softmax. Twin: src/policy/linear_softmax.rs.
// Defs: those of inputs.wgsl and scoring.wgsl. The tables are the temperature, the bias, the weights.

#import environment::User
#import slatesim::rng::{Stream, policy_words}
#import slatesim::candidates
#import slatesim::inputs
#import slatesim::part
#import slatesim::ranking
#import slatesim::scoring
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    var policy = policy_words(stream, first_word);
    var x = inputs::begin(stream, user, state);
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(&x, candidates::document(stream, candidate));
        var score = tables::policy_table(1u);
        for (var input = 0u; input < #{INPUTS}u; input++) {
            score = score + tables::policy_table(2u + input) * x[input];
        }
        ranking::insert(&ranked, scoring::key(score, &policy, candidate), candidate);
    }
    return ranking::end(&ranked);
}
