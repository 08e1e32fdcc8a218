//! Errors in configurations.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::origin::{Origin, named};
use super::quote::clip;
use crate::text_file::STDIN;

/// Reports the first error in a configuration.
///
/// Every message names the key, the value, what is allowed, and where the value was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A configuration file could not be read.
    #[error("cannot read the configuration {}", file_or_stdin(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file that a key names could not be read.
    #[error("cannot read the file that `{key}` names, {}{}", path.display(), escapes(path))]
    ReadNamed {
        /// The dotted key.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A configuration file is not TOML.
    #[error("{} is not valid TOML{}", named(path), syntax_hint(source))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why, as the TOML parser tells it.
        #[source]
        source: SyntaxError,
    },
    /// An override is not of the form `dotted.key=value`.
    #[error(
        "`{flag} {}` {problem}; write `{flag} dotted.key=value`",
        bounded(text)
    )]
    Override {
        /// The flag it was given with.
        flag: String,
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No environment, policy or layer has this name.
    #[error("`{key}` = {:?} is unknown{}: known are {} ({origin})", bounded(name), suggestion(nearest.as_deref()), known.join(", "))]
    UnknownName {
        /// The dotted key.
        key: String,
        /// What was given.
        name: String,
        /// The known name that was probably meant.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
        /// Where it was given.
        origin: Origin,
    },
    /// A policy or a layer cannot work in the environment, whatever its parameters are.
    #[error("`{section}.name` = {name:?} is not allowed here: it needs {needs}")]
    Unfit {
        /// The dotted section.
        section: String,
        /// The name in it.
        name: String,
        /// What it needs.
        needs: String,
    },
    /// The key is not declared.
    #[error("{0}")]
    UnknownKey(Box<UnknownKey>),
    /// The value is of another type than the key takes.
    #[error("`{key}` = {value} is {found}; allowed is {allowed} ({origin})")]
    WrongType {
        /// The dotted key.
        key: String,
        /// The value, shortened.
        value: String,
        /// The type of the value.
        found: &'static str,
        /// What is allowed.
        allowed: String,
        /// Where it was given.
        origin: Origin,
    },
    /// The value is of the right type and out of range.
    #[error("`{key}` = {value} is not allowed; allowed is {allowed} ({origin})")]
    Invalid {
        /// The dotted key; for an entry of a list with its position, from 0.
        key: String,
        /// The value, shortened.
        value: String,
        /// What is allowed.
        allowed: String,
        /// Where it was given.
        origin: Origin,
    },
    /// The value is NaN, infinite, or infinite in single precision.
    #[error(
        "`{key}` = {value} is not a finite 32-bit number; NaN and infinities are never allowed, {allowed} is ({origin})"
    )]
    NotFinite {
        /// The dotted key; for an entry of a list with its position, from 0.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
        /// Where it was given.
        origin: Origin,
    },
    /// A key that must be given is not.
    #[error("`{key}` is missing: {reason}; allowed is {allowed}")]
    Missing {
        /// The dotted key.
        key: String,
        /// Why it is needed.
        reason: String,
        /// What is allowed.
        allowed: String,
    },
    /// The key has no effect under the other values.
    #[error("`{key}` has no effect unless `{needs}` = {is} ({origin})")]
    NoEffect {
        /// The dotted key that was given.
        key: String,
        /// The dotted key it depends on.
        needs: String,
        /// The values under which it has an effect.
        is: String,
        /// Where it was given.
        origin: Origin,
    },
    /// The documents given are not a corpus.
    #[error("bad corpus in `{key}`: {problem} ({origin})")]
    Corpus {
        /// The dotted key.
        key: String,
        /// What is wrong with it.
        problem: Box<CorpusProblem>,
        /// The CSV file, or where the corpus was given.
        origin: Origin,
    },
    /// Weights cannot be read, or do not fit the policy.
    #[error("`{key}` = {value} is not allowed: {problem} ({origin})")]
    Weights {
        /// The dotted key.
        key: String,
        /// The value, shortened.
        value: String,
        /// What is wrong with it, and what would fit.
        problem: String,
        /// Where it was given.
        origin: Origin,
    },
    /// The declaration of a key is wrong: a mistake of the author of the environment or policy.
    #[error("`{entry}` declares the key `{key}` wrongly: {problem}")]
    Declaration {
        /// The environment or policy.
        entry: String,
        /// The key, relative to the section.
        key: String,
        /// What is wrong with the declaration.
        problem: String,
    },
    /// A variant is not of the form `LABEL: dotted.key=value, ...`.
    #[error(
        "`--variant {}` {}; write `--variant \"LABEL: dotted.key=value, ...\"`",
        bounded(text),
        bounded(problem)
    )]
    VariantText {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// One of the variants to compare is wrong.
    #[error("variant {:?}", bounded(label))]
    Variant {
        /// The label of the variant.
        label: String,
        /// What is wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// One of the points of a sweep is wrong.
    #[error("point {}", bounded(label))]
    Point {
        /// Its keys and values.
        label: String,
        /// What is wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// Settings that a model is checked under are wrong: a mistake of its author.
    #[error("the specimen {name:?} does not resolve")]
    Specimen {
        /// The name of the specimen.
        name: String,
        /// What is wrong with the settings.
        #[source]
        source: Box<Self>,
    },
    /// The points do not form a sweep.
    #[error("{problem}; allowed is {allowed}")]
    Sweep {
        /// What is wrong with them.
        problem: String,
        /// What is allowed.
        allowed: String,
    },
    /// The variants cannot be compared.
    #[error("{problem}; allowed are {allowed}")]
    Variants {
        /// What is wrong with them.
        problem: String,
        /// What is allowed.
        allowed: String,
    },
}

impl ConfigError {
    /// Returns the dotted key that the error is about, without a position in a list, or the dotted section.
    pub(crate) fn key(&self) -> Option<&str> {
        let key = match self {
            Self::ReadNamed { key, .. }
            | Self::UnknownName { key, .. }
            | Self::WrongType { key, .. }
            | Self::Invalid { key, .. }
            | Self::NotFinite { key, .. }
            | Self::Missing { key, .. }
            | Self::NoEffect { key, .. }
            | Self::Corpus { key, .. }
            | Self::Weights { key, .. } => key,
            Self::UnknownKey(unknown) => &unknown.key,
            Self::Unfit { section, .. } => section,
            _ => return None,
        };
        Some(key.split('[').next().unwrap_or(key))
    }

    /// Builds the error for a value that is of the right type and still not possible.
    ///
    /// [`Settings::invalid`](super::Settings::invalid) does the same for a resolved key, with its value and where it
    /// was given.
    #[must_use]
    pub fn invalid(
        key: impl Into<String>,
        value: impl fmt::Display,
        allowed: impl Into<String>,
        origin: Origin,
    ) -> Self {
        Self::Invalid {
            key: key.into(),
            value: clip(&value.to_string()),
            allowed: allowed.into(),
            origin,
        }
    }
}

/// Describes a key that is not declared.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnknownKey {
    /// The dotted key that was given.
    pub key: String,
    /// Whose keys were searched: `environment "item_transition"`, or the top level.
    pub owner: String,
    /// A guess at what was meant.
    pub hint: Option<Hint>,
    /// The table to which the known keys belong; empty for the top level.
    pub table: String,
    /// The keys of that table; empty if they are too many to list.
    pub known: Vec<String>,
    /// Where it was given.
    pub origin: Origin,
}

/// Guesses what an unknown key was meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// This known key is spelled similarly.
    Nearest(String),
    /// The key is one of another environment or policy.
    BelongsTo(String),
    /// The key belongs to comparisons, and this is a single run.
    OfComparison,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown key `{}`: {} has no such key",
            bounded(&self.key),
            bounded(&self.owner)
        )?;
        match &self.hint {
            Some(Hint::Nearest(key)) => f.write_str(&suggestion(Some(key)))?,
            Some(Hint::BelongsTo(owner)) => write!(f, ", but {owner} has it")?,
            Some(Hint::OfComparison) => f.write_str(", but `slatesim compare` reads it")?,
            None => {}
        }
        if !self.known.is_empty() {
            let known = self.known.join(", ");
            match self.table.as_str() {
                "" => write!(f, ": the top level has {known}")?,
                table => write!(f, ": [{table}] has {known}")?,
            }
        }
        write!(f, " ({})", self.origin)
    }
}

/// Explains a tab or a line break in a path, which may come from a backslash in double quotes.
fn escapes(path: &std::path::Path) -> &'static str {
    match path.to_string_lossy().contains(char::is_control) {
        true => {
            " (a backslash in double quotes begins an escape: write the path in single quotes, or with `/`)"
        }
        false => "",
    }
}

fn file_or_stdin(path: &std::path::Path) -> String {
    match path == std::path::Path::new(STDIN) {
        true => "from standard input".to_owned(),
        false => format!("file {}", path.display()),
    }
}

/// Says what to write instead, for common mistakes in TOML.
fn syntax_hint(source: &SyntaxError) -> &'static str {
    let message = source.0.as_str();
    if message.contains("escape") || message.contains("unicode") {
        " (a backslash in double quotes begins an escape; single quotes take it as it is: 'C:\\folder\\file')"
    } else if ["too large", "overflow", "i128"]
        .iter()
        .any(|word| message.contains(word))
    {
        " (TOML has no integers above 2^63 - 1; a larger seed goes in quotes: seed = \"18446744073709551615\")"
    } else {
        ""
    }
}

/// The most characters of a name or a line that a message quotes.
const LONGEST_QUOTE: usize = 200;

/// Shortens a text for a message.
fn bounded(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_QUOTE) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
    }
}

/// Describes where a text is not TOML, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError(String);

impl SyntaxError {
    /// Takes over the parser's message about a text. Of a long line it keeps only the part around the error.
    pub(super) fn new(error: &toml::de::Error, text: &str) -> Self {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let at = (0..=at).rev().find(|&at| text.is_char_boundary(at));
        let (before, after) = text.split_at(at.unwrap_or(0));
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let (line, before) = (before.matches('\n').count() + 1, &before[begin..]);
        let after = after.split('\n').next().unwrap_or_default();
        if error.span().is_none() || before.len() + after.len() <= LONGEST_QUOTE {
            let told = error.to_string();
            return Self(match told.len() > 10 * LONGEST_QUOTE {
                true => bounded(error.message()).into_owned(),
                false => told,
            });
        }
        let half = LONGEST_QUOTE / 4;
        let skipped = before.chars().count().saturating_sub(half);
        let dots = if skipped > 0 { "..." } else { "" };
        let near: String = before.chars().skip(skipped).collect();
        let rest: String = after.chars().take(half).collect();
        let end = if rest.len() < after.len() { "..." } else { "" };
        let (gutter, column) = (line.to_string().len(), before.chars().count() + 1);
        let indent = dots.len() + near.chars().count();
        Self(format!(
            "TOML parse error at line {line}, column {column}\n{:gutter$} |\n{line} | {dots}{near}{rest}{end}\n\
             {:gutter$} | {:indent$}^\n{}",
            "",
            "",
            "",
            bounded(error.message())
        ))
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for SyntaxError {}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// Describes what is wrong with a corpus.
///
/// A place is `row 3` of an inline corpus, counted from 1, or `line 4` of a CSV file, whose header is line 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusProblem {
    /// It has no documents.
    #[error("there are no documents in it")]
    Empty,
    /// A column that is not declared.
    #[error("unknown column `{column}` in {place}; the columns are {}", known.join(", "))]
    UnknownColumn {
        /// The column.
        column: String,
        /// The row or line.
        place: String,
        /// The declared columns.
        known: Vec<String>,
    },
    /// A declared column is missing.
    #[error("no column `{column}` in {place}; the columns are {}", known.join(", "))]
    MissingColumn {
        /// The column.
        column: String,
        /// The row or line.
        place: String,
        /// The declared columns.
        known: Vec<String>,
    },
    /// The header names a column twice.
    #[error("the header names the column `{column}` twice")]
    DuplicateColumn {
        /// The column.
        column: String,
    },
    /// The first line has none of the declared columns. It is not quoted: the file may be any file.
    #[error(
        "{place} names none of the columns {}; allowed is a first line with the names of the columns, separated by commas, \
         semicolons or tabs",
        known.join(", ")
    )]
    NoHeader {
        /// The line.
        place: String,
        /// The declared columns.
        known: Vec<String>,
    },
    /// A file that begins like JSON, but is not JSON.
    #[error("it is no JSON: {why}")]
    Json {
        /// Where and why.
        why: String,
    },
    /// A quote that is never closed.
    #[error("the quote that begins in {place} is never closed")]
    OpenQuote {
        /// The line that it begins in.
        place: String,
    },
    /// Text between the end of a quoted cell and the next separator.
    #[error(
        "{place} goes on after the quote that closes a cell; allowed is a separator there, and two quotes for one within a cell"
    )]
    AfterQuote {
        /// The line.
        place: String,
    },
    /// A row that is longer or shorter than the header.
    #[error("{place} has {found} cells, the header has {expected}{hint}")]
    RowLength {
        /// The line.
        place: String,
        /// Columns of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
        /// A likely reason, or an empty text.
        hint: &'static str,
    },
    /// A row that is neither a table nor, if there is one column, a number.
    #[error("{place} is {found}; allowed is {allowed}")]
    Row {
        /// The row.
        place: String,
        /// The value that is there.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A cell that is not a number or out of range.
    #[error("column `{column}` of {place} is {value}; allowed is {allowed}")]
    Cell {
        /// The column.
        column: String,
        /// The row or line.
        place: String,
        /// The value that is there.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let error = text.parse::<toml::Table>().unwrap_err();
        SyntaxError::new(&error, text).to_string()
    }

    #[test]
    fn short_lines_are_quoted_whole() {
        let text = "seed = 1\nepisodes = = 2\n";
        let error = text.parse::<toml::Table>().unwrap_err();
        assert_eq!(told(text), error.to_string());
    }

    #[test]
    fn of_a_long_line_the_place_alone_is_quoted() {
        let text = format!(
            "seed = 1\nx = [{}, = {}]",
            "1,".repeat(1 << 20),
            "2,".repeat(1 << 20)
        );
        let told = told(&text);
        assert!(told.len() < 1000, "{} characters", told.len());
        assert!(
            told.starts_with("TOML parse error at line 2, column 2097"),
            "{told}"
        );
        let lines: Vec<&str> = told.lines().collect();
        let place = lines[3].find('^').unwrap();
        // Points at the second of two commas in a row.
        assert_eq!(&lines[2][place..place + 1], ",", "{told}");
    }

    #[test]
    fn a_key_of_a_megabyte_is_shortened() {
        let text = format!("{} = 1\n", "k".repeat(1 << 20));
        let sources = super::super::Sources::new()
            .with_file(super::super::ConfigFile::from_text("run.toml", text));
        let declarations = crate::registry::declarations();
        let error = super::super::Config::resolve(&sources, &declarations).unwrap_err();
        assert!(error.to_string().len() < 2000);
        let long = "v".repeat(1 << 20);
        for set in [
            format!("policy.name={long}"),
            format!("environment.name={long}"),
            format!("seed={long}"),
            format!("{long}.{long}={long}"),
            long,
        ] {
            let sources = super::super::Sources::new().set(&set);
            let error =
                sources.and_then(|sources| super::super::Config::resolve(&sources, &declarations));
            assert!(error.unwrap_err().to_string().len() < 2000);
        }
    }
}
