//! Dotted keys, and the sections that contain them.

/// The section of environments.
pub(super) const ENVIRONMENT: &str = "environment";
/// The section of policies.
pub(super) const POLICY: &str = "policy";
/// The sections of the layers around a policy, the innermost first; this is the largest number of layers.
pub(super) const LAYERS: [&str; 4] = [
    "policy.layer",
    "policy.layer.layer",
    "policy.layer.layer.layer",
    "policy.layer.layer.layer.layer",
];

/// Puts the section before a key; the top level has no name.
pub(super) fn full_name(section: &str, key: &str) -> String {
    match section {
        "" => key.to_owned(),
        section => format!("{section}.{key}"),
    }
}

/// Tells whether the dotted `key` lies in the table `table`.
pub(super) fn is_inside(key: &str, table: &str) -> bool {
    let rest = key.strip_prefix(table);
    rest.is_some_and(|rest| table.is_empty() || rest.starts_with('.'))
}

/// Quotes a name with special characters, so that `"user.sensitivity"` in quotes is not mistaken for the dotted key.
pub(super) fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}
