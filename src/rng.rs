//! Counter-based random numbers: every draw is a pure function of where it is used.
//!
//! There is no generator state. A draw is one 32-bit word of
//!
//! ```text
//! philox4x32_10(key = seed, counter = (episode low, episode high, step, purpose << 24 | block))
//! ```
//!
//! so that user *i* of a run meets the same draws whatever the backend, the batch, the thread or the policy.
//!
//! # Layout, version 1
//!
//! | purpose | code | step | block | words |
//! | --- | --- | --- | --- | --- |
//! | [`STEP`] | 0 | t | 0 | 0: the choice, 1 and 2: the environment's first two words, 3: the policy's first word |
//! | [`ENVIRONMENT`] | 1 | t | b | the environment's words 4b + 2 ... 4b + 5 |
//! | [`POLICY`] | 2 | t | b | the policy's words 4b + 1 ... 4b + 4 |
//! | [`DOCUMENT`] | 3 | t | candidate · blocks + b | the features of one candidate offered at step t |
//! | [`OBSERVATION`] | 4 | t | b | noise on what is observed before step t |
//! | [`USER`] | 5 | 0 | b | the user at the start of the episode |
//! | [`CORPUS`] | 6 | 0 | candidate · blocks + b | the features of a document of the shared corpus; episode 0 |
//! | [`LAYER`] | 7 | t | layer · 2^16 + b | what a layer around the policy draws; `layer` is its code |
//! | [`HOST`] | 255 | | | [`Philox`], the generator for code on the host |
//!
//! Words of different purposes never coincide: two policies face the same user, the same documents and the same
//! noise. The commonest words of a step share one block, because a Philox block is the largest single cost of a step.
//! A change of this table is a change of every published number: it raises [`LAYOUT_VERSION`].
//!
//! # Source
//! Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11; known answers from the
//! Random123 distribution.

use crate::number::{Long, Mask, ScalarWord, Word};
use rand::rand_core::{Infallible, SeedableRng, TryRng, utils};

/// Counts the incompatible changes of the table above.
pub const LAYOUT_VERSION: u32 = 1;

/// The words that nearly every step needs.
pub const STEP: u32 = 0;
/// Further words of the response and the transition.
pub const ENVIRONMENT: u32 = 1;
/// Further words of the policy.
pub const POLICY: u32 = 2;
/// The candidates of a step, one or more blocks a document.
pub const DOCUMENT: u32 = 3;
/// Noise on observations.
pub const OBSERVATION: u32 = 4;
/// The user at the start of an episode.
pub const USER: u32 = 5;
/// The corpus that all users and episodes share.
pub const CORPUS: u32 = 6;
/// What layers around a policy draw.
pub const LAYER: u32 = 7;
/// Draws of code on the host, which have no twin.
pub const HOST: u32 = 255;

/// How many blocks a purpose has: block numbers stay below this.
pub const BLOCKS_PER_PURPOSE: u32 = 1 << 24;

const MULTIPLIER_A: u32 = 0xd251_1f53;
const MULTIPLIER_B: u32 = 0xcd9e_8d57;
const WEYL_A: u32 = 0x9e37_79b9;
const WEYL_B: u32 = 0xbb67_ae85;
const ROUNDS: u32 = 10;

/// Returns the upper half of the 64-bit product.
#[inline(always)]
pub fn multiply_high<W: Word>(a: W, b: W) -> W {
    a.widening_mul(b).0
}

/// Encrypts a counter: four words that no statistical test tells from random ones.
///
/// # Source
/// Random123, `philox4x32-10`.
#[inline(always)]
pub fn philox<W: Word>(counter: [W; 4], key: [u32; 2]) -> [W; 4] {
    W::by_parts(
        counter,
        #[inline(always)]
        |counter| rounds(counter, key),
    )
}

/// The rounds of the cipher.
#[inline(always)]
fn rounds<L: Long>(counter: [L; 4], key: [u32; 2]) -> [L; 4] {
    last_rounds(round(round(counter, key, 0), key, 1), key)
}

/// The rounds from the third on. They are written out, so that the keys of all rounds are computed once for all steps:
/// compilers do not unroll this loop where a word takes two registers. Debug builds keep the loop, which compiles faster.
#[inline(always)]
fn last_rounds<L: Long>(begun: [L; 4], key: [u32; 2]) -> [L; 4] {
    let mut state = begun;
    if cfg!(debug_assertions) {
        for number in 2..ROUNDS {
            state = round(state, key, number);
        }
        return state;
    }
    state = round(state, key, 2);
    state = round(state, key, 3);
    state = round(state, key, 4);
    state = round(state, key, 5);
    state = round(state, key, 6);
    state = round(state, key, 7);
    state = round(state, key, 8);
    round(state, key, ROUNDS - 1)
}

/// One round. The upper halves of the words are arbitrary: only products read whole words, and they take the lower halves.
#[inline(always)]
fn round<L: Long>([a, b, c, d]: [L; 4], key: [u32; 2], number: u32) -> [L; 4] {
    let of_round = |key: u32, weyl: u32| L::splat(key.wrapping_add(number.wrapping_mul(weyl)));
    let product_a = a.product(L::splat(MULTIPLIER_A));
    let product_b = c.product(L::splat(MULTIPLIER_B));
    [
        product_b.upper() ^ b ^ of_round(key[0], WEYL_A),
        product_b,
        product_a.upper() ^ d ^ of_round(key[1], WEYL_B),
        product_a,
    ]
}

/// Splits a seed into the two words of a key, the low one first.
pub fn key(seed: u64) -> [u32; 2] {
    halves(seed)
}

/// Splits a 64-bit number into words, the low one first.
#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the halves of a 64-bit number"
)]
pub(crate) fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// Names the draws of one step of one episode, for each user of a vector.
///
/// It holds the results of the first two rounds of the cipher that depend on episode and step only, which all draws of a step
/// share: of the eight products of these rounds seven are made once, and those of the episode alone once for all of its
/// steps.
///
/// ```text
/// round 1 of (low, high, step, place):
///     (upper(B step) ^ high ^ k0, lower(B step), upper(A low) ^ place ^ k1, lower(A low)) = (a, b, c, d)
/// round 2, with the keys k0' and k1':
///     (upper(B c) ^ b ^ k0', lower(B c), upper(A a) ^ d ^ k1', lower(A a))
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stream<W> {
    key: [u32; 2],
    /// The upper word of the episode index.
    high: W,
    step: W,
    /// c without the place, and d.
    of_episode: [W; 2],
    /// b ^ k0', upper(A a) ^ k1', lower(A a).
    of_step: [W; 3],
}

impl<W: Word> Stream<W> {
    /// Names the draws of steps, counted from 0, of episodes, low word first; the key is the [seed](key) of the run.
    #[inline(always)]
    pub fn new(key: [u32; 2], [low, high]: [W; 2], step: W) -> Self {
        let (upper, lower) = low.widening_mul(W::splat(MULTIPLIER_A));
        Self {
            key,
            high,
            step,
            of_episode: [upper ^ W::splat(key[1]), lower],
            of_step: of_step(key, high, step),
        }
    }

    /// Returns the step.
    #[inline(always)]
    pub fn step(&self) -> W {
        self.step
    }

    /// Returns the stream of the same episodes at other steps.
    #[inline(always)]
    #[must_use]
    pub fn at(&self, step: W) -> Self {
        Self {
            step,
            of_step: of_step(self.key, self.high, step),
            ..*self
        }
    }

    /// As [`at`](Self::at), for one step of episodes whose indices share their upper word, as consecutive ones of a block do.
    #[inline(always)]
    #[must_use]
    pub fn at_step(&self, step: u32) -> Self {
        let high = self.high.lane(0);
        debug_assert!(
            !(!self.high.equals(W::splat(high))).any(),
            "the episodes cross a multiple of 2^32"
        );
        let [second, upper, lower] = of_step(self.key, ScalarWord(high), ScalarWord(step));
        Self {
            step: W::splat(step),
            of_step: [W::splat(second.0), W::splat(upper.0), W::splat(lower.0)],
            ..*self
        }
    }

    /// Names the draws of step `step` for consecutive episodes, the first lane's being `first`.
    ///
    /// # Panics
    /// In debug builds, if the episodes cross a multiple of 2^32.
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the halves of a 64-bit index; lanes are few"
    )]
    pub fn of_consecutive_episodes(seed: u64, first: u64, step: u32) -> Self {
        let low = W::from_fn(|lane| (first as u32).wrapping_add(lane as u32));
        let high = W::splat((first >> 32) as u32);
        Self::new(key(seed), [low, high], W::splat(step))
    }

    /// Returns block `block` of a purpose: four words.
    #[inline(always)]
    pub fn words(&self, purpose: u32, block: W) -> [W; 4] {
        let key = self.key;
        let [third, fourth] = self.of_episode;
        let [second, upper, lower] = self.of_step;
        let third = third ^ (W::splat(purpose << 24) | block);
        W::by_parts(
            [third, fourth, second, upper, lower],
            #[inline(always)]
            |[third, fourth, second, upper, lower]| {
                let product = third.product(Long::splat(MULTIPLIER_B));
                let begun = [product.upper() ^ second, product, upper ^ fourth, lower];
                last_rounds(begun, key)
            },
        )
    }
}

/// Computes the part of the first two rounds that depends on the step; see [`Stream`].
#[inline(always)]
fn of_step<W: Word>(key: [u32; 2], high: W, step: W) -> [W; 3] {
    let next = |number: usize, weyl: u32| W::splat(key[number].wrapping_add(weyl));
    let (upper_b, lower_b) = step.widening_mul(W::splat(MULTIPLIER_B));
    let first = upper_b ^ high ^ W::splat(key[0]);
    let (upper_a, lower_a) = first.widening_mul(W::splat(MULTIPLIER_A));
    [
        lower_b ^ next(0, WEYL_A),
        upper_a ^ next(1, WEYL_B),
        lower_a,
    ]
}

/// The policy's words of a step in rising order, each block of four made once.
#[derive(Clone, Debug)]
pub struct PolicyWords<W> {
    stream: Stream<W>,
    first: W,
    block: [W; 4],
}

impl<W: Word> PolicyWords<W> {
    /// Begins with word 0, which is in the random block [`STEP`].
    #[inline(always)]
    pub fn new(stream: Stream<W>, first: W) -> Self {
        Self {
            stream,
            first,
            block: [first; 4],
        }
    }

    /// Returns word `index`. Words 1, 5, 9 and so on, which begin a block, must not be left out.
    #[inline(always)]
    pub fn word(&mut self, index: u32) -> W {
        let Some(index) = index.checked_sub(1) else {
            return self.first;
        };
        if index % 4 == 0 {
            self.block = self.stream.words(POLICY, W::splat(index / 4));
        }
        // Indexing an array would keep all of this in memory.
        let [first, second, third, fourth] = self.block;
        match index % 4 {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }
}

/// A generator for code on the host, with the traits of `rand`, so that the ecosystem's distributions work on it.
///
/// ```
/// use rand::{RngExt, SeedableRng};
/// let mut rng = slatesim::rng::Philox::seed_from_u64(7);
/// let die: u32 = rng.random_range(1..=6);
/// assert!((1..=6).contains(&die));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
    next_block: u64,
    words: [u32; 4],
    used: usize,
}

impl Philox {
    /// Starts the generator of a seed; different seeds give unrelated sequences.
    pub fn new(seed: u64) -> Self {
        Self {
            key: key(seed),
            next_block: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// Returns the four words of block `block` of a seed's sequence, without going through those before.
    pub fn block(seed: u64, block: u64) -> [u32; 4] {
        Self::words(key(seed), block)
    }

    fn words(seed_key: [u32; 2], block: u64) -> [u32; 4] {
        let [low, high] = halves(block);
        let counter = [low, high, 0, HOST << 24].map(ScalarWord);
        philox(counter, seed_key).map(|word| word.0)
    }

    fn next_word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = Self::words(self.key, self.next_block);
            self.next_block = self.next_block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }
}

impl SeedableRng for Philox {
    type Seed = [u8; 8];
    fn from_seed(seed: [u8; 8]) -> Self {
        Self::new(u64::from_le_bytes(seed))
    }
    fn seed_from_u64(seed: u64) -> Self {
        Self::new(seed)
    }
}

impl TryRng for Philox {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_word())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let (low, high) = (self.next_word(), self.next_word());
        Ok(u64::from(low) | u64::from(high) << 32)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Lanes, LanesWord, Number, ScalarWord};
    use rand::{Rng, RngExt};

    /// Counter, key, result: `kat_vectors` of Random123 1.14, philox4x32 with 10 rounds.
    const KNOWN_ANSWERS: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        (
            [0; 4],
            [0; 2],
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
        ),
        (
            [u32::MAX; 4],
            [u32::MAX; 2],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];

    #[test]
    fn philox_gives_the_known_answers_of_random123() {
        for (counter, key, expected) in KNOWN_ANSWERS {
            assert_eq!(
                philox(counter.map(ScalarWord), key).map(|word| word.0),
                expected
            );
            let lanes = philox(counter.map(|word| LanesWord([word; 16])), key);
            assert_eq!(lanes.map(|word| word.0[11]), expected);
        }
    }

    #[test]
    fn philox_agrees_with_an_independent_implementation() {
        let mut rng = Philox::new(1);
        for _ in 0..10_000 {
            let counter = [0; 4].map(|_: u32| rng.next_u32());
            let key = [rng.next_u32(), rng.next_u32()];
            assert_eq!(
                philox(counter.map(ScalarWord), key).map(|word| word.0),
                rand_philox::philox4x32_10(counter, key)
            );
        }
    }

    #[test]
    fn lanes_meet_the_draws_of_their_episodes() {
        let many =
            Stream::<<Lanes<16> as Number>::Word>::of_consecutive_episodes(9, (5 << 32) + 32, 3);
        let words = many.words(DOCUMENT, LanesWord::splat(17));
        for lane in 0..16 {
            let one =
                Stream::<ScalarWord>::of_consecutive_episodes(9, (5 << 32) + 32 + lane as u64, 3);
            assert_eq!(
                one.words(DOCUMENT, ScalarWord(17)).map(|word| word.0),
                words.map(|word| word.0[lane])
            );
        }
    }

    /// Change these numbers only when [`LAYOUT_VERSION`] rises.
    #[test]
    fn the_layout_of_version_1_is_pinned() {
        assert_eq!(LAYOUT_VERSION, 1);
        let stream = Stream::new(
            key(0x0123_4567_89ab_cdef),
            [ScalarWord(10), ScalarWord(2)],
            ScalarWord(7),
        );
        let independent = |purpose: u32, block: u32| {
            rand_philox::philox4x32_10(
                [10, 2, 7, purpose << 24 | block],
                [0x89ab_cdef, 0x0123_4567],
            )
        };
        let purposes = [
            STEP,
            ENVIRONMENT,
            POLICY,
            DOCUMENT,
            OBSERVATION,
            USER,
            CORPUS,
        ];
        assert_eq!(purposes, [0, 1, 2, 3, 4, 5, 6]);
        for purpose in purposes {
            assert_eq!(
                stream.words(purpose, ScalarWord(300)).map(|word| word.0),
                independent(purpose, 300)
            );
            for same in [
                stream.at_step(3).at_step(7),
                stream.at_step(3).at(stream.step()),
            ] {
                let words = same.words(purpose, ScalarWord(300));
                assert_eq!(words.map(|word| word.0), independent(purpose, 300));
            }
        }
        let first = ScalarWord(42);
        let mut policy = PolicyWords::new(stream, first);
        let words: Vec<u32> = (0..9).map(|index| policy.word(index).0).collect();
        let blocks = [independent(POLICY, 0), independent(POLICY, 1)].concat();
        assert_eq!((words[0], &words[1..]), (first.0, &blocks[..]));
    }

    #[test]
    fn the_host_generator_feeds_the_distributions_of_rand() {
        let mut rng = Philox::seed_from_u64(3);
        let mean = (0..100_000).map(|_| rng.random::<f64>()).sum::<f64>() / 1e5;
        // Standard error 0.00091; six of them.
        assert!(
            (mean - 0.5).abs() < 0.0055,
            "mean of 100,000 uniforms: {mean}"
        );
        assert_ne!(Philox::new(1).next_u64(), Philox::new(2).next_u64());
        let mut rng = Philox::new(5);
        let words: Vec<u32> = (0..12).map(|_| rng.next_u32()).collect();
        assert_eq!(words[8..], Philox::block(5, 2));
        let mut bytes = [0; 7];
        Philox::new(1).fill_bytes(&mut bytes);
        assert_eq!(bytes[..4], Philox::new(1).next_u32().to_le_bytes());
    }
}
