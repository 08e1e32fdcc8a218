// Logistic regression of clicks on the inputs of documents, one per user, over a history that keeps the last documents.
// Twin: src/policy/logistic.rs. Defs: those of ridge.wgsl; HISTORY, how many documents are remembered; FACTORS_FIT where the
// factor is that of the fit, and not that of all documents.
//
// The state is that of ridge.wgsl, where the next document is written, how many are remembered, their inputs, their
// clicks. Entry 0 of the tables is the ridge.

#define_import_path slatesim::logistic

#import environment::User
#import slatesim::rng::Stream
#import slatesim::drive::Stepped
#import slatesim::inputs
#import slatesim::regression
#import slatesim::ridge
#import slatesim::tables

const NEXT: u32 = ridge::PACKED + 2u * #{DIM}u - #{DOCUMENT_INPUTS}u;
const COUNT: u32 = NEXT + 1u;
const FEATURES: u32 = NEXT + 2u;
const CLICKS: u32 = FEATURES + #{HISTORY}u * #{DIM}u;

// Fits theta, factorises, and begins the inputs of a step.
fn fit(
    stream: Stream,
    user: User,
    state: ptr<function, array<f32, #{POLICY_STATE}>>,
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    theta: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
    x: ptr<function, array<f32, #{DIM}>>,
) {
    let count = min(u32((*state)[COUNT]), #{HISTORY}u);
    regression::fit_logistic(state, FEATURES, CLICKS, count, tables::policy_table(0u), theta, factor);
#ifndef FACTORS_FIT
    ridge::factorize(state, factor);
#endif
    ridge::begin(stream, user, state, x);
}

// Learns from the documents that the user has examined.
fn learn(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    ridge::learn(state, stepped);
    var x = ridge::inputs_of_step(state);
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        inputs::look_at(&x, (*stepped).documents[position]);
        let next = min(u32((*state)[NEXT]), #{HISTORY}u - 1u);
        for (var index = 0u; index < #{DIM}u; index++) {
            (*state)[FEATURES + next * #{DIM}u + index] = x[index];
        }
        (*state)[CLICKS + next] = select(0.0, 1.0, (*stepped).clicked && (*stepped).chosen == position);
        (*state)[NEXT] = select(0.0, f32(next + 1u), next + 1u < #{HISTORY}u);
        (*state)[COUNT] = min((*state)[COUNT] + 1.0, f32(#{HISTORY}u));
    }
}
