//! The guard that keeps a spreadsheet from running a cell as a formula.
//!
//! The writer of failures files puts it on, the engine takes it off when such a file comes back; whether a file is one
//! is told by its header alone. Nothing here knows whose cells they are.

use std::borrow::Cow;

use super::{ESCAPE_COLUMN, Escape, IMPORT_ERROR_COLUMN};

/// Guards a cell against being run as a formula: what looks like one, `^'*[=+\-@\t\r\n]`, gets one `'` in front.
///
/// [`unguard`] brings every cell back, also one that had quotes in front already.
pub fn guard(cell: &str) -> Cow<'_, str> {
    if looks_like_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Removes the one `'` that [`guard`] put in front of a cell, and no other: `unguard(&guard(cell)) == cell`.
///
/// Meant for cells that have guards, as [`Guards`] says. In others an apostrophe is data.
pub fn unguard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| looks_like_formula(rest)).unwrap_or(cell)
}

/// Which records of a file have guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guards {
    /// None: it is no failures file.
    None,
    /// All, and its header too.
    All,
    /// Those whose cell in this column does not say that they have none.
    Unless(usize),
}

impl Guards {
    /// What the header of a file says: one with an [`IMPORT_ERROR_COLUMN`] is that of a failures file, and an
    /// [`ESCAPE_COLUMN`] tells record by record.
    pub fn of(columns: &[String]) -> Guards {
        let place = |name: &str| columns.iter().position(|column| column == name);
        match (place(IMPORT_ERROR_COLUMN), place(ESCAPE_COLUMN)) {
            (None, _) => Guards::None,
            (Some(_), None) => Guards::All,
            (Some(_), Some(escape)) => Guards::Unless(escape),
        }
    }

    /// A cell without its guard, if its record has guards; `cell_in` gives the record's cell in a column.
    pub fn remove<'a>(self, cell: &'a str, cell_in: impl FnOnce(usize) -> Option<&'a str>) -> &'a str {
        match self {
            Guards::None => cell,
            Guards::Unless(escape) if cell_in(escape) == Some(Escape::None.as_str()) => cell,
            Guards::All | Guards::Unless(_) => unguard(cell),
        }
    }
}

/// Removes the guards from a header, if it is that of a guarded failures file.
pub fn unguard_header(columns: &mut [String]) {
    if Guards::of(columns) == Guards::All {
        for column in columns {
            *column = unguard(column).to_owned();
        }
    }
}

fn looks_like_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::{guard, unguard};

    #[test]
    fn formulas_are_guarded() {
        for (cell, guarded) in [
            ("=1+1", "'=1+1"),
            ("+82 10", "'+82 10"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\ta", "'\ta"),
            ("\r", "'\r"),
            ("\n", "'\n"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'x", "'x"),
            ("'", "'"),
            ("", ""),
            ("a=b", "a=b"),
            (" =1", " =1"),
            ("{code=403}", "{code=403}"),
        ] {
            assert_eq!(guard(cell), guarded, "{cell:?}");
            assert_eq!(unguard(guarded), cell, "{guarded:?}");
        }
        // Where nobody guarded, only what a guard would have made is taken for one.
        for (cell, unguarded) in
            [("=1", "=1"), ("'=1", "=1"), ("''=1", "'=1"), ("'=", "="), ("''", "''"), ("O'=x", "O'=x")]
        {
            assert_eq!(unguard(cell), unguarded, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn a_guard_can_be_removed(cell in "['=+@\\-\t\r\n a]{0,6}", any in ".*") {
            for cell in [cell, any] {
                let guarded = guard(&cell);
                prop_assert_eq!(unguard(&guarded), &cell);
            }
        }
    }
}
