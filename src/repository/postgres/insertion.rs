//! Rows of COPY for a server that does not take them in a prepared statement: they are inserted instead, a column as an
//! array.
//!
//! A value in an array has the same form as in a row of COPY, so that nothing is read or written anew.

use std::error::Error as StdError;
use std::mem;

use bytes::{BufMut as _, BytesMut};
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::conn::{Conn, Params};
use crate::error::{Error, Result};

/// Bytes of one statement, more or less. Servers refuse messages of 16 MiB.
const SENT_AT_ONCE: usize = 4 << 20;

/// Signature, flags and the length of nothing more, before the first row.
const HEADER: usize = 19;

/// Does what this COPY would do with these rows, and says how many there were.
pub(super) fn insert(conn: &mut Conn, copy: &str, rows: &[u8]) -> Result<u64> {
    let target = copy.strip_prefix("COPY ").and_then(|rest| rest.strip_suffix(" FROM STDIN BINARY"));
    let table_and_columns = target.and_then(|target| target.split_once(' '));
    let (table, columns) = table_and_columns.ok_or_else(|| Error::internal(format!("'{copy}' is not a COPY")))?;
    // What the columns are is known to the server.
    let select = format!("SELECT {} FROM {table}", columns.trim_matches(['(', ')']));
    let types: Vec<Type> = conn.prepare(&select)?.columns().iter().map(|column| column.type_().clone()).collect();
    let arrays = (1..).zip(&types).map(|(place, element)| format!("${place}::{}[]", element.name()));
    let arrays: Vec<String> = arrays.collect();
    let insert = format!("INSERT INTO {table} {columns} SELECT * FROM unnest({})", arrays.join(", "));
    let empty = || -> Vec<Array<'_>> { types.iter().map(|element| Array { element, values: Vec::new() }).collect() };
    let mut send = |arrays: Vec<Array<'_>>| {
        let params: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| array as _).collect();
        let params: Params<'_> = &params;
        conn.run(&insert, params)
    };
    let (mut reader, mut arrays, mut begun, mut sent) = (Reader(rows), empty(), rows.len(), 0);
    reader.take(HEADER)?;
    while reader.begins_row(types.len())? {
        for array in &mut arrays {
            array.values.push(reader.field()?);
        }
        if begun - reader.0.len() >= SENT_AT_ONCE {
            sent += send(mem::replace(&mut arrays, empty()))?;
            begun = reader.0.len();
        }
    }
    if arrays.iter().any(|array| !array.values.is_empty()) {
        sent += send(arrays)?;
    }
    Ok(sent)
}

/// What is left of the rows.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(broken)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Whether there is another row, of so many fields.
    fn begins_row(&mut self, fields: usize) -> Result<bool> {
        match i16::from_be_bytes(self.take(2)?.try_into().map_err(|_| broken())?) {
            -1 => Ok(false),
            count if usize::try_from(count) == Ok(fields) => Ok(true),
            _ => Err(broken()),
        }
    }

    fn field(&mut self) -> Result<Option<&'a [u8]>> {
        let length = i32::from_be_bytes(self.take(4)?.try_into().map_err(|_| broken())?);
        usize::try_from(length).ok().map(|length| self.take(length)).transpose()
    }
}

fn broken() -> Error {
    Error::internal("rows for a table are not what their columns are")
}

/// A column of some rows.
#[derive(Debug)]
struct Array<'a> {
    element: &'a Type,
    values: Vec<Option<&'a [u8]>>,
}

impl ToSql for Array<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        // One dimension, counted from 1.
        out.put_i32(1);
        out.put_i32(self.values.iter().any(Option::is_none).into());
        out.put_u32(self.element.oid());
        out.put_i32(self.values.len().try_into()?);
        out.put_i32(1);
        for value in &self.values {
            match value {
                Some(value) => {
                    out.put_i32(value.len().try_into()?);
                    out.put_slice(value);
                }
                None => out.put_i32(-1),
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
