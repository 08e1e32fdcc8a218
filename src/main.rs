//! The command `slatesim`; see `slatesim --help`.
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    quiet_mesa();
    slatesim::cli::main(&slatesim::registry::Registry::built_in())
}

/// Gives the Vulkan driver a folder to look for a display in, where there is none.
///
/// Mesa asks Wayland for a display even where nothing is shown, and Wayland prints an error, to stderr and past any log,
/// if `XDG_RUNTIME_DIR` is not set. On a server it never is.
fn quiet_mesa() {
    if cfg!(target_os = "linux") && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        #[allow(
            unsafe_code,
            reason = "the environment is changed before anybody can read it"
        )]
        // SAFETY: this is the first thing that the program does; there is no other thread.
        unsafe {
            std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir());
        }
    }
}
