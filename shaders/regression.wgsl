// Small regressions, one per user: symmetric positive definite algebra, and logistic regression over a short history.
//
// Twin: src/regression.rs, with formulas. Same names, same order of operations. Matrices are arrays row by row; of
// symmetric ones and factors only the lower triangle is read. DIM is the dimension; a history is a part of POLICY_STATE numbers.

#define_import_path slatesim::regression

#import slatesim::math

// Keeps pivots above 0, where rounding may take them.
const PIVOT_MIN: f32 = 1e-30;
// Newton steps of a fit.
const MAX_ITERATIONS: u32 = 20u;
// The square of the change, 0.001, below which a fit has ended.
const TOLERANCE_SQUARE: f32 = 1e-6;
// A fit needs more observations than these.
const MIN_OBSERVATIONS: u32 = 10u;

// Sets a matrix to `diagonal` times the identity.
fn set_diagonal(matrix: ptr<function, array<f32, #{DIM} * #{DIM}>>, diagonal: f32) {
    for (var row = 0u; row < #{DIM}u; row++) {
        for (var column = 0u; column < #{DIM}u; column++) {
            (*matrix)[row * #{DIM}u + column] = select(0.0, diagonal, row == column);
        }
    }
}

// Adds `weight` x x' to a matrix: with a weight of 1, a rank-one update.
fn add_outer(matrix: ptr<function, array<f32, #{DIM} * #{DIM}>>, x: ptr<function, array<f32, #{DIM}>>, weight: f32) {
    for (var row = 0u; row < #{DIM}u; row++) {
        for (var column = 0u; column < #{DIM}u; column++) {
            let at = row * #{DIM}u + column;
            (*matrix)[at] = (*matrix)[at] + weight * (*x)[row] * (*x)[column];
        }
    }
}

// The sum of products of two vectors; WGSL has a dot of its own, for vec4 at most.
fn dot_product(x: ptr<function, array<f32, #{DIM}>>, y: ptr<function, array<f32, #{DIM}>>) -> f32 {
    var sum = 0.0;
    for (var index = 0u; index < #{DIM}u; index++) {
        sum = sum + (*x)[index] * (*y)[index];
    }
    return sum;
}

// Replaces the lower triangle of A by its Cholesky factor: L with A = L L'.
fn factorize(matrix: ptr<function, array<f32, #{DIM} * #{DIM}>>) {
    for (var column = 0u; column < #{DIM}u; column++) {
        for (var row = column; row < #{DIM}u; row++) {
            var rest = (*matrix)[row * #{DIM}u + column];
            for (var inner = 0u; inner < column; inner++) {
                rest = rest - (*matrix)[row * #{DIM}u + inner] * (*matrix)[column * #{DIM}u + inner];
            }
            if row == column {
                (*matrix)[row * #{DIM}u + column] = sqrt(max(rest, PIVOT_MIN));
            } else {
                (*matrix)[row * #{DIM}u + column] = rest / (*matrix)[column * #{DIM}u + column];
            }
        }
    }
}

// Replaces b by L^-1 b.
fn solve_lower(factor: ptr<function, array<f32, #{DIM} * #{DIM}>>, b: ptr<function, array<f32, #{DIM}>>) {
    for (var row = 0u; row < #{DIM}u; row++) {
        var rest = (*b)[row];
        for (var inner = 0u; inner < row; inner++) {
            rest = rest - (*factor)[row * #{DIM}u + inner] * (*b)[inner];
        }
        (*b)[row] = rest / (*factor)[row * #{DIM}u + row];
    }
}

// Replaces z by L^-T z: of standard normal numbers it makes ones with covariance A^-1.
fn solve_upper(factor: ptr<function, array<f32, #{DIM} * #{DIM}>>, z: ptr<function, array<f32, #{DIM}>>) {
    for (var count = 0u; count < #{DIM}u; count++) {
        let row = #{DIM}u - 1u - count;
        var rest = (*z)[row];
        for (var inner = row + 1u; inner < #{DIM}u; inner++) {
            rest = rest - (*factor)[inner * #{DIM}u + row] * (*z)[inner];
        }
        (*z)[row] = rest / (*factor)[row * #{DIM}u + row];
    }
}

// Replaces b by A^-1 b, given the factor of A.
fn solve(factor: ptr<function, array<f32, #{DIM} * #{DIM}>>, b: ptr<function, array<f32, #{DIM}>>) {
    solve_lower(factor, b);
    solve_upper(factor, b);
}

// x' A^-1 x, given the factor of A; overwrites x by L^-1 x.
fn quadratic_form(factor: ptr<function, array<f32, #{DIM} * #{DIM}>>, x: ptr<function, array<f32, #{DIM}>>) -> f32 {
    solve_lower(factor, x);
    return dot_product(x, x);
}

// Fits a logistic regression to the first `count` entries of a history, by iteratively reweighted least squares. The
// features of entry e begin at `features` + e DIM, its reward is at `rewards` + e.
fn fit_logistic(
    history: ptr<function, array<f32, #{POLICY_STATE}>>,
    features: u32,
    rewards: u32,
    count: u32,
    ridge: f32,
    weights: ptr<function, array<f32, #{DIM}>>,
    gram: ptr<function, array<f32, #{DIM} * #{DIM}>>,
) {
    for (var index = 0u; index < #{DIM}u; index++) {
        (*weights)[index] = 0.0;
    }
    set_diagonal(gram, ridge);
    var factor: array<f32, #{DIM} * #{DIM}>;
    var next: array<f32, #{DIM}>;
    var x: array<f32, #{DIM}>;
    var running = MIN_OBSERVATIONS < count;
    for (var iteration = 0u; iteration < MAX_ITERATIONS; iteration++) {
        if !running {
            break;
        }
        set_diagonal(gram, ridge);
        for (var index = 0u; index < #{DIM}u; index++) {
            next[index] = 0.0;
        }
        for (var observation = 0u; observation < count; observation++) {
            for (var index = 0u; index < #{DIM}u; index++) {
                x[index] = (*history)[features + observation * #{DIM}u + index];
            }
            let score = dot_product(&x, weights);
            let h = math::sigmoid(score);
            let weight = h * (1.0 - h);
            let pull = (*history)[rewards + observation] - h;
            add_outer(gram, &x, weight);
            for (var index = 0u; index < #{DIM}u; index++) {
                next[index] = next[index] + x[index] * (weight * score + pull);
            }
        }
        factor = *gram;
        factorize(&factor);
        solve(&factor, &next);
        var change = 0.0;
        for (var index = 0u; index < #{DIM}u; index++) {
            let difference = next[index] - (*weights)[index];
            change = change + difference * difference;
            (*weights)[index] = next[index];
        }
        running = !(change < TOLERANCE_SQUARE);
    }
}
