//! Reads files that a key names.

use std::path::{Path, PathBuf};

use super::{ConfigError, Origin};
use crate::text_file::{STDIN, read_text};

/// Reads a file that a key names.
pub(super) fn named_bytes(key: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    refuse_endless(path)
        .and_then(|()| std::fs::read(path))
        .map_err(|source| unreadable(key, path, source))
}

fn unreadable(key: &str, path: &Path, source: std::io::Error) -> ConfigError {
    ConfigError::ReadNamed {
        key: key.to_owned(),
        path: path.to_owned(),
        source,
    }
}

/// Reads the text of a file that a key names; `-` is standard input.
pub(super) fn named_text(key: &str, path: &Path) -> Result<String, ConfigError> {
    let ends = match path == Path::new(STDIN) {
        true => Ok(()),
        false => refuse_endless(path),
    };
    ends.and_then(|()| read_text(path))
        .map_err(|source| unreadable(key, path, source))
}

/// Refuses files that may never end or never begin: devices, and pipes without a writer. Pipes from the shell, as in
/// `<(command)`, are accepted.
fn refuse_endless(path: &Path) -> std::io::Result<()> {
    let found = path.metadata()?;
    if found.is_file() || found.is_dir() || is_handed_over(path) {
        return Ok(());
    }
    let problem = "it is no regular file; allowed is the path of a file";
    Err(std::io::Error::new(
        std::io::ErrorKind::InvalidInput,
        problem,
    ))
}

/// Tells whether a path is standard input, or a pipe that the shell made.
fn is_handed_over(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdin", "/proc/self/fd"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

pub(super) fn resolve_path(path: &str, origin: &Origin) -> PathBuf {
    match origin {
        // A configuration that comes through a pipe has no folder, so paths in it are relative to the working folder.
        Origin::File(file) if is_handed_over(file) => PathBuf::from(path),
        Origin::File(file) => file.parent().unwrap_or(Path::new("")).join(path),
        _ => PathBuf::from(path),
    }
}
