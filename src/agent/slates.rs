//! All slates that can be shown, in the order in which an agent looks at them.

/// The most slates: at every step the agent looks at all of them.
pub const MAX_SLATES: u32 = 100_000;

/// Counts the slates of `slate_size` different candidates; with `ordinal`, each order counts as a slate of its own.
///
/// ```text
/// n! / (n - k)!  ordinal,   n! / (k! (n - k)!)  else
/// ```
///
/// `None` if there are more than 2^128.
pub fn num_slates(num_candidates: u32, slate_size: u32, ordinal: bool) -> Option<u128> {
    if slate_size > num_candidates {
        return Some(0);
    }
    let chosen = match ordinal {
        true => slate_size,
        // There are as many ways to choose the candidates that are left out; the smaller number avoids overflow on the way.
        false => slate_size.min(num_candidates - slate_size),
    };
    (0..chosen).try_fold(1u128, |number, position| {
        let number = number.checked_mul(u128::from(num_candidates - position))?;
        Some(match ordinal {
            true => number,
            false => number / u128::from(position + 1),
        })
    })
}

/// Lists the slates as indices of candidates, in lexicographic order.
///
/// # Source
/// Python's `itertools.combinations` and `permutations`.
pub fn slates(num_candidates: u32, slate_size: u32, ordinal: bool) -> Vec<Vec<u32>> {
    let mut all = Vec::new();
    if slate_size <= num_candidates {
        extend(
            num_candidates,
            slate_size,
            ordinal,
            &mut Vec::new(),
            &mut all,
        );
    }
    all
}

/// Lists the slates that begin with `begun`, if enough candidates remain to fill them.
fn extend(
    num_candidates: u32,
    missing: u32,
    ordinal: bool,
    begun: &mut Vec<u32>,
    all: &mut Vec<Vec<u32>>,
) {
    if missing == 0 {
        all.push(begun.clone());
        return;
    }
    let candidates = match begun.last() {
        _ if ordinal => 0..num_candidates,
        None => 0..num_candidates + 1 - missing,
        Some(last) => last + 1..num_candidates + 1 - missing,
    };
    for candidate in candidates {
        if !begun.contains(&candidate) {
            begun.push(candidate);
            extend(num_candidates, missing - 1, ordinal, begun, all);
            begun.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `RecSim` 0.2.4, `test_slate_enumeration`.
    #[test]
    fn slates_of_two_of_four_are_six_combinations_or_twelve_permutations() {
        let combinations = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
        assert_eq!(slates(4, 2, false), combinations);
        let permutations = slates(4, 2, true);
        assert_eq!(permutations.len(), 12);
        assert_eq!(permutations[..4], [[0, 1], [0, 2], [0, 3], [1, 0]]);
        assert!(permutations.is_sorted());
    }

    #[test]
    fn slates_are_as_many_as_they_are_counted() {
        for num_candidates in 0..7 {
            for slate_size in 1..=num_candidates + 1 {
                for ordinal in [false, true] {
                    let listed = slates(num_candidates, slate_size, ordinal).len();
                    let counted = num_slates(num_candidates, slate_size, ordinal);
                    assert_eq!(counted, Some(listed as u128));
                }
            }
        }
        // Nearly all candidates are chosen: there are few slates, and the search must skip beginnings that cannot be completed.
        assert_eq!(slates(200, 198, false).len(), 19_900);
        assert_eq!(num_slates(50, 5, false), Some(2_118_760));
        assert_eq!(num_slates(1_000_000, 1_000, true), None);
    }
}
