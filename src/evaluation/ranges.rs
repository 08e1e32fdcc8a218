//! Sets of episodes, as lists of ranges in ascending order that neither touch nor overlap.

/// The first of some consecutive episodes, and the one after the last.
pub type EpisodeRange = (u64, u64);

/// Most ranges that a sentence lists.
const MOST_TOLD: usize = 6;

/// Joins ranges that touch.
///
/// Returns two ranges that overlap as the error.
pub(super) fn disjoint_union(
    mut ranges: Vec<EpisodeRange>,
) -> Result<Vec<EpisodeRange>, [EpisodeRange; 2]> {
    ranges.sort_unstable();
    let overlap = ranges.windows(2).find(|pair| pair[1].0 < pair[0].1);
    match overlap {
        Some(pair) => Err([pair[0], pair[1]]),
        None => Ok(union(ranges)),
    }
}

/// Joins ranges that touch or overlap.
pub(super) fn union(mut ranges: Vec<EpisodeRange>) -> Vec<EpisodeRange> {
    ranges.sort_unstable();
    let mut joined: Vec<EpisodeRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.0 <= last.1 => last.1 = last.1.max(range.1),
            _ => joined.push(range),
        }
    }
    joined
}

/// Lists the episodes that are in the first set and not in the second.
pub(super) fn difference(of: &[EpisodeRange], without: &[EpisodeRange]) -> Vec<EpisodeRange> {
    let mut rest = Vec::new();
    for &(mut start, end) in of {
        for &(from, to) in without {
            if to <= start || from >= end {
                continue;
            }
            if from > start {
                rest.push((start, from));
            }
            start = to;
        }
        if start < end {
            rest.push((start, end));
        }
    }
    rest
}

/// Counts the episodes; `None` if the count does not fit into 64 bits.
pub(super) fn count(ranges: &[EpisodeRange]) -> Option<u64> {
    let lengths = ranges.iter().map(|&(start, end)| end.checked_sub(start));
    lengths
        .into_iter()
        .try_fold(0u64, |sum, length| sum.checked_add(length?))
}

/// Writes ranges as text: `0 to 255 and 512 to 1023`, the last episode included.
pub(crate) fn told(ranges: &[EpisodeRange]) -> String {
    let one = |&(start, end): &EpisodeRange| match end - start {
        1 => start.to_string(),
        _ => format!("{start} to {}", end - 1),
    };
    let mut parts: Vec<String> = ranges.iter().take(MOST_TOLD).map(one).collect();
    if ranges.len() > MOST_TOLD {
        parts.push(format!("{} more ranges", ranges.len() - MOST_TOLD));
    }
    match parts.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => parts.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_where_they_touch() {
        assert_eq!(
            disjoint_union(vec![(512, 600), (0, 256), (256, 512)]),
            Ok(vec![(0, 600)])
        );
        assert_eq!(
            disjoint_union(vec![(512, 600), (0, 256)]),
            Ok(vec![(0, 256), (512, 600)])
        );
        assert_eq!(disjoint_union(vec![]), Ok(vec![]));
        assert_eq!(
            disjoint_union(vec![(0, 512), (256, 300)]),
            Err([(0, 512), (256, 300)])
        );
        assert_eq!(
            union(vec![(0, 512), (256, 300), (700, 800), (500, 600)]),
            [(0, 600), (700, 800)]
        );
    }

    #[test]
    fn what_is_lacking_is_listed() {
        let whole = [(0, 1000), (2048, 3000)];
        assert_eq!(difference(&whole, &[]), whole);
        assert_eq!(difference(&whole, &whole), []);
        assert_eq!(
            difference(&whole, &[(0, 256), (512, 768), (2500, 4000)]),
            [(256, 512), (768, 1000), (2048, 2500)]
        );
        assert_eq!(count(&whole), Some(1952));
        assert_eq!(count(&[(0, u64::MAX), (0, 1)]), None);
    }

    #[test]
    fn ranges_are_told_with_their_last_episode_and_not_without_end() {
        assert_eq!(told(&[(0, 256)]), "0 to 255");
        assert_eq!(told(&[(0, 256), (512, 513)]), "0 to 255 and 512");
        let many: Vec<EpisodeRange> = (0..9).map(|index| (512 * index, 512 * index + 1)).collect();
        assert_eq!(
            told(&many),
            "0, 512, 1024, 1536, 2048, 2560 and 3 more ranges"
        );
        assert_eq!(told(&[]), "");
    }
}
