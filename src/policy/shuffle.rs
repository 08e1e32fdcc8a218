//! Random slates of distinct candidates, a position at a time. Twin: `shaders/policy/shuffle.wgsl`.
//!
//! A Fisher-Yates shuffle that stops after the slate and needs no array: position p swaps with a random place at or after it,
//! and the candidate at that place is found by undoing the earlier swaps, the latest first.

use crate::distribution::bounded_integer;
use crate::number::Word;

/// Draws the candidate of the next position; `swapped` holds the places of those before it.
///
/// # Panics
/// Never: slates have fewer than 2^32 positions.
#[inline(always)]
pub fn next_candidate<W: Word>(swapped: &mut Vec<W>, num_candidates: u32, word: W) -> W {
    let position = u32::try_from(swapped.len()).expect("slates are short");
    let remaining = W::splat(num_candidates - position);
    let place = bounded_integer(word, remaining) + W::splat(position);
    let mut candidate = place;
    for (earlier, &swapped) in (0..position).zip(swapped.iter()).rev() {
        let moved = candidate.equals(swapped);
        candidate = W::select(moved, W::splat(earlier), candidate);
    }
    swapped.push(place);
    candidate
}
