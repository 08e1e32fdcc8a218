//! Points of a sweep: one configuration repeatedly, with different values of some keys.

use super::assignment::Override;
use super::dotted::is_inside;
use super::named_file::named_text;
use super::variants::split_at_commas;
use super::{Config, ConfigError, Declarations, Sources};
use std::fmt::Display;
use std::path::Path;

/// The flag that varies a key.
const VARY: &str = "--vary";

/// Keys that must be the same at all points, so that all points have the same episodes and report the same figures.
const COMMON: [&str; 2] = ["episodes", "discount"];

/// Names a key and the values that it takes in turn.
#[derive(Debug, Clone)]
pub struct Axis {
    key: String,
    values: Vec<Override>,
}

impl Axis {
    /// Makes an axis of values written as TOML; `place` says where they are given.
    ///
    /// # Errors
    /// [`ConfigError::Sweep`] if there is none.
    pub fn new(
        place: &str,
        key: &str,
        values: impl IntoIterator<Item = impl Display>,
    ) -> Result<Self, ConfigError> {
        let values = values.into_iter();
        let values: Vec<_> = values
            .map(|value| Override::flag(place, key, value))
            .collect();
        if values.is_empty() {
            return Err(ConfigError::Sweep {
                problem: format!("`{key}` is varied over no value"),
                allowed: "at least one".to_owned(),
            });
        }
        Ok(Self {
            key: key.to_owned(),
            values,
        })
    }

    /// Reads `dotted.key=value,value,...`, as `--vary` takes it.
    ///
    /// Values are written as for [`Override::set`]; commas within brackets, braces or quotes do not separate them.
    /// `dotted.key=@FILE` reads the values from the lines of a file, skipping blank ones; `@-` reads standard input.
    ///
    /// # Errors
    /// [`ConfigError::Override`] without `=`, with an empty key or part of a key, or where a value is missing;
    /// [`ConfigError::ReadNamed`] where the file cannot be read.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad = |problem| ConfigError::Override {
            flag: VARY.to_owned(),
            text: text.to_owned(),
            problem,
        };
        let (key, values) = Override::split(text).map_err(bad)?;
        let text;
        let values = match values.trim().strip_prefix('@') {
            None => split_at_commas(values),
            Some(path) => {
                text = named_text(key, Path::new(path))?;
                let lines = text.lines().map(str::trim);
                let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
                if lines.is_empty() {
                    return Err(bad(
                        "names a file without a value, which is to have one a line",
                    ));
                }
                lines
            }
        };
        if values.iter().any(|value| value.trim().is_empty()) {
            return Err(bad("has an empty value between its commas"));
        }
        let values = values
            .into_iter()
            .map(|value| Override::flag(VARY, key, value));
        Ok(Self {
            key: key.to_owned(),
            values: values.collect(),
        })
    }

    /// Returns the dotted key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Says how the values of several keys are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// Every value with every other, those of the last key varying fastest.
    Grid,
    /// The first of each, the second of each, and so on.
    Zip,
}

/// Holds one configuration of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The varied keys, in the order in which they were given, with their values.
    pub values: Vec<(String, toml::Value)>,
    /// The checked configuration of the point.
    pub config: Config,
}

impl Point {
    /// Writes `key = value, key = value`, as errors name a point.
    #[must_use]
    pub fn label(&self) -> String {
        label(&self.values)
    }
}

fn label(values: &[(String, toml::Value)]) -> String {
    let written = values.iter().map(|(key, value)| format!("{key} = {value}"));
    written.collect::<Vec<_>>().join(", ")
}

impl ConfigError {
    /// Marks an error as one of a point of a sweep.
    #[must_use]
    pub fn of_point(self, label: String) -> Self {
        Self::Point {
            label,
            source: Box::new(self),
        }
    }
}

impl Sources {
    /// Lays the values of each point over everything given so far, and checks the results.
    ///
    /// # Errors
    /// [`ConfigError::Sweep`] if there are no points or more than `most`, if a key is varied twice, or if lists that go
    /// together differ in length; [`ConfigError::Invalid`] if a key is varied that must be the same at all points;
    /// [`ConfigError::Point`] for the first point that is wrong, with the error of [`Config::resolve`].
    pub fn resolve_points(
        &self,
        axes: &[Axis],
        arrangement: Arrangement,
        most: usize,
        declarations: &Declarations,
    ) -> Result<Vec<Point>, ConfigError> {
        check_keys(axes)?;
        let count = count(axes, arrangement)?;
        if count > most as u128 {
            return Err(ConfigError::Sweep {
                problem: format!("there are {count} points to evaluate"),
                allowed: format!("at most {most}"),
            });
        }
        (0..usize::try_from(count).unwrap_or(usize::MAX))
            .map(|index| {
                let given = values_at(axes, arrangement, index);
                let values: Vec<_> = given
                    .iter()
                    .map(|given| (given.key.clone(), given.value.clone()))
                    .collect();
                let sources = given.into_iter().fold(self.clone(), |sources, given| {
                    sources.with_override(given.clone())
                });
                match Config::resolve(&sources, declarations) {
                    Ok(config) => Ok(Point { values, config }),
                    Err(error) => Err(error.of_point(label(&values))),
                }
            })
            .collect()
    }
}

/// Refuses keys that cannot be varied, or are varied twice.
fn check_keys(axes: &[Axis]) -> Result<(), ConfigError> {
    if axes.is_empty() {
        return Err(ConfigError::Sweep {
            problem: "nothing is varied".to_owned(),
            allowed: "keys with their values, by `--vary dotted.key=value,value,...`".to_owned(),
        });
    }
    for (index, axis) in axes.iter().enumerate() {
        if COMMON.contains(&axis.key.as_str()) {
            let given = &axis.values[0];
            return Err(ConfigError::invalid(
                &axis.key,
                &given.value,
                "nothing within a sweep: it is one for all points, so that they face the same users and tell the same figures",
                given.origin.clone(),
            ));
        }
        let clashes = |other: &&Axis| {
            other.key == axis.key
                || is_inside(&other.key, &axis.key)
                || is_inside(&axis.key, &other.key)
        };
        if let Some(other) = axes[..index].iter().find(clashes) {
            let problem = match other.key == axis.key {
                true => format!("`{}` is varied twice", axis.key),
                false => format!("`{}` and `{}` set the same key", other.key, axis.key),
            };
            return Err(ConfigError::Sweep {
                problem,
                allowed: "one `--vary` with all its values for each key".to_owned(),
            });
        }
    }
    Ok(())
}

/// Counts the points.
fn count(axes: &[Axis], arrangement: Arrangement) -> Result<u128, ConfigError> {
    let lengths = axes.iter().map(|axis| axis.values.len() as u128);
    if arrangement == Arrangement::Grid {
        return Ok(lengths.fold(1, u128::saturating_mul));
    }
    let first = &axes[0];
    let differs = |axis: &&Axis| axis.values.len() != first.values.len();
    match axes.iter().find(differs) {
        None => Ok(first.values.len() as u128),
        Some(other) => Err(ConfigError::Sweep {
            problem: format!(
                "`{}` has {} values and `{}` has {}",
                first.key,
                first.values.len(),
                other.key,
                other.values.len()
            ),
            allowed: "as many for each with `--zip`".to_owned(),
        }),
    }
}

/// Returns the values at a point.
fn values_at(axes: &[Axis], arrangement: Arrangement, index: usize) -> Vec<&Override> {
    if arrangement == Arrangement::Zip {
        return axes.iter().map(|axis| &axis.values[index]).collect();
    }
    // The index is a number whose digits are the positions along the axes, the last axis the lowest digit.
    let mut rest = index;
    let mut given: Vec<&Override> = axes
        .iter()
        .rev()
        .map(|axis| {
            let position = rest % axis.values.len();
            rest /= axis.values.len();
            &axis.values[position]
        })
        .collect();
    given.reverse();
    given
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::specimen;

    const MOST: usize = 12;

    fn points(given: &[&str], arrangement: Arrangement) -> Result<Vec<Point>, ConfigError> {
        let axes: Result<Vec<Axis>, _> = given.iter().map(|text| Axis::parse(text)).collect();
        Sources::new().resolve_points(&axes?, arrangement, MOST, &specimen::declarations())
    }

    fn labels(given: &[&str], arrangement: Arrangement) -> Vec<String> {
        let points = points(given, arrangement).unwrap();
        points.iter().map(Point::label).collect()
    }

    fn refusal(given: &[&str], arrangement: Arrangement) -> String {
        let error = points(given, arrangement).unwrap_err();
        match std::error::Error::source(&error) {
            None => error.to_string(),
            Some(source) => format!("{error}: {source}"),
        }
    }

    const SENSITIVITY: &str = "environment.user.sensitivity=0.1,0.2,0.3";
    const SEED: &str = "seed=1,2";

    #[test]
    fn a_grid_goes_through_the_last_key_first() {
        let found = labels(&[SEED, "environment.slate_size=2,3"], Arrangement::Grid);
        assert_eq!(
            found,
            [
                "seed = 1, environment.slate_size = 2",
                "seed = 1, environment.slate_size = 3",
                "seed = 2, environment.slate_size = 2",
                "seed = 2, environment.slate_size = 3",
            ]
        );
    }

    #[test]
    fn lists_that_go_together_give_as_many_points_as_each_is_long() {
        let found = labels(&[SEED, "environment.slate_size=2,3"], Arrangement::Zip);
        assert_eq!(
            found,
            [
                "seed = 1, environment.slate_size = 2",
                "seed = 2, environment.slate_size = 3",
            ]
        );
        assert_eq!(
            refusal(&[SENSITIVITY, SEED], Arrangement::Zip),
            "`environment.user.sensitivity` has 3 values and `seed` has 2; allowed is as many for each with `--zip`"
        );
    }

    #[test]
    fn commas_of_lists_and_texts_do_not_separate() {
        let axis = Axis::parse("a.b=[0.2, 0.8],[0.5,0.5], \"x,y\"").unwrap();
        let values: Vec<String> = axis
            .values
            .iter()
            .map(|one| one.value.to_string())
            .collect();
        assert_eq!(values, ["[0.2, 0.8]", "[0.5, 0.5]", "\"x,y\""]);
    }

    #[test]
    fn a_file_has_a_value_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values.txt");
        let vary = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Axis::parse(&format!("a.b=@{}", path.display()))
        };
        let axis = vary("\u{feff}[0.2, 0.8]\r\n0.5\r\n\r\nname\r\n").unwrap();
        let values: Vec<String> = axis
            .values
            .iter()
            .map(|one| one.value.to_string())
            .collect();
        assert_eq!(values, ["[0.2, 0.8]", "0.5", "\"name\""]);
        let message = vary("\n").unwrap_err().to_string();
        assert!(
            message.contains("names a file without a value"),
            "{message}"
        );
        let absent = Axis::parse("a.b=@nowhere.txt").unwrap_err().to_string();
        assert!(absent.contains("`a.b` names, nowhere.txt"), "{absent}");
    }

    #[test]
    fn every_value_reaches_the_configuration_of_its_point() {
        let points = points(&[SENSITIVITY], Arrangement::Grid).unwrap();
        let found: Vec<f64> = points
            .iter()
            .map(|point| {
                point
                    .config
                    .environment
                    .settings
                    .read::<f64>("user.sensitivity")
            })
            .collect();
        assert_eq!(found, [0.1, 0.2, 0.3]);
    }

    #[test]
    fn what_is_no_axis_is_refused() {
        for (text, problem) in [
            ("seed", "has no `=`"),
            ("=1,2", "has no key before the `=`"),
            ("seed=", "has no value after the `=`"),
            ("seed=1,,2", "has an empty value between its commas"),
            ("seed=1,", "has an empty value between its commas"),
        ] {
            let message = Axis::parse(text).unwrap_err().to_string();
            assert_eq!(
                message,
                format!("`--vary {text}` {problem}; write `--vary dotted.key=value`")
            );
        }
    }

    #[test]
    fn what_is_no_sweep_is_refused() {
        for (given, told) in [
            (&[][..], "nothing is varied; allowed is keys with"),
            (
                &["seed=1", "seed=2"][..],
                "`seed` is varied twice; allowed is one `--vary`",
            ),
            (
                &[SENSITIVITY, "environment.user={sensitivity=1}"],
                "`environment.user.sensitivity` and `environment.user` set the same key",
            ),
            (
                &["episodes=10,20"],
                "`episodes` = 10 is not allowed; allowed is nothing within a sweep",
            ),
            (
                &["discount=0.5,0.9"],
                "`discount` = 0.5 is not allowed; allowed is nothing within a sweep",
            ),
            (
                &["seed=1,2,3,4", "environment.slate_size=1,2,3,4"],
                "there are 16 points to evaluate; allowed is at most 12",
            ),
            (
                &["environment.user.sensitivity=0.1,x"],
                "point environment.user.sensitivity = \"x\": `environment.user.sensitivity` = \"x\" is a string",
            ),
        ] {
            let message = refusal(given, Arrangement::Grid);
            assert!(message.starts_with(told), "{message}");
        }
        let message = refusal(&["environment.user.sensitivty=0.1"], Arrangement::Grid);
        assert!(
            message.contains("`environment.user.sensitivity`"),
            "{message}"
        );
        assert!(message.contains("given by --vary"), "{message}");
    }
}
