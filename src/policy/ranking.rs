//! The best of many candidates, in order: what most policies end with. Twin: `shaders/policy/ranking.wgsl`.
//!
//! Candidates are inserted into a slate that is kept sorted. A candidate displaces only what is strictly worse, so that ties
//! stay in the order of insertion: inserted by ascending index, the lower index comes first, and inserted from the last to the
//! first, the higher index.

use super::Scratch;
use crate::number::{Mask, Number, Word};

/// Less than every key; WGSL does not guarantee infinities.
pub const WORST: f64 = -3.0e38;
/// The key of candidates whose key is not above [`WORST`], or not a number, so that they fill positions that would stay empty.
pub const FLOOR: f64 = -2.9e38;

/// Begins an empty slate of `length` positions: every inserted key is better than its keys.
#[inline(always)]
pub fn begin<N: Number>(scratch: &mut Scratch<N>, length: usize) {
    scratch.numbers.clear();
    scratch.numbers.resize(length, N::splat(WORST));
}

/// Inserts a candidate by its key, the largest first; `keys` are those of the slate.
///
/// A key that is not above [`WORST`], or not a number, counts as [`FLOOR`]: as many candidates as there are positions fill the
/// slate, whatever their keys.
#[inline(always)]
pub fn insert<N: Number>(keys: &mut [N], slate: &mut [N::Word], key: N, candidate: N::Word) {
    insert_above(keys, slate, key, N::splat(0.0), candidate);
}

/// Inserts a candidate as [`insert`] does, where keys nearer than `margin` are ties.
///
/// For keys with rounding errors: candidates that would tie without rounding keep their order.
#[inline(always)]
pub fn insert_above<N: Number>(
    keys: &mut [N],
    slate: &mut [N::Word],
    mut key: N,
    margin: N,
    mut candidate: N::Word,
) {
    key = N::select(N::splat(WORST).less_than(key), key, N::splat(FLOOR));
    let lowered = (key - margin).max(N::splat(FLOOR));
    let mut is_pushed = N::Mask::splat(false);
    for position in 0..slate.len() {
        // A displaced candidate moves on to the next position, and stays before its equals there: it was inserted before them.
        let is_better = is_pushed | keys[position].less_than(lowered);
        is_pushed = is_better;
        let pushed_key = N::select(is_better, keys[position], key);
        let pushed_candidate = N::Word::select(is_better, slate[position], candidate);
        keys[position] = N::select(is_better, key, keys[position]);
        slate[position] = N::Word::select(is_better, candidate, slate[position]);
        key = pushed_key;
        candidate = pushed_candidate;
    }
}

/// Inserts a candidate by the sum of a key and a small number, the largest first, where sums nearer than `margin` are ties;
/// `rests` are the small numbers of the slate.
///
/// Sums are compared by the differences of their parts, so that rounding a large key that two candidates share does not hide
/// their difference.
#[inline(always)]
pub fn insert_sum<N: Number>(
    keys: &mut [N],
    rests: &mut [N],
    slate: &mut [N::Word],
    [mut key, mut rest]: [N; 2],
    margin: N,
    mut candidate: N::Word,
) {
    key = N::select(N::splat(WORST).less_than(key), key, N::splat(FLOOR));
    let mut is_pushed = N::Mask::splat(false);
    for position in 0..slate.len() {
        let by_key = keys[position] - key;
        let by_rest = rests[position] - rest;
        let is_better = is_pushed | (by_key + by_rest).less_than(-margin);
        is_pushed = is_better;
        let pushed = [
            N::select(is_better, keys[position], key),
            N::select(is_better, rests[position], rest),
        ];
        let pushed_candidate = N::Word::select(is_better, slate[position], candidate);
        keys[position] = N::select(is_better, key, keys[position]);
        rests[position] = N::select(is_better, rest, rests[position]);
        slate[position] = N::Word::select(is_better, candidate, slate[position]);
        [key, rest] = pushed;
        candidate = pushed_candidate;
    }
}

/// Inserts a candidate by its rank, the smallest first, and within a rank by its key, the largest first.
///
/// `ranks` are those of the slate, which must begin with values above every rank.
#[inline(always)]
pub fn insert_ranked<N: Number>(
    ranks: &mut [N::Word],
    keys: &mut [N],
    slate: &mut [N::Word],
    mut rank: N::Word,
    mut key: N,
    mut candidate: N::Word,
) {
    let mut is_pushed = N::Mask::splat(false);
    for position in 0..slate.len() {
        let is_better = is_pushed
            | rank.less_than(ranks[position])
            | (rank.equals(ranks[position]) & keys[position].less_than(key));
        is_pushed = is_better;
        let pushed_rank = N::Word::select(is_better, ranks[position], rank);
        let pushed_key = N::select(is_better, keys[position], key);
        let pushed_candidate = N::Word::select(is_better, slate[position], candidate);
        ranks[position] = N::Word::select(is_better, rank, ranks[position]);
        keys[position] = N::select(is_better, key, keys[position]);
        slate[position] = N::Word::select(is_better, candidate, slate[position]);
        rank = pushed_rank;
        key = pushed_key;
        candidate = pushed_candidate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Lanes, LanesWord, ScalarWord};

    #[test]
    fn keys_that_are_no_numbers_fill_a_slate_by_index_behind_those_that_are() {
        let bad = [f64::NAN, f64::NEG_INFINITY, -3.1e38, WORST];
        for key in bad {
            let (mut scratch, mut slate) = (Scratch::default(), vec![ScalarWord(9); 3]);
            begin::<f64>(&mut scratch, 3);
            for (candidate, key) in (0..).map(ScalarWord).zip([key, key, 1.0, key]) {
                insert(&mut scratch.numbers, &mut slate, key, candidate);
            }
            assert_eq!(slate, [2, 0, 1].map(ScalarWord), "{key}");
        }
    }

    #[test]
    fn keys_nearer_than_the_margin_stay_in_the_order_of_insertion() {
        let (mut scratch, mut slate) = (Scratch::default(), vec![ScalarWord(9); 3]);
        begin::<f64>(&mut scratch, 3);
        for (candidate, key) in (0..).map(ScalarWord).zip([1.0, 1.09, 1.21, f64::NAN, 1.3]) {
            insert_above(&mut scratch.numbers, &mut slate, key, 0.1, candidate);
        }
        // 1.09 ties with 1.0, and 1.3 with 1.21.
        assert_eq!(slate, [2, 4, 0].map(ScalarWord));
    }

    #[test]
    fn a_large_key_does_not_round_away_the_small_number_beside_it() {
        let (mut keys, mut rests) = ([Lanes::<1>::splat(WORST); 3], [Lanes::<1>::splat(0.0); 3]);
        let mut slate = [LanesWord::<1>::splat(9); 3];
        for (index, (key, rest)) in (0..).zip([(1e7, 0.25), (1e7, 0.5), (2e7, -3.0), (1e7, 0.25)]) {
            let sum = [key, rest].map(Lanes::splat);
            insert_sum(
                &mut keys,
                &mut rests,
                &mut slate,
                sum,
                Lanes::splat(0.0),
                LanesWord::splat(index),
            );
        }
        assert_eq!(slate.map(|candidate| candidate.lane(0)), [2, 1, 0]);
    }

    /// All 2,916 slates of 1 to 4 of 6 candidates with keys of three values, against a stable sort.
    #[test]
    fn ties_stay_in_the_order_of_insertion_whoever_is_pushed_out() {
        for code in 0..3u32.pow(6) {
            let all: Vec<u32> = (0..6).map(|digit| code / 3u32.pow(digit) % 3).collect();
            let sorted = |rank: &dyn Fn(u32) -> (u32, u32)| {
                let mut order: Vec<u32> = (0..6).collect();
                order.sort_by_key(|&candidate| rank(all[candidate as usize]));
                order
            };
            for length in 1..=4 {
                let (mut scratch, mut slate) = (Scratch::default(), vec![ScalarWord(9); length]);
                begin::<f64>(&mut scratch, length);
                let (mut ranks, mut by_rank) = (vec![ScalarWord(9); length], slate.clone());
                let mut keys = scratch.numbers.clone();
                for (candidate, &value) in (0..).map(ScalarWord).zip(&all) {
                    let key = f64::from(value);
                    insert(&mut scratch.numbers, &mut slate, key, candidate);
                    // Rank 0 for value 1, else rank 1.
                    let rank = ScalarWord(u32::from(value != 1));
                    insert_ranked(&mut ranks, &mut keys, &mut by_rank, rank, key, candidate);
                }
                let found: Vec<u32> = slate.iter().map(|shown| shown.0).collect();
                assert_eq!(found, sorted(&|value| (0, 2 - value))[..length], "{all:?}");
                let found: Vec<u32> = by_rank.iter().map(|shown| shown.0).collect();
                let expected = sorted(&|value| (u32::from(value != 1), 2 - value));
                assert_eq!(found, expected[..length], "{all:?}");
            }
        }
    }
}
