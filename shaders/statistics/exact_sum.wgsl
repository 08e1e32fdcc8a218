// Sums of single-precision numbers and of their squares without any rounding, so that the order cannot matter: twin of
// src/statistics/exact_sum.rs.
//
// A sum is a fixed-point number; digit d counts, with its sign, multiples of 2^(16 d - 298). Between two calls of `carry`
// a sum takes up to 2^13 numbers. Everything is integer arithmetic, of which WGSL leaves nothing to the device.

#define_import_path slatesim::exact_sum

// Rust: `DIGITS` in src/statistics/tally.rs.
const DIGITS: u32 = 36u;
const DIGIT_BITS: u32 = 16u;
const DIGIT_MASK: u32 = 0xffffu;
// Where 2^-149, the lowest bit of a number, lies above the lowest bit of a square.
const LOWEST_OF_NUMBERS: u32 = 149u;

struct ExactSum {
    digits: array<i32, DIGITS>,
}

// By its bits: a comparison may be taken to be about finite numbers.
fn is_finite(number: f32) -> bool {
    return (bitcast<u32>(number) & 0x7f800000u) != 0x7f800000u;
}

// The magnitude of a finite number, mantissa · 2^(position - 149).
struct Decomposed {
    mantissa: u32,
    position: u32,
}

fn decompose(number: f32) -> Decomposed {
    let bits = bitcast<u32>(number);
    let exponent = (bits >> 23u) & 0xffu;
    let fraction = bits & 0x7fffffu;
    return Decomposed(fraction | select(0u, 0x800000u, exponent > 0u), max(exponent, 1u) - 1u);
}

// Adds ±mantissa · 2^(position - 298); the mantissa has up to 24 bits.
fn deposit(sum: ptr<function, ExactSum>, position: u32, mantissa: u32, sign: i32) {
    let digit = position / DIGIT_BITS;
    let shift = position % DIGIT_BITS;
    let above = mantissa >> (DIGIT_BITS - shift);
    (*sum).digits[digit] += sign * i32((mantissa << shift) & DIGIT_MASK);
    (*sum).digits[digit + 1u] += sign * i32(above & DIGIT_MASK);
    (*sum).digits[digit + 2u] += sign * i32(above >> DIGIT_BITS);
}

// Adds a finite number.
fn add(sum: ptr<function, ExactSum>, number: f32) {
    let parts = decompose(number);
    let sign = select(1, -1, (bitcast<u32>(number) >> 31u) == 1u);
    deposit(sum, parts.position + LOWEST_OF_NUMBERS, parts.mantissa, sign);
}

// Adds the square of a finite number: the mantissa's halves give three products of 24 bits.
fn add_square(sum: ptr<function, ExactSum>, number: f32) {
    let parts = decompose(number);
    let low = parts.mantissa & 0xfffu;
    let high = parts.mantissa >> 12u;
    let position = 2u * parts.position;
    deposit(sum, position, low * low, 1);
    deposit(sum, position + 13u, low * high, 1);
    deposit(sum, position + 24u, high * high, 1);
}

// Brings every digit into [0, 2^16) but the highest, which keeps the sign.
fn carry(sum: ptr<function, ExactSum>) {
    var above = 0;
    for (var digit = 0u; digit < DIGITS - 1u; digit++) {
        let full = (*sum).digits[digit] + above;
        (*sum).digits[digit] = full & i32(DIGIT_MASK);
        above = full >> DIGIT_BITS;
    }
    (*sum).digits[DIGITS - 1u] += above;
}
