// Small regressions, one per user: symmetric positive definite algebra, and logistic regression over a short history.
//
// Twin: src/regression.rs, with formulas. Same names, same order of operations. DIM is the dimension. Vectors are arrays of
// DIM_QUADS quads, four numbers each, and matrices have 4 DIM_QUADS rows of DIM_QUADS quads: a quad is read at once, and a
// loop over quads has a quarter of the iterations. Beyond DIM, vectors are 0 and matrices have a positive diagonal, which
// adds nothing to any sum. Of symmetric matrices and factors only the lower triangle is read, and the rest may hold anything.
// A history is a part of POLICY_STATE numbers.

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

// The numbers 4 quad to 4 quad + 3.
fn places(quad: u32) -> vec4<u32> {
    return vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
}

// Sets a matrix to `diagonal` times the identity.
fn set_diagonal(matrix: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>, diagonal: f32) {
    for (var at = 0u; at < 4u * #{DIM_QUADS}u * #{DIM_QUADS}u; at++) {
        let row = vec4<u32>(at / #{DIM_QUADS}u);
        (*matrix)[at] = select(vec4<f32>(0.0), vec4<f32>(diagonal), places(at % #{DIM_QUADS}u) == row);
    }
}

// Adds `weight` x x' to a matrix, four rows at a time.
fn add_outer(
    matrix: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    x: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
    weight: f32,
) {
    for (var block = 0u; block < #{DIM_QUADS}u; block++) {
        let rows = weight * (*x)[block];
        for (var quad = 0u; quad < min(block + 1u, #{DIM_QUADS}u); quad++) {
            let columns = (*x)[quad];
            let at = 4u * block * #{DIM_QUADS}u + quad;
            (*matrix)[at] = (*matrix)[at] + rows.x * columns;
            (*matrix)[at + #{DIM_QUADS}u] = (*matrix)[at + #{DIM_QUADS}u] + rows.y * columns;
            (*matrix)[at + 2u * #{DIM_QUADS}u] = (*matrix)[at + 2u * #{DIM_QUADS}u] + rows.z * columns;
            (*matrix)[at + 3u * #{DIM_QUADS}u] = (*matrix)[at + 3u * #{DIM_QUADS}u] + rows.w * columns;
        }
    }
}

// The sum of products of two vectors; WGSL has a dot of its own, for vec4 at most.
fn dot_product(x: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>, y: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>) -> f32 {
    var sum = 0.0;
    for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
        let products = (*x)[quad] * (*y)[quad];
        sum = sum + products.x;
        sum = sum + products.y;
        sum = sum + products.z;
        sum = sum + products.w;
    }
    return sum;
}

// Replaces the lower triangle of A by its Cholesky factor: L with A = L L'. Four rows at a time.
fn factorize(matrix: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>) {
    for (var column = 0u; column < 4u * #{DIM_QUADS}u; column++) {
        let home = column / 4u;
        let place = column % 4u;
        var pivot = 1.0;
        for (var block = 0u; block < #{DIM_QUADS}u; block++) {
            // Rows above the diagonal.
            if block < home {
                continue;
            }
            let first = 4u * block * #{DIM_QUADS}u;
            let second = first + #{DIM_QUADS}u;
            let third = second + #{DIM_QUADS}u;
            let fourth = third + #{DIM_QUADS}u;
            var rest = vec4<f32>(
                (*matrix)[first + home][place],
                (*matrix)[second + home][place],
                (*matrix)[third + home][place],
                (*matrix)[fourth + home][place],
            );
            for (var quad = 0u; quad < min(home + 1u, #{DIM_QUADS}u); quad++) {
                let is_inner = places(quad) < vec4<u32>(column);
                let inner = select(vec4<f32>(0.0), (*matrix)[column * #{DIM_QUADS}u + quad], is_inner);
                let a = (*matrix)[first + quad];
                let b = (*matrix)[second + quad];
                let c = (*matrix)[third + quad];
                let d = (*matrix)[fourth + quad];
                rest = rest - vec4<f32>(a.x, b.x, c.x, d.x) * inner.x;
                rest = rest - vec4<f32>(a.y, b.y, c.y, d.y) * inner.y;
                rest = rest - vec4<f32>(a.z, b.z, c.z, d.z) * inner.z;
                rest = rest - vec4<f32>(a.w, b.w, c.w, d.w) * inner.w;
            }
            if block == home {
                pivot = sqrt(max(rest[place], PIVOT_MIN));
            }
            let is_pivot = places(block) == vec4<u32>(column);
            let done = select(rest / pivot, vec4<f32>(pivot), is_pivot);
            (*matrix)[first + home][place] = done.x;
            (*matrix)[second + home][place] = done.y;
            (*matrix)[third + home][place] = done.z;
            (*matrix)[fourth + home][place] = done.w;
        }
    }
}

// Replaces b by L^-1 b.
fn solve_lower(
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    b: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
) {
    for (var row = 0u; row < 4u * #{DIM_QUADS}u; row++) {
        let home = row / 4u;
        let place = row % 4u;
        let begin = row * #{DIM_QUADS}u;
        var rest = (*b)[home][place];
        for (var quad = 0u; quad < min(home + 1u, #{DIM_QUADS}u); quad++) {
            let inner = select(vec4<f32>(0.0), (*factor)[begin + quad], places(quad) < vec4<u32>(row));
            let products = inner * (*b)[quad];
            rest = rest - products.x;
            rest = rest - products.y;
            rest = rest - products.z;
            rest = rest - products.w;
        }
        (*b)[home][place] = rest / (*factor)[begin + home][place];
    }
}

// Replaces z by L^-T z: of standard normal numbers it makes ones with covariance A^-1.
fn solve_upper(
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    z: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
) {
    for (var count = 0u; count < 4u * #{DIM_QUADS}u; count++) {
        let row = 4u * #{DIM_QUADS}u - 1u - count;
        let home = row / 4u;
        let place = row % 4u;
        var rest = (*z)[home][place];
        for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
            if quad < home {
                continue;
            }
            let at = 4u * quad * #{DIM_QUADS}u + home;
            let column = vec4<f32>(
                (*factor)[at][place],
                (*factor)[at + #{DIM_QUADS}u][place],
                (*factor)[at + 2u * #{DIM_QUADS}u][place],
                (*factor)[at + 3u * #{DIM_QUADS}u][place],
            );
            let products = select(vec4<f32>(0.0), column, places(quad) > vec4<u32>(row)) * (*z)[quad];
            rest = rest - products.x;
            rest = rest - products.y;
            rest = rest - products.z;
            rest = rest - products.w;
        }
        (*z)[home][place] = rest / (*factor)[row * #{DIM_QUADS}u + home][place];
    }
}

// Replaces b by A^-1 b, given the factor of A.
fn solve(
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    b: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
) {
    solve_lower(factor, b);
    solve_upper(factor, b);
}

// x' A^-1 x, given the factor of A; overwrites x by L^-1 x.
fn quadratic_form(
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    x: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
) -> f32 {
    solve_lower(factor, x);
    return dot_product(x, x);
}

// Fits a logistic regression to the first `count` entries of a history, by iteratively reweighted least squares. The
// features of entry e begin at `features` + e DIM, its reward is at `rewards` + e. `factor` becomes that of the last G.
fn fit_logistic(
    history: ptr<function, array<f32, #{POLICY_STATE}>>,
    features: u32,
    rewards: u32,
    count: u32,
    ridge: f32,
    weights: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
) {
    for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
        (*weights)[quad] = vec4<f32>(0.0);
    }
    set_diagonal(factor, sqrt(max(ridge, PIVOT_MIN)));
    var next: array<vec4<f32>, #{DIM_QUADS}>;
    var x: array<vec4<f32>, #{DIM_QUADS}>;
    var running = MIN_OBSERVATIONS < count;
    for (var iteration = 0u; iteration < MAX_ITERATIONS; iteration++) {
        if !running {
            break;
        }
        set_diagonal(factor, ridge);
        for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
            next[quad] = vec4<f32>(0.0);
        }
        for (var observation = 0u; observation < count; observation++) {
            let begin = features + observation * #{DIM}u;
            for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
                let at = places(quad);
                let inside = begin + min(at, vec4<u32>(#{DIM}u - 1u));
                let numbers = vec4<f32>(
                    (*history)[inside.x],
                    (*history)[inside.y],
                    (*history)[inside.z],
                    (*history)[inside.w],
                );
                x[quad] = select(vec4<f32>(0.0), numbers, at < vec4<u32>(#{DIM}u));
            }
            let score = dot_product(&x, weights);
            let h = math::sigmoid(score);
            let weight = h * (1.0 - h);
            let pull = (*history)[rewards + observation] - h;
            add_outer(factor, &x, weight);
            for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
                next[quad] = next[quad] + x[quad] * (weight * score + pull);
            }
        }
        factorize(factor);
        solve(factor, &next);
        var change = 0.0;
        for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
            let difference = next[quad] - (*weights)[quad];
            let squares = difference * difference;
            change = change + squares.x;
            change = change + squares.y;
            change = change + squares.z;
            change = change + squares.w;
            (*weights)[quad] = next[quad];
        }
        running = !(change < TOLERANCE_SQUARE);
    }
}
