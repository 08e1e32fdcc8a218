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
        .filter_map(|name| Some((distance(&given, name, tolerance(name))?, name)))
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
            let most = tolerance(leaf(key));
            if let Some(whole) = distance(&given, key, most) {
                return Some((0, whole, key));
            }
            let last = distance(leaf(&given), leaf(key), most)?;
            if last > 0 {
                return Some((2, last, key));
            }
            // Among keys with the same last part in another table, the nearest one.
            let far = given.len().max(key.len());
            Some((1, distance(&given, key, LONGEST).unwrap_or(far), key))
        })
        .min_by_key(|(class, distance, _)| (*class, *distance))
        .map(|(_, _, key)| key)
}

/// Names whose lengths differ by more than this are not compared letter by letter.
const LONGEST: usize = 100;

/// Counts the letters typed wrongly, swapped, missing or too many; `None` if there are more than `most`.
///
/// Names whose lengths differ by more are not compared: a name of a megabyte would take seconds.
fn distance(given: &str, name: &str, most: usize) -> Option<usize> {
    let length = name.chars().count();
    let is_near = given
        .chars()
        .take(length + most + 1)
        .count()
        .abs_diff(length)
        <= most;
    is_near
        .then(|| damerau_levenshtein(given, name))
        .filter(|&distance| distance <= most)
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
    fn a_name_of_a_megabyte_is_not_compared_letter_by_letter() {
        let long = "x".repeat(1 << 20);
        let clock = std::time::Instant::now();
        let names: Vec<String> = (0..100)
            .map(|index| format!("environment.key_{index}"))
            .collect();
        assert_eq!(nearest_key(&long, names.iter().map(String::as_str)), None);
        assert_eq!(nearest_name(&long, names.iter().map(String::as_str)), None);
        // The last part of a long key is still compared.
        let with_leaf = format!("{long}.slate_size");
        assert_eq!(
            nearest_key(&with_leaf, KEYS),
            Some("environment.slate_size")
        );
        assert!(clock.elapsed().as_secs_f64() < 1.0);
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
