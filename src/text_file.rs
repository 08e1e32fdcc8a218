//! Reads text files that may have a byte order mark, be in another encoding, or be no text at all.
//!
//! Errors are [`io::Error`]s of the kind `InvalidData` whose text says what was found and what to do; callers add the name of
//! the file in front.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// The most bytes of a file that is read into memory: a longer one is no configuration, result or table, or has no end.
const MOST_BYTES: usize = 1 << 30;

/// The name that stands for the standard input.
pub(crate) const STDIN: &str = "-";

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Reads a text file whole, without its byte order mark; `-` is the standard input.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    if path == Path::new(STDIN) {
        read_text_from(io::stdin().lock())
    } else {
        read_text_from(File::open(path)?)
    }
}

/// Reads a text whole, without its byte order mark.
///
/// A text with a NUL is refused as soon as the NUL is read, so that a device without end is refused, too.
pub(crate) fn read_text_from(file: impl Read) -> io::Result<String> {
    let mut file = begin(BufReader::new(file))?;
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let chunk = match file.fill_buf() {
            Ok([]) => break,
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Some(position) = chunk.iter().position(|&byte| byte == 0) {
            return Err(invalid(format!(
                "it is no text: byte {} is a NUL",
                bytes.len() + position
            )));
        }
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(invalid(format!("it is longer than {MOST_BYTES} bytes")));
        }
        bytes
            .try_reserve(chunk.len())
            .map_err(|_no_memory| io::Error::from(io::ErrorKind::OutOfMemory))?;
        bytes.extend_from_slice(chunk);
        let length = chunk.len();
        file.consume(length);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        invalid(format!(
            "line {line} is not UTF-8; save the file with the encoding UTF-8"
        ))
    })
}

/// Begins to read a text: skips a byte order mark; refuses UTF-16, and says what to do about it.
pub(crate) fn begin(mut file: impl BufRead) -> io::Result<impl BufRead> {
    // One read of a pipe may return fewer bytes than asked for.
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut start)?;
    let is_utf16 = match start.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        // UTF-16 without a mark: such files begin with ASCII characters.
        &[a, 0, b, 0] | &[0, a, 0, b] => a != 0 && b != 0,
        _ => false,
    };
    if is_utf16 {
        return Err(invalid(
            "it is UTF-16, expected UTF-8: in PowerShell, write it with `| Out-File -Encoding utf8 FILE` in the place \
             of `> FILE`; to convert it, `iconv -f UTF-16 -t UTF-8`"
                .to_owned(),
        ));
    }
    if start.starts_with(&BYTE_ORDER_MARK) {
        start.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(Cursor::new(start).chain(file))
}

/// Shortens a text for a message, to one line without characters that a terminal would interpret.
pub(crate) fn quotable(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut quoted = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == LONGEST {
            quoted.push_str("...");
            break;
        }
        if character.is_control() {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one byte at a time, as a slow pipe may.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((&first, rest)) = self.0.split_first() else {
                return Ok(0);
            };
            buffer[0] = first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn read(bytes: &[u8]) -> Result<String, String> {
        let text = read_text_from(bytes).map_err(|error| error.to_string());
        let slow = read_text_from(Slow(bytes)).map_err(|error| error.to_string());
        assert_eq!(text, slow);
        text
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_all_else_kept() {
        assert_eq!(
            read(b"\xef\xbb\xbfseed = 1\r\n"),
            Ok("seed = 1\r\n".to_owned())
        );
        for text in ["", "a", "ab", "abc", "abcd", "é", "\u{20ac}x\n\n"] {
            assert_eq!(read(text.as_bytes()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn utf_16_is_named_with_what_to_do() {
        let little: Vec<u8> = "seed = 1"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "seed = 1"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [
            [&[0xff, 0xfe], &little[..]].concat(),
            [&[0xfe, 0xff], &big[..]].concat(),
            little,
            big,
        ] {
            let message = read(&bytes).unwrap_err();
            assert!(message.contains("UTF-16, expected UTF-8"), "{message}");
            assert!(message.contains("-Encoding utf8"), "{message}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_at_once_even_without_an_end() {
        let endless = read_text_from(io::repeat(0)).unwrap_err().to_string();
        assert_eq!(endless, "it is no text: byte 0 is a NUL");
        let message = read(b"a,b\n1,2\n\xe9,2\n").unwrap_err();
        assert!(message.starts_with("line 3 is not UTF-8"), "{message}");
        assert!(read(b"abcdef\0").unwrap_err().contains("byte 6"));
    }

    #[test]
    fn quotations_are_short_and_obey_no_terminal() {
        assert_eq!(quotable("\u{1b}[31mred\n"), "\\u{1b}[31mred\\n");
        assert_eq!(quotable(&"é".repeat(200)).chars().count(), 83);
    }
}
