// From random words to random numbers: uniform, normal, log-normal, truncated normal, categorical and whole numbers.
//
// Twin: src/distribution.rs, whose documentation tells what each draw is. Same names, same literals, same order of
// evaluation. Import the module and call distribution::uniform(word): an item imported by the bare name `uniform`
// would take the place of the address space in var<uniform>.

#define_import_path slatesim::distribution
#import slatesim::math
#import slatesim::rng

// 2^-24.
const UNIFORM_STEP: f32 = 5.9604645e-8;
// 2^-32.
const FINE_STEP: f32 = 2.3283064e-10;
// From here on a word has more bits than a single-precision significand.
const FINE_EXACT: u32 = 0x01000000u;
const FINE_MASK: u32 = 0xffffff00u;

// From (0, 1) on an even grid: (2k + 1) 2^-24, where k is the upper 23 bits of the word. Exact.
fn uniform(word: u32) -> f32 {
    return f32((word >> 8u) | 1u) * UNIFORM_STEP;
}

// From (0, 1) for a logarithm: towards 0 all 32 bits of the word matter. Exact.
fn fine_uniform(word: u32) -> f32 {
    let bits = word | 1u;
    let exact = bits < FINE_EXACT;
    return f32(select(bits & FINE_MASK, bits, exact)) * FINE_STEP;
}

// Two independent standard normal numbers from two words (Box and Muller).
fn normal_pair(word_a: u32, word_b: u32) -> vec2<f32> {
    // A logarithm that errs may be positive next to 1: without the bound the root could be NaN.
    let radius = sqrt(max(-2.0 * math::ln(fine_uniform(word_a)), 0.0));
    let sincos = math::sincospi(2.0 * uniform(word_b) - 1.0);
    return vec2<f32>(radius * sincos.y, radius * sincos.x);
}

// A standard normal number into a log-normal one.
fn log_normal(mu: f32, sigma: f32, z: f32) -> f32 {
    return math::exp(mu + sigma * z);
}

// Keeps probabilities off 1, where the inverse distribution function is infinite: 1 - 2^-24.
const PROBABILITY_MAX: f32 = 0.99999994;
// Keeps probabilities off 0, and normal: about 2^-126.
const PROBABILITY_MIN: f32 = 1.18e-38;

// A standard normal number between two bounds, given the probabilities below each bound.
fn truncated_normal(uniform_draw: f32, lower_probability: f32, upper_probability: f32) -> f32 {
    return inverse_normal(lower_probability + uniform_draw * (upper_probability - lower_probability));
}

// |p - 1/2| up to which the central approximation holds.
const CENTRE: f32 = 0.425;
// The square of that.
const CENTRE_SQUARE: f32 = 0.180625;
// sqrt(-ln p) up to which the nearer of the two tail approximations holds.
const TAIL: f32 = 5.0;
const TAIL_SHIFT: f32 = 1.6;
const CENTRE_NUM_A: f32 = 3.3871326;
const CENTRE_NUM_B: f32 = 50.434273;
const CENTRE_NUM_C: f32 = 159.29114;
const CENTRE_NUM_D: f32 = 59.109375;
const CENTRE_DEN_B: f32 = 17.89517;
const CENTRE_DEN_C: f32 = 78.75776;
const CENTRE_DEN_D: f32 = 67.18756;
const TAIL_NUM_A: f32 = 1.4234372;
const TAIL_NUM_B: f32 = 2.7568154;
const TAIL_NUM_C: f32 = 1.3067285;
const TAIL_NUM_D: f32 = 0.17023821;
const TAIL_DEN_B: f32 = 0.73700166;
const TAIL_DEN_C: f32 = 0.12021133;
const FAR_NUM_A: f32 = 6.657905;
const FAR_NUM_B: f32 = 3.0812263;
const FAR_NUM_C: f32 = 0.42868295;
const FAR_NUM_D: f32 = 0.017337205;
const FAR_DEN_B: f32 = 0.24197894;
const FAR_DEN_C: f32 = 0.012258203;

// The number below which a standard normal variable lies with probability p (Wichura, AS 241, PPND7).
fn inverse_normal(probability: f32) -> f32 {
    let p = clamp(probability, PROBABILITY_MIN, PROBABILITY_MAX);
    let q = p - 0.5;
    let t = CENTRE_SQUARE - q * q;
    var a = CENTRE_NUM_D;
    a = a * t + CENTRE_NUM_C;
    a = a * t + CENTRE_NUM_B;
    a = a * t + CENTRE_NUM_A;
    var b = CENTRE_DEN_D;
    b = b * t + CENTRE_DEN_C;
    b = b * t + CENTRE_DEN_B;
    b = b * t + 1.0;
    let centre = q * a / b;

    let depth = sqrt(-math::ln(min(p, 1.0 - p)));
    let near = depth <= TAIL;
    let r = depth - select(TAIL, TAIL_SHIFT, near);
    var c = select(FAR_NUM_D, TAIL_NUM_D, near);
    c = c * r + select(FAR_NUM_C, TAIL_NUM_C, near);
    c = c * r + select(FAR_NUM_B, TAIL_NUM_B, near);
    c = c * r + select(FAR_NUM_A, TAIL_NUM_A, near);
    var d = select(FAR_DEN_C, TAIL_DEN_C, near);
    d = d * r + select(FAR_DEN_B, TAIL_DEN_B, near);
    d = d * r + 1.0;
    let tail = select(c / d, -(c / d), q < 0.0);

    return select(tail, centre, abs(q) <= CENTRE);
}

// One more entry of a cumulative distribution that does not exceed the draw. A categorical draw is a loop of these over
// all entries but the last.
fn categorical_step(index: u32, uniform_draw: f32, cumulative_value: f32) -> u32 {
    return index + select(0u, 1u, cumulative_value <= uniform_draw);
}

// A whole number below bound.
fn bounded_integer(word: u32, bound: u32) -> u32 {
    return rng::multiply_high(word, bound);
}
