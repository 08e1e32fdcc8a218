//! Writes the functions that convert an environment's structs from and to rows of numbers, so that authors of WGSL modules
//! need not.

use crate::environment::{Field, Kind};
use crate::shader::ShaderSource;
use std::fmt::Write;

/// Appends `user_fields`, `user_from_fields` and `document_from_fields` to an environment's module.
///
/// Appended, so that the lines of the author's own text keep their numbers.
pub(crate) fn with_conversions(
    mut source: ShaderSource,
    user: &[Field],
    document: &[Field],
) -> ShaderSource {
    let text = source.text.to_mut();
    // A line break comes first, because the author's last line may be a comment.
    text.push_str("\n// Made by slatesim.\n");
    text.push_str(&to_fields("User", "user_fields", "USER_FIELDS", user));
    text.push_str(&from_fields(
        "User",
        "user_from_fields",
        "USER_FIELDS",
        user,
    ));
    text.push_str(&from_fields(
        "Document",
        "document_from_fields",
        "DOCUMENT_FIELDS",
        document,
    ));
    source
}

/// Visits the numbers of a struct: WGSL's expression of each, and its kind.
fn members(fields: &[Field]) -> impl Iterator<Item = (String, Kind)> {
    fields
        .iter()
        .flat_map(|field| field.names().into_iter().map(|name| (name, field.kind)))
}

fn to_fields(structure: &str, function: &str, length: &str, fields: &[Field]) -> String {
    let mut text = format!("fn {function}(given: {structure}) -> array<f32, #{{{length}}}> {{\n");
    text += &format!("    var whole = given;\n    var row: array<f32, #{{{length}}}>;\n");
    for (index, (member, kind)) in members(fields).enumerate() {
        let value = match kind {
            Kind::Word => format!("f32(whole.{member})"),
            Kind::Number | Kind::Numbers(_) => format!("whole.{member}"),
        };
        let _ = writeln!(text, "    row[{index}] = {value};");
    }
    text + "    return row;\n}\n"
}

fn from_fields(structure: &str, function: &str, length: &str, fields: &[Field]) -> String {
    let mut text = format!("fn {function}(given: array<f32, #{{{length}}}>) -> {structure} {{\n");
    text += &format!("    var row = given;\n    var whole: {structure};\n");
    for (index, (member, kind)) in members(fields).enumerate() {
        let value = match kind {
            Kind::Word => format!("u32(row[{index}])"),
            Kind::Number | Kind::Numbers(_) => format!("row[{index}]"),
        };
        let _ = writeln!(text, "    whole.{member} = {value};");
    }
    text + "    return whole;\n}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_of_a_struct_has_its_place_in_the_row() {
        let fields = [
            Field {
                name: "interests",
                kind: Kind::Numbers(2),
            },
            Field {
                name: "topic",
                kind: Kind::Word,
            },
            Field {
                name: "budget",
                kind: Kind::Number,
            },
        ];
        let text = to_fields("User", "user_fields", "USER_FIELDS", &fields);
        assert!(text.contains("row[0] = whole.interests[0];\n    row[1] = whole.interests[1];"));
        assert!(text.contains("row[2] = f32(whole.topic);\n    row[3] = whole.budget;"));
        let text = from_fields("User", "user_from_fields", "USER_FIELDS", &fields);
        assert!(text.contains("whole.interests[1] = row[1];\n    whole.topic = u32(row[2]);"));
    }
}
