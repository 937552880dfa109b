//! The header, bound to the object type and to the indexes that find its objects.
//!
//! [`Columns`] says what a header means and what is wrong with it, [`Layout`] what fills which place of a document; a
//! [`Binding`] adds how records are found again.

use super::columns::Columns;
use super::layout::Layout;
use crate::error::{Error, Result};
use crate::plan::{ColumnRules, Plan};
use crate::repository::{Hashes, StoredType};

/// What finds the object that a record is about.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    /// The index that is asked.
    pub(crate) key: KeyPlaces,
    /// The slots that make a record's key, in the order of the index.
    pub(crate) slots: Vec<usize>,
}

/// An index and the places of the document that make its key.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlaces {
    /// Place of the index in [`StoredType::indexes`].
    pub(crate) index: usize,
    pub(crate) positions: Vec<usize>,
    /// Path of the property, if its values must be unique.
    pub(crate) unique: Option<String>,
}

/// The header of one file, bound to its object type under one plan.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) layout: Layout,
    pub(crate) correlation: Correlation,
    /// Whether a record whose key no object has makes one.
    pub(crate) create_missing: bool,
    /// Whether no object had a key yet when the header was bound, so that all records will be new ones.
    pub(crate) nothing_exists: bool,
    /// All indexes of the type.
    pub(crate) indexes: Vec<KeyPlaces>,
    /// What of the header is odd and no error.
    pub(crate) warnings: Vec<String>,
    /// Seed of the fingerprints: all that decides what a raw record means.
    pub(crate) context: u64,
}

impl Binding {
    /// Binds columns of which none is wrong to a type that has all of their properties, and an index over those that find
    /// objects.
    pub(crate) fn new(
        header: &[String],
        columns: &Columns,
        stored: &StoredType,
        plan: &Plan,
        hashes: Hashes,
    ) -> Result<Binding> {
        let layout = Layout::new(header, columns, stored.object_type.clone(), plan)?;
        let indexes = key_places(stored);
        let wanted = stored.index(&plan.correlation).ok_or_else(|| Error::internal("the correlation has no index"))?;
        let index = stored.indexes.iter().position(|index| index == wanted).unwrap_or_default();
        let key = indexes.iter().find(|places| places.index == index);
        let key = key.ok_or_else(|| Error::internal("the correlation has no place in documents"))?.clone();
        let key_slots = key.positions.iter().filter_map(|&position| layout.places[position].slot).collect();
        Ok(Binding {
            context: context(header, columns, &layout, stored, plan, hashes),
            layout,
            correlation: Correlation { key, slots: key_slots },
            create_missing: plan.create_missing,
            nothing_exists: wanted.is_empty,
            indexes,
            warnings: columns.warnings.clone(),
        })
    }

    /// The index that finds objects, and the places that make its key.
    pub(crate) fn key_places(&self) -> &KeyPlaces {
        &self.correlation.key
    }

    /// All indexes but the one that finds objects.
    pub(crate) fn other_indexes(&self) -> impl Iterator<Item = &KeyPlaces> {
        self.indexes.iter().filter(|places| places.index != self.correlation.key.index)
    }
}

/// The seed of the fingerprints. The correlation is in it by what it does to cells, so that a file may come by another
/// key and be known again.
fn context(
    header: &[String],
    columns: &Columns,
    layout: &Layout,
    stored: &StoredType,
    plan: &Plan,
    hashes: Hashes,
) -> u64 {
    let StoredType { number, version, .. } = stored;
    let dates = (&plan.date_formats, &plan.time_zone);
    let mut said = format!("{number} {version} {header:?} {:?} {dates:?} {:?}", plan.blank_cells, layout.trimmed());
    let ways = (&plan.columns, &plan.null_token);
    if ways != (&ColumnRules::default(), &None) {
        said.push_str(&format!(" {:?} {ways:?}", columns.paths));
    }
    layout.members().for_each(|member| said.push_str(member));
    hashes.context(&said)
}

/// An index over a column that no stored object has yet says nothing of objects without that column.
fn key_places(stored: &StoredType) -> Vec<KeyPlaces> {
    let positions = stored.object_type.positions();
    let places = stored.indexes.iter().enumerate().filter_map(|(index, key)| {
        let position = |path: &String| positions.get(path).map(|position| position as usize);
        let unique = match key.properties.as_slice() {
            [path] => stored.object_type.property(path).filter(|property| property.unique).map(|_| path.clone()),
            _ => None,
        };
        let positions = key.properties.iter().map(position).collect::<Option<_>>()?;
        Some(KeyPlaces { index, positions, unique })
    });
    places.collect()
}
