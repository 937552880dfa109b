//! Tables for people: columns side by side, numbers to the right, nothing drawn, so that `grep` and `awk` read them
//! too.

use std::fmt;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement};

/// A table, row by row.
#[derive(Debug)]
pub(crate) struct Table(comfy_table::Table);

/// A column and its heading.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column<'a> {
    Text(&'a str),
    Number(&'a str),
}

impl Table {
    pub(crate) fn new(columns: &[Column<'_>]) -> Table {
        let mut table = Table::without_headings();
        table.0.set_header(columns.iter().map(|column| match column {
            Column::Text(heading) | Column::Number(heading) => *heading,
        }));
        for (column, shown) in columns.iter().zip(table.0.column_iter_mut()) {
            if let Column::Number(_) = column {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.pad();
        table
    }

    pub(crate) fn without_headings() -> Table {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        Table(table)
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells.into_iter().collect::<Vec<_>>());
        self.pad();
    }

    fn pad(&mut self) {
        for column in self.0.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.trim_fmt())
    }
}
