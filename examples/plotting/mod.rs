//! Draws curves on logarithmic axes, where a proportional cost or speed is a line of slope 1 or -1.

use plotters::prelude::*;

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 440);

/// One line of a plot.
#[derive(Debug)]
pub(crate) struct Curve {
    /// Its name in the legend.
    pub(crate) label: String,
    /// Its points, by growing abscissa.
    pub(crate) points: Vec<Point>,
}

/// A median, and the smallest and largest value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// Abscissa.
    pub(crate) x: f64,
    /// Ordinate.
    pub(crate) y: f64,
    /// Smallest and largest value.
    pub(crate) range: [f64; 2],
}

/// Draws curves and returns the SVG; names the axes.
///
/// # Errors
/// If there is nothing to draw.
pub(crate) fn curves(curves: &[Curve], x: &str, y: &str) -> anyhow::Result<String> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    anyhow::ensure!(points().next().is_some(), "there are no points to draw");
    let [left, right] = bounds(points().map(|point| point.x));
    // Axes span whole decades, because only their beginnings are labelled.
    let [low, high] = bounds(points().flat_map(|point| point.range)).map(f64::log10);
    let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (0.8 * left..1.25 * right).log_scale(),
            (10_f64.powf(low)..10_f64.powf(high)).log_scale(),
        )?;
    let mesh = &mut chart.configure_mesh();
    let number = |value: &f64| short(*value);
    mesh.x_desc(x)
        .y_desc(y)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .light_line_style(WHITE)
        .draw()?;
    for (index, curve) in curves.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let medians = || curve.points.iter().map(|point| (point.x, point.y));
        chart
            .draw_series(LineSeries::new(medians(), colour.stroke_width(2)))?
            .label(&curve.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(medians().map(|point| Circle::new(point, 3, colour.filled())))?;
        let ranges = curve.points.iter().map(|point| {
            let ends = point.range.map(|y| (point.x, y));
            PathElement::new(ends, colour.stroke_width(1))
        });
        chart.draw_series(ranges)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    drop(chart);
    drop(root);
    Ok(svg)
}

/// Returns the least and the greatest of some numbers.
pub(crate) fn bounds(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, 0.0], |[low, high], value| {
        [low.min(value), high.max(value)]
    })
}

/// Writes a round number with a unit prefix.
pub(crate) fn short(value: f64) -> String {
    let prefixes = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    let found = prefixes.iter().find(|(unit, _)| value >= *unit);
    let (unit, prefix) = found.copied().unwrap_or((1.0, ""));
    let shown = value / unit;
    // At most two digits behind the point, and no zeros at the end.
    format!("{}{prefix}", (100.0 * shown).round() / 100.0)
}
