// Ridge regression of what documents earn on their inputs, one per user.
// Twin: src/policy/ridge.rs, with formulas. Defs: those of inputs.wgsl; DIM, which is INPUTS;
// DIM_QUADS, a quarter of it rounded up; LEARNS_REWARD.
//
// The state is the lower triangle of A without its ridge row by row, b, and what all candidates of the last step shared.
// Entry 0 of the tables is the ridge.

#define_import_path slatesim::ridge

#import environment::User
#import slatesim::rng::Stream
#import slatesim::candidates
#import slatesim::drive::Stepped
#import slatesim::inputs
#import slatesim::regression
#import slatesim::tables

const PACKED: u32 = #{DIM}u * (#{DIM}u + 1u) / 2u;

// Factorises A.
fn factorize(
    state: ptr<function, array<f32, #{POLICY_STATE}>>,
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
) {
    regression::set_diagonal(factor, tables::policy_table(0u));
    var row = 0u;
    var column = 0u;
    for (var at = 0u; at < PACKED; at++) {
        let quad = row * #{DIM_QUADS}u + column / 4u;
        (*factor)[quad][column % 4u] = (*factor)[quad][column % 4u] + (*state)[at];
        let is_last = column == row;
        column = select(column + 1u, 0u, is_last);
        row = select(row, row + 1u, is_last);
    }
    regression::factorize(factor);
}

// Begins the inputs of a step.
fn begin(stream: Stream, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>, x: ptr<function, array<f32, #{DIM}>>) {
    *x = inputs::begin(stream, user, state);
    for (var number = #{DOCUMENT_INPUTS}u; number < #{DIM}u; number++) {
        (*state)[PACKED + #{DIM}u + number - #{DOCUMENT_INPUTS}u] = (*x)[number];
    }
}

// Factorises A, solves for theta, and begins the inputs of a step.
fn fit(
    stream: Stream,
    user: User,
    state: ptr<function, array<f32, #{POLICY_STATE}>>,
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    theta: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
    x: ptr<function, array<f32, #{DIM}>>,
) {
    factorize(state, factor);
    for (var row = 0u; row < #{DIM}u; row++) {
        (*theta)[row / 4u][row % 4u] = (*state)[PACKED + row];
    }
    regression::solve(factor, theta);
    begin(stream, user, state, x);
}

// What all candidates of the last step shared; the rest is zero.
fn inputs_of_step(state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<f32, #{DIM}> {
    var x: array<f32, #{DIM}>;
    for (var number = #{DOCUMENT_INPUTS}u; number < #{DIM}u; number++) {
        x[number] = (*state)[PACKED + #{DIM}u + number - #{DOCUMENT_INPUTS}u];
    }
    return x;
}

// Learns from the documents that the user has examined.
fn learn(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    var x = inputs_of_step(state);
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        inputs::look_at(&x, (*stepped).documents[position]);
        let is_clicked = (*stepped).clicked && (*stepped).chosen == position;
#ifdef LEARNS_REWARD
        let y = select(0.0, (*stepped).reward, is_clicked) - (*stepped).penalty;
#else
        let y = select(0.0, 1.0, is_clicked);
#endif
        var row = 0u;
        var column = 0u;
        for (var at = 0u; at < PACKED; at++) {
            (*state)[at] = (*state)[at] + x[row] * x[column];
            let is_last = column == row;
            column = select(column + 1u, 0u, is_last);
            row = select(row, row + 1u, is_last);
        }
        for (var number = 0u; number < #{DIM}u; number++) {
            (*state)[PACKED + number] = (*state)[PACKED + number] + y * x[number];
        }
    }
}
