//! Rows as Apache Parquet: one Parquet column for each column of the trace, in row groups, without compression.

use super::column::{Cell, Column, Kind, RowWriter};
use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{BoolType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// The most rows of a row group, which are held in memory until it is written.
const ROWS_PER_GROUP: usize = 1 << 15;
/// The most cells of a row group: with many columns it has fewer rows.
const CELLS_PER_GROUP: usize = 1 << 21;

/// Writes row groups.
pub(super) struct Parquet<W: Write + Send> {
    to: SerializedFileWriter<W>,
    columns: Vec<Column>,
    /// The cells of the next row group, column by column.
    cells: Vec<Vec<Cell>>,
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(columns: &[Column], to: W) -> io::Result<Self> {
        let fields: Result<Vec<_>, ParquetError> = columns.iter().map(field).collect();
        let schema = Type::group_type_builder("step")
            .with_fields(fields.map_err(failed)?)
            .build()
            .map_err(failed)?;
        let properties = Arc::new(WriterProperties::builder().build());
        let to = SerializedFileWriter::new(to, Arc::new(schema), properties).map_err(failed)?;
        Ok(Self {
            to,
            columns: columns.to_vec(),
            cells: vec![Vec::new(); columns.len()],
        })
    }

    fn write_group(&mut self) -> io::Result<()> {
        if self.cells.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let mut group = self.to.next_row_group().map_err(failed)?;
        for (column, cells) in self.columns.iter().zip(&mut self.cells) {
            let writer = group.next_column().map_err(failed)?;
            let mut writer = writer.ok_or_else(|| io::Error::other("the schema lacks a column"))?;
            write_column(&mut writer, column, cells).map_err(failed)?;
            writer.close().map_err(failed)?;
            cells.clear();
        }
        group.close().map_err(failed)?;
        Ok(())
    }
}

fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (kind, logical) = match column.kind {
        Kind::Integer => (PhysicalType::INT64, Some(LogicalType::integer(64, false))),
        Kind::Single => (PhysicalType::FLOAT, None),
        Kind::Double => (PhysicalType::DOUBLE, None),
        Kind::Flag => (PhysicalType::BOOLEAN, None),
    };
    let repetition = if column.is_optional {
        Repetition::OPTIONAL
    } else {
        Repetition::REQUIRED
    };
    let name = column.name();
    let field = Type::primitive_type_builder(&name, kind)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()?;
    Ok(Arc::new(field))
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column,
    cells: &[Cell],
) -> Result<(), ParquetError> {
    let levels: Option<Vec<i16>> = column.is_optional.then(|| {
        let is_there = cells.iter().map(|&cell| cell != Cell::Missing);
        is_there.map(i16::from).collect()
    });
    let levels = levels.as_deref();
    macro_rules! write {
        ($type:ty, $cell:pat => $value:expr) => {{
            let values: Vec<_> = cells
                .iter()
                .filter_map(|&cell| match cell {
                    $cell => Some($value),
                    _ => None,
                })
                .collect();
            writer.typed::<$type>().write_batch(&values, levels, None)?;
        }};
    }
    match column.kind {
        // Parquet stores signed integers; the logical type says that these bits are unsigned.
        Kind::Integer => write!(Int64Type, Cell::Integer(number) => number.cast_signed()),
        Kind::Single => write!(FloatType, Cell::Single(number) => number),
        Kind::Double => write!(DoubleType, Cell::Double(number) => number),
        Kind::Flag => write!(BoolType, Cell::Flag(flag) => flag),
    }
    Ok(())
}

impl<W: Write + Send> RowWriter for Parquet<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        for (column, &cell) in self.cells.iter_mut().zip(cells) {
            column.push(cell);
        }
        let most = (CELLS_PER_GROUP / cells.len().max(1)).clamp(1, ROWS_PER_GROUP);
        if self
            .cells
            .first()
            .is_some_and(|column| column.len() >= most)
        {
            self.write_group()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.write_group()?;
        self.to.finish().map_err(failed)?;
        self.to.inner_mut().flush()
    }
}

/// Reads a file row by row, each cell as text.
pub(super) struct Rows {
    /// The names of the columns.
    pub(super) header: csv::StringRecord,
    rows: RowIter<'static>,
}

/// Opens a file for reading.
pub(super) fn rows(file: File) -> Result<Rows, String> {
    let reader = SerializedFileReader::new(file).map_err(told)?;
    let schema = reader.metadata().file_metadata().schema();
    let header = schema
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned());
    Ok(Rows {
        header: header.collect::<Vec<_>>().into(),
        rows: RowIter::from_file_into(Box::new(reader)),
    })
}

impl Rows {
    /// Returns the cells of the next row.
    pub(super) fn next(&mut self) -> Result<Option<Vec<String>>, String> {
        let Some(row) = self.rows.next().transpose().map_err(told)? else {
            return Ok(None);
        };
        let text = |field: &Field| match field {
            Field::Null => String::new(),
            Field::Float(number) => format!("{number:?}"),
            Field::Double(number) => format!("{number:?}"),
            Field::Str(text) => text.clone(),
            other => other.to_string(),
        };
        Ok(Some(
            row.get_column_iter()
                .map(|(_, field)| text(field))
                .collect(),
        ))
    }
}

/// Says why a file cannot be read, and which files can.
fn told(error: ParquetError) -> String {
    format!(
        "no Parquet that this build reads: {error}; allowed is Parquet that is not compressed (`compression=None` in pandas, \
         `compression=\"uncompressed\"` in polars)"
    )
}
