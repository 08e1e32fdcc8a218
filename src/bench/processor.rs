//! The name of the host's processor, to be reported with the figures.

/// Returns the processor's name if the system reports it: Linux, on x86 and some others.
pub(super) fn name() -> Option<String> {
    named(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// Finds the name in Linux's description of its processors.
fn named(text: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, name) = lines.find(|(key, _)| key.trim() == "model name")?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_is_named() {
        let text =
            "processor\t: 0\nmodel name\t: AMD EPYC 9\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(named(text).as_deref(), Some("AMD EPYC 9"));
        assert_eq!(named("processor\t: 0\n"), None);
    }
}
