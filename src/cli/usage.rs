//! The error for arguments that are wrong or contradict each other.

use crate::config::nearest_name;

/// Says what is wrong with the arguments, and what is allowed; the program then ends with the exit code for usage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

impl Usage {
    /// Refuses the first unknown name among those given with a flag, and names the nearest known one.
    pub(crate) fn unless_known(flag: &str, given: &[String], known: &[&str]) -> Result<(), Self> {
        let Some(name) = given.iter().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let nearest = nearest_name(name, known.iter().copied());
        let hint = nearest.map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        let known = known.join(", ");
        Err(Self(format!(
            "`{flag}` = {name:?} is unknown{hint}: known are {known}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_its_neighbour() {
        let given = ["random".to_owned(), "greddy".to_owned()];
        let error = Usage::unless_known("--policy", &given, &["random", "greedy"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`--policy` = \"greddy\" is unknown (did you mean `greedy`?): known are random, greedy"
        );
    }
}
