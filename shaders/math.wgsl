// Elementary functions: the polynomials that both twins share.
//
// Twin: src/math.rs, which tells how the coefficients were found and how large the errors are. Same names, same
// literals, same order of evaluation; a compiler that contracts a * b + c changes the last bits only.
// Import the module and call math::exp(x): a bare exp(x) is WGSL's own, whose error is not bounded tightly.

#define_import_path slatesim::math

// Where exp saturates: 2^-126 < e^-87.33, so that no result, nor its reciprocal, is subnormal or infinite.
const EXP_LIMIT: f32 = 87.33;
const LOG_TWO_E: f32 = 1.442695;
// ln 2 in two parts; the upper one has ten bits, so that its product with a whole exponent is exact.
const LN_TWO_UPPER: f32 = 0.6933594;
const LN_TWO_LOWER: f32 = -0.00021219444;
const EXP_B: f32 = 0.49999994;
const EXP_C: f32 = 0.16666523;
const EXP_D: f32 = 0.041668292;
const EXP_E: f32 = 0.008368532;
const EXP_F: f32 = 0.0013818304;

const MANTISSA_BITS: u32 = 23u;
const MANTISSA_MASK: u32 = 0x007fffffu;
// The bits of 2/3, where the significand of a logarithm is cut: it then lies in [2/3, 4/3), about 1.
const LN_CUT: u32 = 0x3f2aaaabu;
// The bits of 1 less those of 2/3.
const LN_CUT_TO_ONE: u32 = 0x00555555u;
// The bias of the exponent bits of a number.
const EXPONENT_BIAS: i32 = 127;
// The most units in the last place by which a quotient may be off.
const QUOTIENT_CORRECTIONS: u32 = 3u;
const LN_TWO: f32 = 0.6931472;
const LN_A: f32 = -0.49999937;
const LN_B: f32 = 0.333332;
const LN_C: f32 = -0.25007746;
const LN_D: f32 = 0.2001108;
const LN_E: f32 = -0.16417098;
const LN_F: f32 = 0.13997002;
const LN_G: f32 = -0.15383217;
const LN_H: f32 = 0.14021301;

const SIN_A: f32 = 3.1415927;
const SIN_B: f32 = 3.1415882;
const SIN_C: f32 = 1.1155442;
const SIN_D: f32 = 0.20432651;
const SIN_E: f32 = 0.024600154;
const COS_B: f32 = 1.9999994;
const COS_C: f32 = 1.0652245;
const COS_D: f32 = 0.26042777;
const COS_E: f32 = 0.03858604;

// Where 2 |x| stops growing: tanh(10) is 1.
const TANH_LIMIT: f32 = 20.0;
// The bits of 1.
const ONE_BITS: u32 = 0x3f800000u;

// Where |x| stops growing: the lower tail is then 2.9e-37, and no factor of it is subnormal.
const GELU_LIMIT: f32 = 12.9;
// The twelve upper bits of a significand, whose square is exact.
const UPPER_BITS: u32 = 0xfffff000u;
const GELU_SCALE: f32 = 0.35;
const GELU_A: f32 = 0.13962185;
const GELU_B: f32 = 0.13985431;
const GELU_C: f32 = 0.11988591;
const GELU_D: f32 = 0.105304375;
const GELU_E: f32 = -0.022640424;
const GELU_F: f32 = 0.15850657;
const GELU_G: f32 = -0.25514042;
const GELU_H: f32 = 0.14369835;
const GELU_I: f32 = -0.029090539;

// Beyond which the approximation is 0 or x: the argument of its logistic function is then 87.31.
const GELU_TANH_LIMIT: f32 = 10.0;
// 2 sqrt(2 / pi).
const GELU_TANH_A: f32 = 1.595769;
// 0.044715 times that.
const GELU_TANH_B: f32 = 0.071354814;

// e to the power x.
//
//     x = n ln 2 + r, |r| <= (ln 2) / 2:   e^x = 2^n (1 + r + r^2 P(r))
//
// Outside [-87.33, 87.33] the result is that of the nearer end, 1.18e-38 or 8.45e37.
fn exp(x: f32) -> f32 {
    let clamped = clamp(x, -EXP_LIMIT, EXP_LIMIT);
    // A compiler may cancel the constant that rounds in the twin; round() takes halves to even as well.
    let exponent = round(clamped * LOG_TWO_E);
    let r = clamped - exponent * LN_TWO_UPPER - exponent * LN_TWO_LOWER;
    var p = EXP_F;
    p = p * r + EXP_E;
    p = p * r + EXP_D;
    p = p * r + EXP_C;
    p = p * r + EXP_B;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return bitcast<f32>(bitcast<u32>(p) + (bitcast<u32>(i32(exponent)) << MANTISSA_BITS));
}

// The natural logarithm of a positive, normal number.
//
//     x = 2^k (1 + f), 2/3 <= 1 + f < 4/3:   ln x = k ln 2 + f + f^2 Q(f)
fn ln(x: f32) -> f32 {
    let shifted = bitcast<u32>(x) + LN_CUT_TO_ONE;
    // In integers: a compiler may take the constant that the twin subtracts from 2^23 + k out of a product, whose rounding
    // is then that of 2^23 ln 2. An NVIDIA H200 gave such results.
    let k = f32(i32(shifted >> MANTISSA_BITS) - EXPONENT_BIAS);
    let f = bitcast<f32>((shifted & MANTISSA_MASK) + LN_CUT) - 1.0;
    var q = LN_H;
    q = q * f + LN_G;
    q = q * f + LN_F;
    q = q * f + LN_E;
    q = q * f + LN_D;
    q = q * f + LN_C;
    q = q * f + LN_B;
    q = q * f + LN_A;
    let small = f + f * f * q;
    return small + k * LN_TWO;
}

// a / b rounded to nearest, for normal numbers from 0 on: what `/` is in the twin. Equal ratios give equal numbers, as they
// must where an order depends on them; WGSL lets a quotient be wrong by 2.5 units in the last place.
//
//     a = A 2^i, b = B 2^j, q = Q 2^k:   A 2^(i - j - k) - Q B, in integers, tells by how many units q is off
fn quotient(a: f32, b: f32) -> f32 {
    if a == 0.0 {
        return 0.0;
    }
    var bits = bitcast<u32>(a / b);
    for (var correction = 0u; correction < QUOTIENT_CORRECTIONS; correction++) {
        let parts = vec3<u32>(bitcast<u32>(a), bitcast<u32>(b), bits);
        let mantissas = (parts & vec3<u32>(MANTISSA_MASK)) | vec3<u32>(MANTISSA_MASK + 1u);
        let exponents = vec3<i32>(parts >> vec3<u32>(MANTISSA_BITS)) - vec3<i32>(EXPONENT_BIAS + i32(MANTISSA_BITS));
        let shift = u32(exponents.x - exponents.y - exponents.z);
        // Both terms wrap, their small difference does not.
        let twice_rest = 2 * i32((mantissas.x << shift) - mantissas.z * mantissas.y);
        let unit = i32(mantissas.y);
        bits += select(0u, 1u, twice_rest > unit);
        bits -= select(0u, 1u, twice_rest < -unit);
    }
    return bitcast<f32>(bits);
}

// sin(pi x) and cos(pi x) for x in [-1, 1].
//
//     w = |x| (1 - |x|):   sin(pi x) = x (1 - |x|) S(w),   cos(pi x) = (1 - 2 |x|) C(w)
fn sincospi(x: f32) -> vec2<f32> {
    let magnitude = abs(x);
    let rest = 1.0 - magnitude;
    let w = magnitude * rest;
    var s = SIN_E;
    s = s * w + SIN_D;
    s = s * w + SIN_C;
    s = s * w + SIN_B;
    s = s * w + SIN_A;
    var c = COS_E;
    c = c * w + COS_D;
    c = c * w + COS_C;
    c = c * w + COS_B;
    c = c * w + 1.0;
    return vec2<f32>(x * rest * s, (rest - magnitude) * c);
}

// The logistic function 1 / (1 + e^-x), for any number.
fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(-x));
}

// The hyperbolic tangent, for any number.
//
//     e = e^(2 |x|) - 1 = 2^n (r + r^2 P(r)) + (2^n - 1):   tanh x = sign(x) e / (e + 2)
fn tanh(x: f32) -> f32 {
    let magnitude = abs(x);
    let doubled = min(magnitude + magnitude, TANH_LIMIT);
    let exponent = round(doubled * LOG_TWO_E);
    let r = doubled - exponent * LN_TWO_UPPER - exponent * LN_TWO_LOWER;
    var p = EXP_F;
    p = p * r + EXP_E;
    p = p * r + EXP_D;
    p = p * r + EXP_C;
    p = p * r + EXP_B;
    let small = p * r * r + r;
    let power = bitcast<f32>(ONE_BITS + (bitcast<u32>(i32(exponent)) << MANTISSA_BITS));
    let e = power * small + (power - 1.0);
    let ratio = e / (e + 2.0);
    return select(ratio, -ratio, x < 0.0);
}

// x Phi(x), where Phi is the distribution function of the standard normal, for any number.
//
//     a = |x|,  t = 1 / (1 + 0.35 a):   x Phi(x) = max(x, 0) - a Phi(-a),   Phi(-a) = e^(-a^2 / 2) t P(t)
fn gelu(x: f32) -> f32 {
    let a = min(abs(x), GELU_LIMIT);
    let upper = bitcast<f32>(bitcast<u32>(a) & UPPER_BITS);
    let t = 1.0 / (1.0 + GELU_SCALE * a);
    var p = GELU_I;
    p = p * t + GELU_H;
    p = p * t + GELU_G;
    p = p * t + GELU_F;
    p = p * t + GELU_E;
    p = p * t + GELU_D;
    p = p * t + GELU_C;
    p = p * t + GELU_B;
    p = p * t + GELU_A;
    let square = exp(-0.5 * (upper * upper));
    let rest = exp(-0.5 * ((a - upper) * (a + upper)));
    return max(x, 0.0) - a * (t * p * (square * rest));
}

// x sigmoid(x), for any number.
fn silu(x: f32) -> f32 {
    return max(x, -EXP_LIMIT) * sigmoid(x);
}

// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, for any number.
fn gelu_tanh(x: f32) -> f32 {
    let inside = clamp(x, -GELU_TANH_LIMIT, GELU_TANH_LIMIT);
    let slope = GELU_TANH_A + GELU_TANH_B * (inside * inside);
    return max(x, -GELU_TANH_LIMIT) * sigmoid(inside * slope);
}
