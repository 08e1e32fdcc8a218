//! Files that appear whole or not at all.

use super::failure::Usage;
use anyhow::Context;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that is written beside its place, and put there once it is whole.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    may_replace: bool,
    is_kept: bool,
}

impl NewFile {
    /// Begins a file; one that exists is refused unless it may be replaced, and what is no file is refused. A link stays one: what
    /// it leads to is replaced.
    pub(crate) fn create(path: &Path, may_replace: bool) -> anyhow::Result<(Self, File)> {
        let target = path.canonicalize().ok().filter(|_| may_replace);
        let path = target.as_deref().unwrap_or(path);
        let name = path.file_name().with_context(|| {
            Usage(format!(
                "`--output {}` names no file; allowed is a path to a file",
                path.display()
            ))
        })?;
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.partial", std::process::id()));
        let file = Self {
            path: path.to_owned(),
            beside: path.with_file_name(beside),
            may_replace,
            is_kept: false,
        };
        file.refuse_existing()?;
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).open(&file.beside);
        let opened = opened.map_err(|error| {
            let is_mistake = matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
            );
            let path = path.display();
            let error = anyhow::Error::new(error);
            match is_mistake {
                true => error.context(Usage(format!(
                    "`--output {path}` cannot be written; allowed is a path in a folder that exists"
                ))),
                false => error.context(format!("cannot write {path}")),
            }
        })?;
        Ok((file, opened))
    }

    fn refuse_existing(&self) -> anyhow::Result<()> {
        let exists = self.path.symlink_metadata().is_ok();
        if exists && !self.may_replace {
            let path = self.path.display();
            return Err(Usage(format!(
                "`--output {path}` exists; allowed is a new path, or --force to replace the file"
            ))
            .into());
        }
        if self.path.metadata().is_ok_and(|found| !found.is_file()) {
            let path = self.path.display();
            return Err(Usage(format!(
                "`--output {path}` is no regular file; allowed is the path of a file"
            ))
            .into());
        }
        Ok(())
    }

    /// Puts the file, which has been written and closed, in its place; if that cannot be, it stays beside it.
    pub(crate) fn keep(mut self) -> anyhow::Result<()> {
        self.is_kept = true;
        let put = self.refuse_existing().and_then(|()| {
            std::fs::rename(&self.beside, &self.path)
                .with_context(|| format!("cannot write {}", self.path.display()))
        });
        put.map_err(|error| {
            let beside = self.beside.display();
            error.context(format!("what was written is in {beside}"))
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is left over is no loss, and there is nobody to tell.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}
