// Random slates of distinct candidates, a position at a time. Twin: src/policy/shuffle.rs.
//
// A Fisher-Yates shuffle that stops after the slate and needs no array: position p swaps with a random place at or after it,
// and the candidate at that place is found by undoing the earlier swaps, the latest first.

#define_import_path slatesim::shuffle

#import slatesim::distribution

// Draws the candidate of a position; `swapped` holds the places of those before it.
fn next_candidate(swapped: ptr<function, array<u32, #{NUM_SHOWN}>>, position: u32, word: u32) -> u32 {
    let place = distribution::bounded_integer(word, #{NUM_CANDIDATES}u - position) + position;
    var candidate = place;
    for (var undone = 1u; undone <= position; undone++) {
        let earlier = position - undone;
        candidate = select(candidate, earlier, candidate == (*swapped)[earlier]);
    }
    (*swapped)[position] = place;
    return candidate;
}
