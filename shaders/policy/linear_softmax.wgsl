// A linear score for each candidate, and a slate by softmax. Twin: src/policy/linear_softmax.rs.
// Defs: those of inputs.wgsl and scoring.wgsl. The tables are the temperature, and a weight for each feature of a document.

#import environment::User
#import slatesim::rng::{Stream, policy_words}
#import slatesim::candidates
#import slatesim::inputs
#import slatesim::part
#import slatesim::ranking
#import slatesim::scoring
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin_sums();
    var policy = policy_words(stream, first_word);
    var x: array<f32, #{INPUTS}>;
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(&x, candidates::document(stream, candidate));
        var score = 0.0;
        for (var feature = 0u; feature < #{DOCUMENT_INPUTS}u; feature++) {
            score = score + tables::policy_table(1u + feature) * x[feature];
        }
        scoring::insert(&ranked, score, &policy, candidate);
    }
    return ranking::end_sums(&ranked);
}
