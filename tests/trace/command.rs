//! The contract of `slatesim trace`.

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use std::path::Path;
use tempfile::TempDir;

fn trace(arguments: &[&str]) -> Command {
    let mut command = cargo_bin_cmd!("slatesim");
    command.env_remove("SLATESIM_LOG");
    command.args([
        "trace",
        "--quiet",
        "--set",
        "environment.user.time_budget=5",
    ]);
    command.args(arguments);
    command
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn json_lines_go_to_stdout_where_no_file_is_named() {
    let assert = trace(&["--backend", "cpu"])
        .assert()
        .success()
        .stderr(is_empty());
    let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(
        output.starts_with("{\"seed\":0,\"episode\":0,\"step\":0,\"user\":{"),
        "{output}"
    );
    assert!(output.lines().all(|line| line.ends_with('}')));
    assert!(!output.contains("\"episode\":1,"));
}

#[test]
fn a_path_that_exists_is_refused_and_untouched_without_force() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("steps.csv");
    std::fs::write(&path, "mine").unwrap();
    let output = path.to_str().unwrap();
    trace(&["--backend", "cpu", "--output", output])
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("exists; allowed is a new path, or --force"));
    assert_eq!(text(&path), "mine");
    trace(&["--backend", "cpu", "--output", output, "--force"])
        .assert()
        .success()
        .stdout(is_empty());
    assert!(text(&path).starts_with("seed,episode,step,user."));
    assert_eq!(names(&folder), ["steps.csv"]);
}

#[test]
fn a_run_that_fails_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("absent").join("steps.csv");
    trace(&["--backend", "cpu", "--output", output.to_str().unwrap()])
        .assert()
        .code(2)
        .stderr(contains("cannot be written; allowed is a path in a folder"));
    assert_eq!(names(&folder), [""; 0]);
}

#[cfg(unix)]
#[test]
fn force_replaces_files_alone_and_what_a_link_leads_to() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let forced = |path: &Path| {
        trace(&[
            "--backend",
            "cpu",
            "--force",
            "--output",
            path.to_str().unwrap(),
        ])
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("steps.csv");
    std::fs::write(&file, "mine").unwrap();
    let link = folder.path().join("link.csv");
    symlink(&file, &link).unwrap();
    forced(&link).assert().success();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert!(text(&file).starts_with("seed,episode,step,user."));
    // A socket stands for all that is no file.
    let socket = folder.path().join("socket");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [socket.as_path(), folder.path()] {
        forced(path).assert().code(2).stderr(contains(
            "is no regular file; allowed is the path of a file",
        ));
    }
    assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
    assert_eq!(names(&folder).len(), 3);
}

#[test]
fn a_replay_tells_what_differs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("steps.jsonl");
    let output = path.to_str().unwrap();
    trace(&["--backend", "cpu", "--first", "3", "--output", output])
        .assert()
        .success();
    trace(&["--backend", "reference", "--replay", output])
        .assert()
        .success()
        .stdout(contains("of 3 episodes replayed as recorded; mean return"));
    let changed: String = text(&path)
        .split_inclusive('\n')
        .enumerate()
        .map(|(index, line)| match index {
            1 => line.replace("\"reward\":", "\"reward\":1"),
            _ => line.to_owned(),
        })
        .collect();
    std::fs::write(&path, changed).unwrap();
    trace(&["--backend", "cpu", "--replay", output])
        .assert()
        .code(1)
        .stdout(predicate::str::starts_with(
            "line 2 (episode 0, step 1): reward is ",
        ))
        .stderr(contains("1 values of the"));
    // Another user: another simulation.
    trace(&["--backend", "cpu", "--replay", output, "--seed", "1"])
        .assert()
        .code(2)
        .stderr(contains("line 1, column seed: 0, expected the seed 1"));
    std::fs::write(&path, "{\"seed\":0").unwrap();
    trace(&["--backend", "cpu", "--replay", output])
        .assert()
        .code(2)
        .stderr(contains("line 1, column 9: no JSON object"));
}

#[test]
#[cfg(feature = "parquet")]
fn parquet_holds_the_columns_and_values_of_csv() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let folder = TempDir::new().unwrap();
    let [binary, plain] = ["steps.parquet", "steps.csv"].map(|name| folder.path().join(name));
    for path in [&binary, &plain] {
        let output = path.to_str().unwrap();
        trace(&["--backend", "cpu", "--first", "3", "--output", output])
            .assert()
            .success();
    }
    trace(&["--backend", "cpu", "--first", "3", "--replay"])
        .arg(&binary)
        .assert()
        .success()
        .stdout(contains("15 steps of 3 episodes replayed as recorded"));
    let file = std::fs::File::open(&binary).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    let rows: Vec<_> = rows.map(Result::unwrap).collect();
    let mut csv = csv::Reader::from_path(&plain).unwrap();
    let header = csv.headers().unwrap().clone();
    let records: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), records.len());
    // Three episodes of five steps.
    assert_eq!(rows.len(), 15);
    for (row, record) in rows.iter().zip(&records) {
        let names: Vec<&str> = row
            .get_column_iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, header.iter().collect::<Vec<_>>());
        assert_eq!(names.len(), record.len());
        for ((name, field), expected) in row.get_column_iter().zip(record) {
            // Each in its own precision: numbers in CSV read back as the very same.
            let is_equal = match *field {
                Field::Null => expected.is_empty(),
                Field::Bool(flag) => expected.parse::<bool>() == Ok(flag),
                Field::ULong(number) => expected.parse::<u64>() == Ok(number),
                Field::Float(number) => expected.parse::<f32>() == Ok(number),
                Field::Double(number) => expected.parse::<f64>() == Ok(number),
                ref other => panic!("{name} is {other:?}"),
            };
            assert!(is_equal, "{name}: {field}, expected {expected}");
            assert_eq!(
                name == "propensity",
                matches!(field, Field::Double(_)),
                "{name}"
            );
        }
    }
}
