//! Draws the measurements of `benches/lab`: speed against threads, lanes, episodes and environments that are stepped together,
//! and the speed of every environment.
//!
//! ```text
//! cargo bench --bench lab -- --json > bench.json
//! cargo run --release --example performance_plots -- bench.json docs
//! ```
//!
//! Writes `performance_{threads,lanes,episodes,step_api,environments}.svg`, as far as there are figures for them. Points are
//! medians, and bars go from the slowest to the fastest run.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

#[path = "plotting/mod.rs"]
mod plotting;

use anyhow::Context;
use plotters::prelude::*;
use plotting::{Curve, Point, bounds, curves, short};
use serde_json::Value;
use std::path::Path;

/// The `"schema"` that the program can read.
const SCHEMA: u64 = 2;
/// The setting of the main job.
const MAIN: &str = "random_baseline";
const RATE: &str = "user-steps/s";
/// The width of the plot of environments, and the height of one of them.
const WIDTH: u32 = 720;
const ROW_HEIGHT: u32 = 44;

#[allow(dead_code, reason = "a test draws without it")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (file, folder) = arguments.next().zip(arguments.next()).context(
        "name the JSON of `cargo bench --bench lab -- --json` and the folder to draw to",
    )?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let bench = serde_json::from_str(&text).with_context(|| format!("{file} is no JSON"))?;
    for (name, svg) in plots(&bench)? {
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, svg).with_context(|| format!("cannot draw to {path:?}"))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Draws everything that there are figures for; returns names of files with their contents.
pub(crate) fn plots(bench: &Value) -> anyhow::Result<Vec<(String, String)>> {
    anyhow::ensure!(
        bench["schema"] == SCHEMA,
        "`schema` = {} is not read; allowed is {SCHEMA}",
        bench["schema"]
    );
    let mut plots = Vec::new();
    for by in ["threads", "lanes", "episodes"] {
        let rows = rows(bench, "scaling").filter(|row| row["by"] == by);
        let lines = lines(rows.map(|row| {
            let point = point(&row["value"], &row["user_steps_per_second"]);
            (label(row), point)
        }))?;
        add(&mut plots, by, &lines)?;
    }
    let mut steps = Vec::new();
    for (key, what) in [("step", "steps"), ("observed", "and observations")] {
        let key = format!("{key}_user_steps_per_second");
        let main = rows(bench, "step_api").filter(|row| row["setting"] == MAIN);
        steps.extend(lines(main.map(|row| {
            let point = point(&row["num_envs"], &row[key.as_str()]);
            (format!("{}, {what}", label(row)), point)
        }))?);
    }
    add(&mut plots, "step_api", &steps)?;
    let environments = environments(bench)?;
    if !environments.is_empty() {
        let svg = dots(&environments)?;
        plots.push((file("environments"), svg));
    }
    Ok(plots)
}

fn file(what: &str) -> String {
    format!("performance_{what}.svg")
}

/// Draws curves if there are any.
fn add(plots: &mut Vec<(String, String)>, what: &str, lines: &[Curve]) -> anyhow::Result<()> {
    if !lines.is_empty() {
        let x = match what {
            "step_api" => "environments",
            other => other,
        };
        plots.push((file(what), curves(lines, x, RATE)?));
    }
    Ok(())
}

fn rows<'a>(bench: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    bench[key].as_array().into_iter().flatten()
}

/// Returns the name of a backend; a software adapter is named as one.
fn label(row: &Value) -> String {
    let software = if row["is_software"] == true {
        " (software)"
    } else {
        ""
    };
    format!("{}{software}", row["backend"].as_str().unwrap_or("?"))
}

fn point(x: &Value, spread: &Value) -> anyhow::Result<Point> {
    let number = |value: &Value| {
        value
            .as_f64()
            .with_context(|| format!("{value} is no number"))
    };
    Ok(Point {
        x: number(x)?,
        y: number(&spread["median"])?,
        range: [number(&spread["min"])?, number(&spread["max"])?],
    })
}

/// Groups points by their labels, in the order in which the labels first occur.
fn lines(
    points: impl Iterator<Item = (String, anyhow::Result<Point>)>,
) -> anyhow::Result<Vec<Curve>> {
    let mut lines: Vec<Curve> = Vec::new();
    for (label, point) in points {
        let point = point?;
        match lines.iter_mut().find(|line| line.label == label) {
            Some(line) => line.points.push(point),
            None => lines.push(Curve {
                label,
                points: vec![point],
            }),
        }
    }
    Ok(lines)
}

/// An environment with random slates: the names and speeds of the backends.
struct Row {
    name: String,
    speeds: Vec<(String, Point)>,
}

/// Collects the environments: random slates in each setting, in the order in which they were measured.
fn environments(bench: &Value) -> anyhow::Result<Vec<Row>> {
    let mut all: Vec<Row> = Vec::new();
    for row in rows(bench, "results").filter(|row| row["policy"] == "random") {
        let text = |key: &str| row[key].as_str().unwrap_or("?");
        let name = format!("{}: {}", text("environment"), text("setting"));
        let speed = (
            label(row),
            point(&Value::from(1), &row["user_steps_per_second"])?,
        );
        match all.iter_mut().find(|other| other.name == name) {
            Some(other) => other.speeds.push(speed),
            None => all.push(Row {
                name,
                speeds: vec![speed],
            }),
        }
    }
    Ok(all)
}

/// Draws the speeds of environments, one below the other.
fn dots(rows: &[Row]) -> anyhow::Result<String> {
    let speeds = || rows.iter().flat_map(|row| &row.speeds);
    let [low, high] = bounds(speeds().flat_map(|(_, point)| point.range));
    let mut backends: Vec<&String> = speeds().map(|(backend, _)| backend).collect();
    let mut seen = Vec::new();
    backends.retain(|&backend| {
        let is_new = !seen.contains(backend);
        seen.push(backend.clone());
        is_new
    });
    let (count, height) = (
        i32::try_from(rows.len())?,
        ROW_HEIGHT * u32::try_from(rows.len())?,
    );
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDTH, height + 100)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(330)
        .build_cartesian_2d(
            (0.5 * low..4.0 * high).log_scale(),
            (0..(count - 1).max(1)).into_segmented(),
        )?;
    let place = |index: usize| {
        // The first one is at the top.
        SegmentValue::CenterOf(count - 1 - i32::try_from(index).unwrap_or(0))
    };
    let name = |value: &SegmentValue<i32>| match value {
        SegmentValue::CenterOf(index) => usize::try_from(count - 1 - index)
            .ok()
            .and_then(|index| rows.get(index))
            .map_or(String::new(), |row| row.name.clone()),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .x_desc(RATE)
        .x_label_formatter(&|value| short(*value))
        .y_labels(rows.len() + 1)
        .y_label_formatter(&name)
        .light_line_style(WHITE)
        .draw()?;
    for (number, backend) in backends.into_iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        let speeds = || {
            let rows = rows.iter().enumerate();
            rows.flat_map(|(index, row)| row.speeds.iter().map(move |speed| (index, speed)))
                .filter(|(_, (name, _))| name == backend)
                .map(|(index, (_, point))| (index, *point))
        };
        let medians =
            speeds().map(|(index, p)| Circle::new((p.y, place(index)), 4, colour.filled()));
        chart
            .draw_series(medians)?
            .label(backend)
            .legend(move |(x, y)| Circle::new((x + 9, y), 4, colour.filled()));
        let ranges = speeds().map(|(index, p)| {
            let ends = p.range.map(|x| (x, place(index)));
            PathElement::new(ends, colour.stroke_width(1))
        });
        chart.draw_series(ranges)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    drop(chart);
    drop(root);
    Ok(svg)
}
