//! All objects of a type, looked at while nobody writes one, and the index that is made of them.
//!
//! They are read page by page, because nothing else can be asked on a connection before an answer is over.

use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::object::write_key;
use crate::repository::postgres::conn::Conn;
use crate::repository::postgres::session::rows::Rows;
use crate::repository::postgres::transaction::Tx;
use crate::repository::postgres::{sql, streams};
use crate::repository::{Hashes, KeyIndex, ObjectNumber, StoredType};

/// Objects of a page: some megabytes go over the network at once, and none of it is kept.
const PAGE: i64 = 20_000;

const COPY: &str = "COPY key_pair (key_index, hash, tie, object) FROM STDIN BINARY";

/// Fills a new index. Every pair has its object's number as its tie.
pub(super) fn fill(tx: &mut Tx, stored: &StoredType, index: &KeyIndex, hashes: Hashes) -> Result<()> {
    let positions: Vec<usize> = index
        .properties
        .iter()
        .map(|path| stored.object_type.property(path).map(|property| property.position as usize))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::internal("an index over a property that the type does not have"))?;
    let (mut key, mut pairs, mut after) = (String::new(), Rows::default(), Some(0));
    while let Some(start) = after {
        after = page(tx, stored.number, "document", start, &mut |number, document| {
            if write_key(document, &positions, &mut key) {
                pairs.begin(4);
                for value in [index.number, hashes.key(&key).cast_signed(), number, number] {
                    pairs.number(value);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        tx.copy(COPY, &std::mem::take(&mut pairs).finished())?;
    }
    Ok(())
}

/// Hands every object's number and `document`, an expression, over; those of which it is null are left out.
pub(super) fn each_document(
    tx: &mut Tx,
    type_number: i64,
    document: &str,
    mut each: impl FnMut(ObjectNumber, &str) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut after = Some(0);
    while let Some(start) = after {
        after = page(tx, type_number, document, start, &mut each)?;
    }
    Ok(())
}

/// Hands the next page over, and says behind which object the one after it begins, if there is one.
fn page(
    conn: &mut Conn,
    type_number: i64,
    document: &str,
    after: ObjectNumber,
    each: &mut impl FnMut(ObjectNumber, &str) -> Result<ControlFlow<()>>,
) -> Result<Option<ObjectNumber>> {
    let select = format!(
        "SELECT number, {document} FROM object WHERE object_type = $1 AND number > $2 ORDER BY number LIMIT $3"
    );
    let (mut read, mut last, mut is_over) = (0, after, false);
    streams::each_row(conn, &select, &[&type_number, &after, &PAGE], |row| {
        (read, last) = (read + 1, sql::get(row, 0)?);
        let document: Option<&str> = row.try_get(1).map_err(|error| sql::failed("reading a document", error))?;
        let flow = document.map_or(Ok(ControlFlow::Continue(())), |document| each(last, document))?;
        is_over = flow.is_break();
        Ok(flow)
    })?;
    Ok((read == PAGE && !is_over).then_some(last))
}
