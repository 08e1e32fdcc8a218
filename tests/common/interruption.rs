//! Processes that are interrupted.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

/// Starts a command with its log on, and waits for a line on stderr that contains `text`; what follows can be read.
pub(crate) fn begun(command: &mut Command, text: &str) -> (Child, BufReader<ChildStderr>) {
    let mut child = command
        .env("SLATESIM_LOG", "slatesim=info")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).expect("a line"), 0, "it ended");
    }
    (child, stderr)
}

/// Sends the signal of Ctrl-C, so many times at once. By the shell's own `kill`: a minimal system has no other.
pub(crate) fn interrupt(child: &Child, times: usize) {
    let processes = format!(" {}", child.id()).repeat(times);
    let status = Command::new("sh")
        .args(["-c", &format!("kill -INT{processes}")])
        .status();
    assert!(status.expect("sh starts").success());
}
