//! If memory runs out: prints a line to stderr and exits with code 1, instead of an abort with a stack trace.
//!
//! Needs that can be foreseen are refused before anything runs, with the key that is too large. This module is for the rest: a
//! limit of the user (`ulimit -v`, a container), or a machine that is full.
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to write; it hands everything on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, which ends the program if it fails.
pub(crate) struct OrExit;

// SAFETY: all calls are passed to the system's allocator unchanged, and so are its results, unless the program ends.
unsafe impl GlobalAlloc for OrExit {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        there(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        there(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        there(
            unsafe { System.realloc(pointer, layout, new_size) },
            new_size,
        )
    }
}

/// Treats panics of the standard library that mean the same alike, such as a thread that gets no memory for its stack.
pub(crate) fn catch_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let told = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let is_memory = |told: &str| {
            ["failed to allocate", "Cannot allocate memory"]
                .iter()
                .any(|sign| told.contains(sign))
        };
        if told.is_some_and(is_memory) {
            end(0);
        }
        usual(info);
    }));
}

/// Returns the pointer; if it is null, the program ends.
#[inline]
fn there(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if pointer.is_null() {
        end(bytes);
    }
    pointer
}

/// Prints the message without allocating, and ends the program without cleaning up, because other threads still run.
#[cold]
#[inline(never)]
fn end(bytes: usize) -> ! {
    const BEFORE: &[u8] = b"slatesim: out of memory: ";
    const AFTER: &[u8] =
        b" bytes more cannot be had; fewer candidates, threads or episodes at a time \
        (--threads, --batch-size) take less\n";
    const DIGITS: &[u8; 10] = b"0123456789";
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut left = bytes;
    loop {
        begin -= 1;
        digits[begin] = DIGITS[left % 10];
        left /= 10;
        if left == 0 {
            break;
        }
    }
    const SOME: &[u8] = b"some";
    let asked = if bytes > 0 { &digits[begin..] } else { SOME };
    let mut line = [0; BEFORE.len() + 20 + AFTER.len()];
    let mut length = 0;
    for part in [BEFORE, asked, AFTER] {
        line[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    }
    system::write_and_exit(&line[..length])
}

#[cfg(unix)]
mod system {
    use std::sync::atomic::{AtomicBool, Ordering};

    unsafe extern "C" {
        fn write(file: i32, bytes: *const u8, count: usize) -> isize;
        fn _exit(code: i32) -> !;
    }

    /// Several threads may run out of memory at once, and one line is enough.
    static IS_TOLD: AtomicBool = AtomicBool::new(false);

    pub(super) fn write_and_exit(line: &[u8]) -> ! {
        const STDERR: i32 = 2;
        const BROKEN: i32 = 1;
        if IS_TOLD.swap(true, Ordering::Relaxed) {
            loop {
                std::hint::spin_loop();
            }
        }
        // SAFETY: the bytes are valid, and ending the program is sound at any time.
        unsafe {
            let _ = write(STDERR, line.as_ptr(), line.len());
            _exit(BROKEN)
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io::Write;

    pub(super) fn write_and_exit(line: &[u8]) -> ! {
        let _ = std::io::stderr().write_all(line);
        std::process::exit(1)
    }
}
