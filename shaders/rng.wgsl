// Counter-based random numbers: every draw is a pure function of where it is used.
//
//     philox4x32_10(key = seed, counter = (episode low, episode high, step, purpose << 24 | block))
//
// Twin: src/rng.rs, whose documentation holds the layout table. Defs: NATIVE_U64 where the adapter has 64-bit integers.

#define_import_path slatesim::rng

const STEP: u32 = 0u;
const ENVIRONMENT: u32 = 1u;
const POLICY: u32 = 2u;
const DOCUMENT: u32 = 3u;
const OBSERVATION: u32 = 4u;
const USER: u32 = 5u;
const LAYER: u32 = 7u;

const MULTIPLIER_A: u32 = 0xd2511f53u;
const MULTIPLIER_B: u32 = 0xcd9e8d57u;
const WEYL_A: u32 = 0x9e3779b9u;
const WEYL_B: u32 = 0xbb67ae85u;
const ROUNDS: u32 = 10u;

// Names the draws of one step of one episode.
struct Stream {
    key: vec2<u32>,
    episode: vec2<u32>,
    step: u32,
}

// The upper half (x) and the lower half (y) of the 64-bit product.
fn widening_multiply(a: u32, b: u32) -> vec2<u32> {
#ifdef NATIVE_U64
    // One wide product, both halves taken from it: asking for them separately costs a second multiplication.
    let product = u64(a) * u64(b);
    return vec2<u32>(u32(product >> 32u), u32(product));
#else
    // WGSL has no 32 x 32 -> 64 bit product: four products of 16-bit limbs, none of which can overflow.
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let middle = a_high * b_low + ((a_low * b_low) >> 16u);
    let carry = a_low * b_high + (middle & 0xffffu);
    return vec2<u32>(a_high * b_high + (middle >> 16u) + (carry >> 16u), a * b);
#endif
}

// The upper half of the 64-bit product.
fn multiply_high(a: u32, b: u32) -> u32 {
    return widening_multiply(a, b).x;
}

// Encrypts a counter (Random123, philox4x32-10).
fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var state = counter;
    var round_key = key;
    for (var round = 0u; round < ROUNDS; round++) {
        let product_a = widening_multiply(state.x, MULTIPLIER_A);
        let product_b = widening_multiply(state.z, MULTIPLIER_B);
        state = vec4<u32>(product_b.x ^ state.y ^ round_key.x, product_b.y, product_a.x ^ state.w ^ round_key.y, product_a.y);
        round_key += vec2<u32>(WEYL_A, WEYL_B);
    }
    return state;
}

// Block `block` of a purpose: four words.
fn words(stream: Stream, purpose: u32, block: u32) -> vec4<u32> {
    return philox(vec4<u32>(stream.episode, stream.step, (purpose << 24u) | block), stream.key);
}

// The random words of one user, of one document at one step, of the noise of one step, or of one observation.
struct RandomWords {
    stream: Stream,
    purpose: u32,
    first: u32,
}

// The four words of block `block` of these: what one call of Philox gives.
fn random_block(random: RandomWords, block: u32) -> vec4<u32> {
    return words(random.stream, random.purpose, random.first + block);
}

// No block is made yet.
const NO_BLOCK: u32 = 0xffffffffu;

// The policy's words of a step in rising order, each block of four made once. Unlike on the host they may begin anywhere: a
// dispatch may be of a part of the candidates.
struct PolicyWords {
    stream: Stream,
    first: u32,
    block: vec4<u32>,
    // Which block it is.
    number: u32,
}

// Begins, given word 0, which the step's own block holds.
fn policy_words(stream: Stream, first: u32) -> PolicyWords {
    return PolicyWords(stream, first, vec4<u32>(first), NO_BLOCK);
}

// Word `index`. Words of a block that are asked for one after the other are made once.
fn policy_word(policy: ptr<function, PolicyWords>, index: u32) -> u32 {
    if index == 0u {
        return (*policy).first;
    }
    let number = (index - 1u) / 4u;
    if number != (*policy).number {
        (*policy).block = words((*policy).stream, POLICY, number);
        (*policy).number = number;
    }
    return (*policy).block[(index - 1u) % 4u];
}

// The four words of block `block` of the layer whose code is `layer`.
fn layer_words(stream: Stream, layer: u32, block: u32) -> vec4<u32> {
    return words(stream, LAYER, (layer << 16u) + block);
}
