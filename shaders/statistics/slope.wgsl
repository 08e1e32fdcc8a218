// The least-squares slope of reward over the step index: twin of src/statistics/slope.rs.

#define_import_path slatesim::slope

// From the sums over an episode of rewards and of step · reward; 0 where there are less than two steps.
fn least_squares_slope(sum: f32, step_weighted_sum: f32, length: u32) -> f32 {
    let steps = f32(length);
    let slope = 12.0 * (step_weighted_sum - 0.5 * (steps - 1.0) * sum) / (steps * (steps * steps - 1.0));
    return select(0.0, slope, length >= 2u);
}
