// The least-squares slope of reward over the step index: twin of src/statistics/slope.rs.

#define_import_path slatesim::slope

#import slatesim::compensated::{Sum, opaque}

// The upper twelve bits of a significand: products of two such halves are exact.
const UPPER_HALF: u32 = 0xfffff000u;

// From the sums over an episode of rewards and of step · reward; 0 where there are less than two steps.
//
// The two terms of the difference are nearly equal where rewards hardly change: the product is formed exactly.
fn least_squares_slope(sum: Sum, step_weighted: Sum, length: u32) -> f32 {
    let steps = f32(length);
    let middle = 0.5 * (steps - 1.0);
    let product = opaque(middle * sum.rounded);
    let middle_upper = bitcast<f32>(bitcast<u32>(middle) & UPPER_HALF);
    let sum_upper = bitcast<f32>(bitcast<u32>(sum.rounded) & UPPER_HALF);
    let middle_lower = middle - middle_upper;
    let sum_lower = sum.rounded - sum_upper;
    let upper = opaque(middle_upper * sum_upper - product);
    let cross = opaque(upper + middle_upper * sum_lower);
    let error = opaque(cross + middle_lower * sum_upper) + middle_lower * sum_lower;
    let difference = opaque(step_weighted.rounded - product);
    let rest = step_weighted.rest - middle * sum.rest;
    let slope = 12.0 * (difference + (rest - error)) / (steps * (steps * steps - 1.0));
    return select(0.0, slope, length >= 2u);
}
