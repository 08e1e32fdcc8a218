//! The nearest known name to one that is unknown.

use strsim::damerau_levenshtein;

/// Finds the known name that was probably meant, if one is near enough to say so.
///
/// Distance is the number of letters typed wrongly, swapped, missing or too many; a third of the name may be wrong.
#[must_use]
pub fn nearest_name<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = normal(given);
    known
        .into_iter()
        .map(|name| (damerau_levenshtein(&given, name), name))
        .filter(|(distance, name)| *distance <= tolerance(name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Finds the known dotted key that was probably meant: one spelled alike, else one with the same last part in another
/// table (`environment.sensitivity`), else one whose last part is spelled alike.
pub(super) fn nearest_key<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = normal(given);
    known
        .into_iter()
        .filter_map(|key| {
            let whole = damerau_levenshtein(&given, key);
            let last = damerau_levenshtein(leaf(&given), leaf(key));
            let class = if whole <= tolerance(leaf(key)) {
                0
            } else if last == 0 {
                1
            } else if last <= tolerance(leaf(key)) {
                2
            } else {
                return None;
            };
            Some((class, if class == 2 { last } else { whole }, key))
        })
        .min_by_key(|(class, distance, _)| (*class, *distance))
        .map(|(_, _, key)| key)
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

fn tolerance(name: &str) -> usize {
    (name.chars().count() / 3).max(1)
}

/// Returns the last part of a dotted key.
pub(super) fn leaf(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = [
        "seed",
        "environment.slate_size",
        "environment.user.sensitivity",
        "environment.user.choc_mean",
        "environment.user.kale_mean",
    ];

    #[test]
    fn a_misspelled_key_finds_its_neighbour() {
        let nearest = |given| nearest_key(given, KEYS);
        assert_eq!(nearest("sede"), Some("seed"));
        assert_eq!(
            nearest("environment.user.sensitivty"),
            Some("environment.user.sensitivity")
        );
        assert_eq!(
            nearest("enviroment.user.kale_maen"),
            Some("environment.user.kale_mean")
        );
    }

    #[test]
    fn a_key_in_the_wrong_table_is_found_by_its_last_part() {
        assert_eq!(
            nearest_key("slate_size", KEYS),
            Some("environment.slate_size")
        );
        assert_eq!(
            nearest_key("policy.slate-size", KEYS),
            Some("environment.slate_size")
        );
    }

    #[test]
    fn a_far_name_is_not_guessed_at() {
        assert_eq!(nearest_key("environment.user.colour", KEYS), None);
        assert_eq!(nearest_name("thompson", ["random", "static"]), None);
        assert_eq!(
            nearest_name(
                "Long-Term-Satisfaction",
                ["random", "long_term_satisfaction"]
            ),
            Some("long_term_satisfaction")
        );
    }
}
