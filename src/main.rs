//! The command `slatesim`; see `slatesim --help`.
#![deny(unsafe_code)]

mod out_of_memory;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: out_of_memory::OrExit = out_of_memory::OrExit;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    quiet_mesa();
    #[cfg(unix)]
    unix::prepare();
    out_of_memory::catch_panics();
    slatesim::cli::main(&slatesim::registry::Registry::built_in())
}

/// A folder that cannot be created.
#[cfg(target_os = "linux")]
const NO_FOLDER: &str = "/proc/no-display";

/// Sets `XDG_RUNTIME_DIR` for the Vulkan driver if the user has no private folder there.
///
/// Mesa asks Wayland for a display even if nothing is shown, and if `XDG_RUNTIME_DIR` is not set, as on most servers, Wayland
/// prints an error directly to stderr, past any log. A folder that others can write to is worse than none: somebody could put a
/// socket there that does not answer, and the driver would wait for ever.
#[cfg(target_os = "linux")]
fn quiet_mesa() {
    const VARIABLE: &str = "XDG_RUNTIME_DIR";
    if std::env::var_os(VARIABLE).is_some_and(|folder| is_mine_alone(folder.as_ref())) {
        return;
    }
    #[allow(
        unsafe_code,
        reason = "the environment is changed before anybody can read it"
    )]
    // SAFETY: this is the first thing that the program does; there is no other thread.
    unsafe {
        std::env::set_var(VARIABLE, NO_FOLDER);
    }
}

/// Tells whether a folder exists and only the user can write to it.
#[cfg(target_os = "linux")]
fn is_mine_alone(folder: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = std::fs::metadata("/proc/self").map(|myself| myself.uid());
    let found = std::fs::metadata(folder);
    user.is_ok_and(|user| {
        found.is_ok_and(|found| found.is_dir() && found.uid() == user && found.mode() & 0o022 == 0)
    })
}

/// Calls of the C library on Unix for which the standard library has no functions.
#[cfg(unix)]
#[allow(
    unsafe_code,
    reason = "two calls of the C library, which has no safe name for them here"
)]
mod unix {
    use std::sync::atomic::{AtomicBool, Ordering};

    unsafe extern "C" {
        fn signal(number: i32, handler: usize) -> usize;
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        fn fcntl(file: i32, command: i32, ...) -> i32;
    }

    /// The system sends it when a file becomes larger than the user's limit; it is 25 on all systems that we are built for.
    const SIGXFSZ: i32 = 25;
    /// The handler that ignores a signal.
    const SIG_IGN: usize = 1;

    static STDOUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);

    /// Turns a signal that would end the program silently, and a closed standard output that would lose results, into errors.
    pub(super) fn prepare() {
        // SAFETY: ignoring a signal is sound at any time; the write that caused it returns an error instead.
        unsafe {
            signal(SIGXFSZ, SIG_IGN);
        }
        if STDOUT_IS_CLOSED.load(Ordering::Relaxed) {
            slatesim::cli::stdout_is_closed();
        }
    }

    /// If standard output is closed, the standard library opens the null device in its place before `main`, and all results
    /// would be lost. So this must look before that.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    #[used]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    static LOOK: extern "C" fn() = look;

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    extern "C" fn look() {
        const STDOUT: i32 = 1;
        const F_GETFD: i32 = 1;
        // SAFETY: the call reads a flag of a file number, and fails if no file is open under it.
        let flags = unsafe { fcntl(STDOUT, F_GETFD) };
        STDOUT_IS_CLOSED.store(flags == -1, Ordering::Relaxed);
    }
}
