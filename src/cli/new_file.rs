//! Files that appear completely or not at all.

use super::usage::Usage;
use anyhow::Context;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf, is_separator};
use std::sync::{Mutex, PoisonError};

/// The ending of the name of a file that is being written.
const ENDING: &str = ".partial";

/// The most links that are followed, as in Linux.
const MOST_LINKS: usize = 40;

/// The file that is being written, so that it can be removed if the process has to end early.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the file that is being written, just before the process ends.
pub(super) fn remove_unfinished() {
    if let Ok(mut unfinished) = UNFINISHED.try_lock()
        && let Some(path) = unfinished.take()
    {
        // A file that is left over does no harm, and the error cannot be reported any more.
        let _ = std::fs::remove_file(path);
    }
}

fn set_unfinished(path: Option<PathBuf>) {
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = path;
}

/// A file that is written beside its final place, and moved there when it is complete.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    may_replace: bool,
    is_kept: bool,
    /// The file beside the final place. It is locked while this process lives, which tells other processes that it is being
    /// written.
    handle: File,
}

impl NewFile {
    /// Begins a file. A file that exists must be a regular one, and is refused unless `may_replace`. A link is kept: its target is
    /// replaced or made. Leftovers of dead processes beside it are removed.
    pub(crate) fn create(path: &Path, may_replace: bool) -> anyhow::Result<(Self, File)> {
        let shown = path.display();
        // `file_name` ignores a slash or a dot at the end, so a path that names a folder is recognised from its text.
        let text = path.as_os_str().to_string_lossy();
        let last = text.rsplit(is_separator).next();
        let ends_in_folder = matches!(last, Some("" | "." | ".."));
        let name = path.file_name().filter(|_| !ends_in_folder);
        if name.is_none() {
            let text = format!("`--output {shown}` names no file; allowed is a path to a file");
            return Err(Usage(text).into());
        }
        let path = if may_replace {
            behind_links(path)
        } else {
            path.to_owned()
        };
        refuse_existing(&path, may_replace)?;
        let name = path.file_name().unwrap_or_default();
        remove_left_over(&path, name);
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}{ENDING}", std::process::id()));
        let beside = path.with_file_name(beside);
        let opened = open(&beside, &path).map_err(|error| {
            let is_mistake = matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
            );
            let error = anyhow::Error::new(error);
            match is_mistake {
                true => error.context(Usage(format!(
                    "`--output {shown}` cannot be written; allowed is a path in a folder that exists"
                ))),
                false => error.context(format!("cannot write {shown}")),
            }
        })?;
        set_unfinished(Some(beside.clone()));
        let handle = opened.try_clone();
        let handle = handle.with_context(|| format!("cannot write {shown}"))?;
        // On a file system without locks, the process number in the file's name is enough.
        let _ = handle.try_lock();
        let file = Self {
            path,
            beside,
            may_replace,
            is_kept: false,
            handle,
        };
        Ok((file, opened))
    }

    /// Tells whether a file exists in the final place, and would be replaced.
    pub(crate) fn replaces(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// Moves the completed file to its place, with the mode of the file that it replaces. If that fails, it stays beside its
    /// place.
    pub(crate) fn keep(mut self) -> anyhow::Result<()> {
        let path = self.path.clone();
        let put = refuse_existing(&path, self.may_replace).and_then(|()| self.put(&path));
        put.map_err(|error| {
            let beside = self.beside.display();
            error.context(format!("what was written is in {beside}"))
        })
    }

    /// Keeps an incomplete file beside the file that it would replace, and returns its path.
    pub(crate) fn keep_beside(mut self) -> anyhow::Result<PathBuf> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(ENDING);
        let path = self.path.with_file_name(name);
        self.put(&path)?;
        Ok(path)
    }

    fn put(&mut self, path: &Path) -> anyhow::Result<()> {
        self.is_kept = true;
        set_unfinished(None);
        if let Ok(old) = self.path.metadata() {
            take_over(&self.handle, &old);
        }
        // The content must be on the disk before the name is.
        self.handle
            .sync_all()
            .and_then(|()| std::fs::rename(&self.beside, path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        // The folder holds the name. If the folder cannot be synchronised, the system writes it later.
        #[cfg(unix)]
        if let Ok(folder) = File::open(folder_of(path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            set_unfinished(None);
            // A file that is left over does no harm, and the error cannot be reported any more.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

/// Returns the folder of a file.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Follows links, even if their target does not exist: it will be made.
fn behind_links(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match path.read_link() {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    path
}

fn refuse_existing(path: &Path, may_replace: bool) -> anyhow::Result<()> {
    let exists = path.symlink_metadata().is_ok();
    let shown = path.display();
    if exists && !may_replace {
        return Err(Usage(format!(
            "`--output {shown}` exists; allowed is a new path, or --force to replace the file"
        ))
        .into());
    }
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(Usage(format!(
            "`--output {shown}` is no regular file; allowed is the path of a file"
        ))
        .into());
    }
    Ok(())
}

/// Makes the file beside its place. If it will replace a file, it is private until it gets that file's mode.
fn open(beside: &Path, path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if path.metadata().is_ok() {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = path;
    options.open(beside)
}

/// Gives a file the mode of an old one, and its owner if that is permitted.
fn take_over(file: &File, old: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let is_other = |new: Metadata| (new.uid(), new.gid()) != (old.uid(), old.gid());
        if file.metadata().is_ok_and(is_other) {
            // Only the superuser may change the owner.
            let _ = fchown(file, Some(old.uid()), Some(old.gid()));
        }
    }
    // Some file systems have no modes.
    let _ = file.set_permissions(old.permissions());
}

/// Removes leftovers of dead processes for the same file.
fn remove_left_over(path: &Path, name: &OsStr) {
    let Ok(entries) = std::fs::read_dir(folder_of(path)) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let found = entry.file_name();
        let process = found
            .to_str()
            .zip(name.to_str())
            .and_then(|(found, name)| {
                let rest = found.strip_prefix('.')?.strip_prefix(name)?;
                rest.strip_prefix('.')?.strip_suffix(ENDING)
            })
            .filter(|process| {
                !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
            });
        if process.is_some_and(|process| is_left_over(&entry.path(), process)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Tells whether a file is left over: its lock is free, and the process whose number is in its name is dead. If the file is
/// old, the lock alone decides, because another process may have the number by now.
fn is_left_over(path: &Path, process: &str) -> bool {
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return false;
    }
    let Ok(file) = OpenOptions::new().write(true).open(path) else {
        return false;
    };
    let age = file.metadata().and_then(|found| found.modified());
    let is_old = age.is_ok_and(|age| age.elapsed().is_ok_and(|age| age.as_secs() >= 10));
    match file.try_lock() {
        Ok(()) => is_old || lives(process) == Some(false),
        Err(TryLockError::WouldBlock) => false,
        // This file system has no locks.
        Err(TryLockError::Error(_)) => lives(process) == Some(false),
    }
}

/// Tells whether a process of this machine is alive; `None` if the machine has no list of processes.
fn lives(process: &str) -> Option<bool> {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return None;
    }
    if process == std::process::id().to_string() {
        return Some(false);
    }
    // The text is "number (name) state ...", and state Z is a dead process whose parent has not yet noticed.
    let told = std::fs::read_to_string(processes.join(process).join("stat")).ok();
    let state = told.as_deref().and_then(|told| {
        let (_, rest) = told.rsplit_once(')')?;
        rest.trim_start().chars().next()
    });
    Some(state.is_some_and(|state| !matches!(state, 'Z' | 'X')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Files are made one after the other, because a process has one unfinished file at a time.
    #[test]
    fn a_file_is_replaced_when_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.csv");
        std::fs::write(&path, "old").unwrap();
        // A leftover of a dead process: no process has this number.
        std::fs::write(folder.path().join(".steps.csv.4194305.partial"), "").unwrap();
        std::fs::write(folder.path().join(".other.csv.4194305.partial"), "").unwrap();

        let (new, mut file) = NewFile::create(&path, true).unwrap();
        assert!(new.replaces());
        file.write_all(b"some").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(
            new.keep_beside().unwrap(),
            folder.path().join("steps.csv.partial")
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");

        let (new, mut file) = NewFile::create(&path, true).unwrap();
        file.write_all(b"all").unwrap();
        new.keep().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "all");

        drop(NewFile::create(&path, true).unwrap());
        NewFile::create(&path, false).unwrap_err();
        assert_eq!(
            names(folder.path()),
            [
                ".other.csv.4194305.partial",
                "steps.csv",
                "steps.csv.partial"
            ]
        );
        for path in ["new.csv/", "new.csv/.", "new.csv/..", "", "/", "new/"] {
            let error = NewFile::create(&folder.path().join(path), true).unwrap_err();
            assert!(
                error.to_string().contains("names no file") || path.is_empty(),
                "{error}"
            );
        }
        #[cfg(unix)]
        modes_and_links_stay(folder.path());
    }

    #[cfg(unix)]
    fn modes_and_links_stay(folder: &Path) {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let path = folder.join("mine.csv");
        for kept in [0o600, 0o444, 0o640] {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).unwrap();
            let (new, mut file) = NewFile::create(&path, true).unwrap();
            file.write_all(b"all").unwrap();
            new.keep().unwrap();
            assert_eq!(mode(&path), kept);
            std::fs::remove_file(&path).unwrap();
        }
        let link = folder.join("link.csv");
        symlink("mine.csv", &link).unwrap();
        let (new, mut file) = NewFile::create(&link, true).unwrap();
        file.write_all(b"all").unwrap();
        new.keep().unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "all");
    }
}
