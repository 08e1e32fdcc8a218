//! Draws a sweep: the mean return at each point with its interval, and the range in which most episodes lie.
//!
//! ```text
//! slatesim sweep ... --vary KEY=A,B --vary KEY=1,2,3 --json > sweep.json
//! cargo run --release --example sweep_plot -- sweep.json sweep.svg
//! ```
//!
//! The last varied key is the horizontal axis, and must have numbers as values. Each combination of values of the other keys is
//! a curve. The README has the command for its picture.

use anyhow::Context;
use plotters::prelude::*;
use serde_json::Value;

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 400);
/// Half the width of an interval of 95 %, in standard errors.
const CRITICAL: f64 = 1.96;

/// The returns of a policy at one value of the horizontal axis.
struct Point {
    x: f64,
    mean: f64,
    /// 95 % interval of the mean.
    interval: [f64; 2],
    /// 5 % and 95 % quantile of the returns of single episodes.
    episodes: [f64; 2],
}

/// Points that differ in the horizontal axis only.
struct Curve {
    label: String,
    points: Vec<Point>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("expected SWEEP.json PLOT.svg");
    let (sweep, plot) = (argument()?, argument()?);
    let text = std::fs::read_to_string(&sweep).with_context(|| format!("cannot read {sweep}"))?;
    let svg = draw(&serde_json::from_str(&text)?)?;
    std::fs::write(&plot, svg).with_context(|| format!("cannot draw to {plot}"))
}

/// Draws the result of `slatesim sweep --json` and returns the SVG.
fn draw(sweep: &Value) -> anyhow::Result<String> {
    let varied = sweep["varied"].as_array().context("no result of a sweep")?;
    let keys: Vec<&str> = varied.iter().filter_map(Value::as_str).collect();
    let (axis, others) = keys.split_last().context("nothing was varied")?;
    let curves = curves(sweep, axis, others)?;
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let [left, right] = bounds(points().map(|point| point.x));
    let margin = 0.03 * (right - left);
    let [_, high] = bounds(points().flat_map(|point| point.episodes));

    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(left - margin..right + margin, 0.0..1.05 * high)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc(*axis)
        .y_desc("return of an episode")
        .light_line_style(WHITE)
        .draw()?;
    for (index, curve) in curves.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let upper = curve
            .points
            .iter()
            .map(|point| (point.x, point.episodes[1]));
        let lower = curve
            .points
            .iter()
            .map(|point| (point.x, point.episodes[0]));
        let band: Vec<(f64, f64)> = upper.chain(lower.rev()).collect();
        chart.draw_series([Polygon::new(band, colour.mix(0.15))])?;
        let means = curve.points.iter().map(|point| (point.x, point.mean));
        chart
            .draw_series(LineSeries::new(means, colour.stroke_width(2)))?
            .label(&curve.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        let intervals = curve.points.iter().map(|point| {
            let ends = point.interval.map(|end| (point.x, end));
            PathElement::new(ends, colour.stroke_width(2))
        });
        chart.draw_series(intervals)?;
        let means = curve.points.iter().map(|point| (point.x, point.mean));
        chart.draw_series(means.map(|mean| Circle::new(mean, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    drop(chart);
    drop(root);
    Ok(svg)
}

/// Groups the points of a sweep into curves, in their order.
fn curves(sweep: &Value, axis: &str, others: &[&str]) -> anyhow::Result<Vec<Curve>> {
    let points = sweep["points"].as_array().context("no points")?;
    let mut curves: Vec<Curve> = Vec::new();
    for point in points {
        let values = &point["values"];
        let named = others
            .iter()
            .map(|key| format!("{key} = {}", plain(&values[*key])));
        let label = named.collect::<Vec<String>>().join(", ");
        let drawn = self::point(&values[axis], &point["return"])
            .with_context(|| format!("{axis} = {} cannot be drawn", values[axis]))?;
        match curves.iter_mut().find(|curve| curve.label == label) {
            Some(curve) => curve.points.push(drawn),
            None => curves.push(Curve {
                label,
                points: vec![drawn],
            }),
        }
    }
    Ok(curves)
}

/// Returns the numbers to draw for one point; `None` if one is missing.
fn point(x: &Value, returns: &Value) -> Option<Point> {
    let mean = returns["mean"].as_f64()?;
    let reach = CRITICAL * returns["standard_error"].as_f64()?;
    let quantiles = &returns["quantiles"];
    Some(Point {
        x: x.as_f64()?,
        mean,
        interval: [mean - reach, mean + reach],
        episodes: [quantiles["0.05"].as_f64()?, quantiles["0.95"].as_f64()?],
    })
}

/// Writes a value without the quotes of a text.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the least and the greatest of some numbers.
fn bounds(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    })
}
