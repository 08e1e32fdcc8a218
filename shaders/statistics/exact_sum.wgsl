// Sums of single-precision numbers and of their squares without any rounding, so that the order cannot matter: twin of
// src/statistics/exact_sum.rs.
//
// A sum is a fixed-point number: digit d of DIGITS counts, with its sign, multiples of 2^(8 d - 298). A few numbers of about
// one size are added up in a window, six words at fixed places, which is then deposited digit by digit. Numbers that are too
// small for the window are deposited directly. Everything is integer arithmetic, whose results WGSL defines exactly.

#define_import_path slatesim::exact_sum

// Rust: `DIGITS` in src/statistics/tally.rs.
const DIGITS: u32 = 72u;
const DIGIT_BITS: u32 = 8u;
// Where 2^-149, the lowest bit of a number, lies above the lowest bit of a square.
const LOWEST_OF_NUMBERS: u32 = 149u;
// Binary orders of magnitude below the largest number that a window takes.
const WINDOW_ORDERS: u32 = 7u;

// By its bits, because a compiler may assume that compared numbers are finite.
fn is_finite(number: f32) -> bool {
    return (bitcast<u32>(number) & 0x7f800000u) != 0x7f800000u;
}

// A finite number, sign · mantissa · 2^(position - 149); the mantissa has 24 bits, and is 0 for zero only.
struct Decomposed {
    sign: i32,
    mantissa: u32,
    position: u32,
}

fn decompose(number: f32) -> Decomposed {
    let bits = bitcast<u32>(number);
    let exponent = (bits >> 23u) & 0xffu;
    let fraction = bits & 0x7fffffu;
    return Decomposed(
        select(1, -1, (bits >> 31u) == 1u),
        fraction | select(0u, 0x800000u, exponent > 0u),
        max(exponent, 1u) - 1u,
    );
}

// Up to 64 numbers and their squares, in words that count multiples of 2^0, 2^16, 2^32 and so on.
struct Window {
    // The position of the smallest number that it takes.
    base: u32,
    sum: vec2<i32>,
    squares: vec4<u32>,
}

// An empty window for numbers of which the largest has a position.
fn window_below(position: u32) -> Window {
    return Window(max(position, WINDOW_ORDERS) - WINDOW_ORDERS, vec2<i32>(), vec4<u32>());
}

fn takes(window: Window, number: Decomposed) -> bool {
    return number.position >= window.base;
}

// Adds a number that the window takes.
fn add(window: ptr<function, Window>, number: Decomposed) {
    let shifted = number.mantissa << (number.position - (*window).base);
    (*window).sum += number.sign * vec2<i32>(i32(shifted & 0xffffu), i32(shifted >> 16u));
}

// Adds the square of a number that the window takes: three products of the mantissa's upper 8 and lower 16 bits.
fn add_square(window: ptr<function, Window>, number: Decomposed) {
    let shift = 2u * (number.position - (*window).base);
    let low = number.mantissa & 0xffffu;
    let high = number.mantissa >> 16u;
    let lowest = spread(low * low, shift);
    // Twice the product of the halves.
    let middle = spread(low * high, shift + 1u);
    let highest = spread(high * high, shift);
    (*window).squares += vec4<u32>(lowest, 0u) + vec4<u32>(0u, middle) + vec4<u32>(0u, 0u, highest.xy);
}

// Shifts a number up by less than 16 bits, and cuts it into words of 16; the last takes what is left.
fn spread(number: u32, shift: u32) -> vec3<u32> {
    let above = number >> (16u - shift);
    return vec3<u32>((number << shift) & 0xffffu, above & 0xffffu, above >> 16u);
}

// The sum of a window as two signed words, and the squares as four words, of up to 22 bits each.
fn carried_sum(window: Window) -> vec2<i32> {
    return vec2<i32>(window.sum.x & 0xffff, window.sum.y + (window.sum.x >> 16u));
}

fn carried_squares(window: Window) -> vec4<u32> {
    var words = window.squares;
    words.y += words.x >> 16u;
    words.z += words.y >> 16u;
    words.w += words.z >> 16u;
    return vec4<u32>(words.xyz & vec3<u32>(0xffffu), words.w);
}
