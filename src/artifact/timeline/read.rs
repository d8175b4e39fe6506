//! Reading `timeline.csv` back, by column name.

use std::io::Read;

use csv::StringRecord;

/// The seconds of a run as columns: whatever columns the file has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TimelineTable {
    columns: Vec<(String, Vec<Option<f64>>)>,
    rows: usize,
}

impl TimelineTable {
    /// Reads a whole file; a row that is cut (the run was killed while it was written) is left out.
    /// A cell that is empty, or no number, is `None`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(file: impl Read) -> Result<Self, csv::Error> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let names = reader.headers()?.clone();
        let mut columns: Vec<(String, Vec<Option<f64>>)> =
            names.iter().map(|name| (name.to_owned(), Vec::new())).collect();
        let mut row = StringRecord::new();
        let mut rows = 0;
        while reader.read_record(&mut row)? {
            if row.len() < columns.len() {
                continue;
            }
            for ((_, column), cell) in columns.iter_mut().zip(&row) {
                column.push(cell.parse().ok());
            }
            rows += 1;
        }
        Ok(Self { columns, rows })
    }

    /// How many seconds there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The cells of a column; `None` where the file has no such column.
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        let found = self.columns.iter().find(|(known, _)| known == name);
        found.map(|(_, cells)| cells.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_by_name_and_a_cut_row_is_left_out() {
        let text = "second,new,started\n0,1.5,3\n1,,4\n2,1";
        let table = TimelineTable::read(text.as_bytes()).unwrap();
        assert_eq!(table.len(), 2);
        assert_eq!(table.column("started").unwrap(), [Some(3.0), Some(4.0)]);
        assert_eq!(table.column("new").unwrap(), [Some(1.5), None]);
        assert_eq!(table.column("absent"), None);
    }
}
