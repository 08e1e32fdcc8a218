// The layout of the sums of a batch, in one buffer for tally.wgsl and fold.wgsl: sums of returns, of their squares, of slopes
// and of their squares; sums of products, as PRODUCT_DIGITS digits of DIGIT_BITS each: clicks · clicks, clicks · length,
// length · length; keys of the largest return, the smallest, and of slopes; how many episodes have each length up to
// max_steps; how many run on. Then of each step from step_begin on: the sum of rewards, the sum of their squares, clicks.

#define_import_path slatesim::tallied

#import slatesim::job::job
#import slatesim::exact_sum::DIGITS

// Rust: src/backend/gpu/work/rollout/tally.rs. A sum has its digits, see exact_sum.wgsl, and how many terms were not finite.
const SUM_WORDS: u32 = DIGITS + 1u;
const RETURNS: u32 = 0u;
const SLOPES: u32 = 2u * SUM_WORDS;
const PRODUCTS: u32 = 4u * SUM_WORDS;
const PRODUCT_DIGITS: u32 = 5u;
const EXTREMES: u32 = PRODUCTS + 3u * PRODUCT_DIGITS;
const LENGTHS: u32 = EXTREMES + 4u;
const STEP_WORDS: u32 = 2u * SUM_WORDS + 1u;

// The word that counts episodes that run on; those of steps come after it.
fn running_word() -> u32 {
    return LENGTHS + job.max_steps + 1u;
}
