// Sums that the invocations of a workgroup form together, in its own memory, before it adds them to those of the device:
// additions to one word of global memory wait for each other.
//
// The words are integers that are added atomically, so that the order does not matter. A digit gets less than 2^8 from each
// of three deposits of a term, so that 2^20 terms fit. Kernels decide what the words mean.

#define_import_path slatesim::workgroup_sums

#import slatesim::exact_sum::{Decomposed, Window, DIGIT_BITS, LOWEST_OF_NUMBERS}
#import slatesim::exact_sum::{carried_squares, carried_sum}
#import slatesim::tallied::LENGTHS

// The sums of a batch before LENGTHS, and one word for what a kernel counts besides.
const WORDS: u32 = LENGTHS + 1u;

var<workgroup> sums: array<atomic<u32>, WORDS>;

fn word(at: u32) -> u32 {
    return atomicLoad(&sums[at]);
}

fn add_to_word(at: u32, number: u32) {
    if number > 0u {
        atomicAdd(&sums[at], number);
    }
}

fn raise_word(at: u32, number: u32) {
    atomicMax(&sums[at], number);
}

// Adds sign · number · 2^(position - 298) to the sum at a word; the number has up to 24 bits.
fn deposit(at: u32, position: u32, number: u32, sign: i32) {
    var left = number << (position % DIGIT_BITS);
    // 24 bits that are moved by less than a digit are in four.
    for (var digit = 0u; digit < 4u; digit++) {
        if left == 0u {
            break;
        }
        atomicAdd(&sums[at + position / DIGIT_BITS + digit], bitcast<u32>(sign * i32(left & 0xffu)));
        left = left >> DIGIT_BITS;
    }
}

fn deposit_number(at: u32, number: Decomposed) {
    deposit(at, number.position + LOWEST_OF_NUMBERS, number.mantissa, number.sign);
}

// Three products of the mantissa's halves.
fn deposit_square(at: u32, number: Decomposed) {
    let low = number.mantissa & 0xfffu;
    let high = number.mantissa >> 12u;
    let position = 2u * number.position;
    deposit(at, position, low * low, 1);
    deposit(at, position + 13u, low * high, 1);
    deposit(at, position + 24u, high * high, 1);
}

fn deposit_sum(at: u32, window: Window) {
    let words = carried_sum(window);
    let position = window.base + LOWEST_OF_NUMBERS;
    deposit(at, position, u32(words.x), 1);
    deposit(at, position + 16u, u32(abs(words.y)), select(1, -1, words.y < 0));
}

fn deposit_squares(at: u32, window: Window) {
    let words = carried_squares(window);
    let position = 2u * window.base;
    deposit(at, position, words.x, 1);
    deposit(at, position + 16u, words.y, 1);
    deposit(at, position + 32u, words.z, 1);
    deposit(at, position + 48u, words.w, 1);
}
