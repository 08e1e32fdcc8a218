//! The file that a trace is read from: checks of the file itself, before and after its rows are read.

use crate::evaluation::trace::error::TraceError;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The longest line that is read: this many bytes hold some million numbers.
const LONGEST_LINE: u64 = 1 << 30;

/// Refuses devices, which may never end.
pub(super) fn refuse_device(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = path.metadata()?.file_type();
        if kind.is_block_device() || (kind.is_char_device() && !path.starts_with("/dev/stdin")) {
            let problem = "it is a device; allowed is a file or a pipe";
            return Err(std::io::Error::new(ErrorKind::InvalidInput, problem));
        }
    }
    #[cfg(not(unix))]
    path.metadata()?;
    Ok(())
}

/// Recognises files that are no text in UTF-8 by their first bytes.
pub(super) fn foreign(start: &[u8]) -> Option<&'static str> {
    const ZIPPED: [&[u8]; 3] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"PK\x03\x04"];
    if ZIPPED.iter().any(|mark| start.starts_with(mark)) {
        Some("the file is compressed; allowed is the unpacked file, or `-` to read it from a pipe")
    } else if start.starts_with(&[0xff, 0xfe])
        || start.starts_with(&[0xfe, 0xff])
        || start.contains(&0)
    {
        Some(
            "the file is in UTF-16 or no text; allowed is UTF-8: write it so with `Out-File -Encoding utf8` in PowerShell, or convert \
             it with `iconv -f UTF-16 -t UTF-8`",
        )
    } else {
        None
    }
}

/// Watches the bytes as they are read, to know whether the last line is complete.
pub(super) struct Watched<R> {
    inner: R,
    last: Option<u8>,
    length: u64,
    pub(super) quotes: u64,
}

impl<R> Watched<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            last: None,
            length: 0,
            quotes: 0,
        }
    }

    /// Tells whether the last line is complete.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.last, None | Some(b'\n' | b'\r'))
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let bytes = &buffer[..count];
        self.length = match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => (count - end) as u64,
            None => self.length + count as u64,
        };
        if self.length > LONGEST_LINE {
            let problem = "a line of it is longer than 1 GiB; allowed are the lines of a trace";
            return Err(std::io::Error::new(ErrorKind::InvalidData, problem));
        }
        self.quotes += bytes.iter().filter(|&&byte| byte == b'"').count() as u64;
        self.last = bytes.last().copied().or(self.last);
        Ok(count)
    }
}

/// Names the file in errors.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
}

impl Source<'_> {
    pub(super) fn unreadable(self, source: std::io::Error) -> TraceError {
        TraceError::Read {
            path: self.path.to_owned(),
            source,
        }
    }

    pub(super) fn damaged(
        self,
        line: u64,
        column: Option<String>,
        problem: impl Into<String>,
    ) -> TraceError {
        TraceError::Damaged {
            path: self.path.to_owned(),
            line,
            column,
            problem: problem.into(),
        }
    }
}
