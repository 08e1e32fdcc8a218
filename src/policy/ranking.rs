//! The best of many candidates, in order: what most policies end with. Twin: `shaders/policy/ranking.wgsl`.
//!
//! Candidates are inserted into a slate that is kept sorted. A candidate pushes out only what is strictly worse, so that
//! ties stay in the order of insertion: with candidates inserted by index, the lower index comes first. Who wants the
//! higher one first inserts from the last candidate to the first.

use super::Scratch;
use crate::number::{Number, Word};

/// Below every key; infinities have no place in WGSL.
pub const WORST: f64 = -3.0e38;

/// Begins an empty slate of `length` positions: every key that is inserted is better than what it holds.
#[inline(always)]
pub fn begin<N: Number>(scratch: &mut Scratch<N>, length: usize) {
    scratch.numbers.clear();
    scratch.numbers.resize(length, N::splat(WORST));
}

/// Inserts a candidate by its key, the largest first; `keys` are those of the slate.
#[inline(always)]
pub fn insert<N: Number>(
    keys: &mut [N],
    slate: &mut [N::Word],
    mut key: N,
    mut candidate: N::Word,
) {
    for position in 0..slate.len() {
        let is_better = keys[position].less_than(key);
        // Whoever is pushed out moves on to the next position.
        let pushed_key = N::select(is_better, keys[position], key);
        let pushed_candidate = N::Word::select(is_better, slate[position], candidate);
        keys[position] = N::select(is_better, key, keys[position]);
        slate[position] = N::Word::select(is_better, candidate, slate[position]);
        key = pushed_key;
        candidate = pushed_candidate;
    }
}

/// Inserts a candidate by its rank, the smallest first, and among those of a rank by its key, the largest first.
///
/// `ranks` are those of the slate, all above every rank to begin with.
#[inline(always)]
pub fn insert_ranked<N: Number>(
    ranks: &mut [N::Word],
    keys: &mut [N],
    slate: &mut [N::Word],
    mut rank: N::Word,
    mut key: N,
    mut candidate: N::Word,
) {
    for position in 0..slate.len() {
        let is_better = rank.less_than(ranks[position])
            | (rank.equals(ranks[position]) & keys[position].less_than(key));
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
