//! The place where a value was given.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::text_file::STDIN;

/// Says where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It was not given, and is the default.
    Default,
    /// In a file.
    File(Arc<Path>),
    /// By a flag, such as `--set`.
    Flag(Arc<str>),
    /// It was not given, and follows from the value of this other key.
    Other(Arc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "in {}", named(path)),
            Self::Flag(flag) => write!(f, "given by {flag}"),
            Self::Other(key) => write!(f, "as `{key}` has it"),
        }
    }
}

/// Names a configuration file, which may be the standard input.
pub(super) fn named(path: &Path) -> String {
    match path == Path::new(STDIN) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}
