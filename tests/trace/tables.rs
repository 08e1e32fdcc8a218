//! Traces that a table library has read and written again, and those that lack something.

use super::{BANDIT, EPISODES, SOFTMAX, file, simulation, written};
use slatesim::backend::{Simulation, cpu::cpu};
use slatesim::evaluation::trace::{Format, Recording, Replay, Trace, TraceError, replay};
use tempfile::TempDir;

fn read(simulation: &Simulation, text: &str) -> Result<Trace, TraceError> {
    let folder = TempDir::new().unwrap();
    Trace::read(&file(&folder, text), simulation)
}

fn replayed(simulation: &Simulation, text: &str) -> Replay {
    let trace = read(simulation, text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    replay(simulation, &cpu(Some(1)).unwrap(), &trace).unwrap()
}

fn refused(simulation: &Simulation, text: &str) -> String {
    let error = read(simulation, text).unwrap_err().to_string();
    error
        .split_once("/trace, ")
        .map_or(error.clone(), |(_, told)| told.to_owned())
}

fn text(simulation: &Simulation, format: Format) -> String {
    let backend = cpu(Some(1)).unwrap();
    written(simulation, &backend, format, &Recording::default())
}

/// Cells of a CSV file, the header first.
fn cells(text: &str) -> Vec<Vec<String>> {
    let line = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().map(line).collect()
}

fn joined(rows: &[Vec<String>], separator: &str, end: &str) -> String {
    let lines = rows.iter().map(|row| row.join(separator) + end);
    lines.collect()
}

#[test]
fn csv_as_table_libraries_write_it_replays() {
    for settings in [&BANDIT[..], &SOFTMAX[..]] {
        let simulation = simulation(settings);
        let text = text(&simulation, Format::Csv);
        let mut rows = cells(&text);
        let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
        let (chosen, ended) = (column("chosen"), column("terminated"));
        let propensity = column("propensity");
        for (index, row) in rows.iter_mut().enumerate().skip(1) {
            // A column with a gap is one of numbers with decimals to pandas.
            if !row[chosen].is_empty() {
                row[chosen] += ".0";
            }
            let flag = row[ended].as_str() == "true";
            row[ended] = if flag { "True" } else { "False" }.to_owned();
            if row[propensity].is_empty() {
                row[propensity] = "NaN".to_owned();
            }
            row.reverse();
            row.insert(0, (index - 1).to_string());
            row.push("a note".to_owned());
        }
        rows[0].reverse();
        rows[0].insert(0, String::new());
        rows[0].push("note".to_owned());
        for (separator, end) in [(",", "\n"), (";", "\r\n"), ("\t", "\n")] {
            let text = format!("\u{feff}{}{end}", joined(&rows, separator, end));
            let trace = read(&simulation, &text).unwrap();
            assert_eq!(trace.ignored, ["", "note"]);
            assert_eq!(replayed(&simulation, &text).differences, []);
        }
    }
}

#[test]
fn json_lines_as_table_libraries_write_them_replay() {
    for settings in [&BANDIT[..], &SOFTMAX[..]] {
        let simulation = simulation(settings);
        let text = text(&simulation, Format::JsonLines);
        let mut written = String::from("\u{feff}");
        for (index, line) in text.lines().enumerate() {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            round(&mut row);
            let row = row.as_object_mut().unwrap();
            if let Some(chosen) = row["chosen"].as_u64() {
                row["chosen"] = (chosen as f64).into();
            }
            row.insert("index".to_owned(), index.into());
            written += &serde_json::to_string(&row).unwrap();
            written += "\r\n\n";
        }
        assert_eq!(replayed(&simulation, &written).differences, []);
        // The last object is whole by itself.
        let written = written.trim_end();
        assert_eq!(replayed(&simulation, written).differences, []);
    }
}

/// Leaves ten decimals of every number, as pandas does.
fn round(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Number(number) if number.is_f64() => {
            let rounded = (number.as_f64().unwrap() * 1e10).round() / 1e10;
            *value = rounded.into();
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(round),
        serde_json::Value::Object(values) => values.values_mut().for_each(round),
        _ => {}
    }
}

#[test]
fn names_of_columns_are_names_in_json_too() {
    let simulation = simulation(&BANDIT);
    let rows = cells(&text(&simulation, Format::Csv));
    let mut written = String::new();
    for row in &rows[1..] {
        let member = |(name, cell): (&String, &String)| {
            let cell = if cell.is_empty() { "null" } else { cell };
            format!("{name:?}:{cell}")
        };
        let members: Vec<String> = rows[0].iter().zip(row).map(member).collect();
        written += &format!("{{{}}}\n", members.join(","));
    }
    assert_eq!(replayed(&simulation, &written).differences, []);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let simulation = simulation(&SOFTMAX);
    let text = text(&simulation, Format::Csv);
    let last = text.trim_end().rfind('\n').unwrap();
    for length in last..text.len() {
        // At the end of a line the last episode lacks a step; within one, the line its end.
        let message = refused(&simulation, &text[..length]);
        assert!(
            message.contains("the file ends within") || message.contains("values, expected"),
            "{message}"
        );
    }
    let json = self::text(&simulation, Format::JsonLines);
    for cut in 2..60 {
        read(&simulation, &json[..json.len() - cut]).unwrap_err();
    }
}

#[test]
fn episodes_stand_once_and_columns_too() {
    let simulation = simulation(&BANDIT);
    let text = text(&simulation, Format::Csv);
    let header = text.lines().next().unwrap();
    let body = &text[header.len() + 1..];
    assert!(
        refused(&simulation, &format!("{text}{body}"))
            .contains("column episode: 0, but the file has had this episode already")
    );
    let doubled: String = text
        .lines()
        .map(|line| format!("{line},{line}\n"))
        .collect();
    assert!(refused(&simulation, &doubled).contains("there are two columns of this name"));
    let more: String = text
        .lines()
        .enumerate()
        .map(|(index, line)| match index {
            0 => format!("{line},slate[3]\n"),
            _ => format!("{line},1\n"),
        })
        .collect();
    assert!(refused(&simulation, &more).contains("slate[3]: the simulation has no such column"));
    let some: String = text
        .lines()
        .filter(|line| !line.starts_with("4,3,"))
        .fold(String::new(), |text, line| text + line + "\n");
    let trace = read(&simulation, &some).unwrap();
    assert_eq!(trace.episodes.len() as u64, EPISODES - 1);
}

#[test]
fn what_is_no_trace_is_not_quoted() {
    let simulation = simulation(&BANDIT);
    let message = refused(&simulation, "root:x:0:0\n");
    assert_eq!(
        message,
        "line 1: none of the columns of a trace, such as seed, episode and step"
    );
    assert!(
        refused(&simulation, "[{\"seed\":0}]")
            .contains("a JSON array; allowed is an object a line")
    );
    let utf16 = "s\0e\0e\0d\0";
    assert!(refused(&simulation, utf16).contains("UTF-8"));
}

#[test]
fn propensities_are_probabilities_and_those_of_the_policy() {
    let simulation = simulation(&SOFTMAX);
    let text = text(&simulation, Format::Csv);
    let with = |propensity: &str| -> String {
        let line = |(index, line): (usize, &str)| match index {
            2 => format!("{},{propensity}\n", &line[..line.rfind(',').unwrap()]),
            _ => format!("{line}\n"),
        };
        text.lines().enumerate().map(line).collect()
    };
    for propensity in ["-7", "1e20", "1.001", "inf"] {
        let message = refused(&simulation, &with(propensity));
        assert!(
            message.starts_with("line 3, column propensity: ")
                && message.ends_with("a probability, from 0 to 1"),
            "{message}"
        );
    }
    for propensity in ["0.5", "0", ""] {
        let replayed = replayed(&simulation, &with(propensity));
        assert_eq!(replayed.num_differences, 1, "{propensity}");
        assert_eq!(replayed.num_propensities, 1);
        assert_eq!(replayed.differences[0].column, "propensity");
        assert_eq!(replayed.differences[0].line, 3);
    }
}
