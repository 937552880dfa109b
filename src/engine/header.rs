//! The header, bound to the object type once, so that the hot loop never looks a name up.
//!
//! Everything wrong with a header is told at once, with what was probably meant. A [`Binding`] says for each column
//! which property it fills, and for each place of a stored document where its value comes from.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::failure::{Guards, IMPORT_ERROR_COLUMN};
use crate::fault::Fault;
use crate::plan::{BlankCells, Plan};
use crate::repository::{Hashes, StoredType};
use crate::schema::{self, DateFormats, ObjectType, Property};

/// Where one place of a document gets its value from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Which of the entry's slots, if the property has a column.
    pub(crate) slot: Option<usize>,
    /// The JSON text for new objects without a value.
    pub(crate) default: Option<String>,
    /// Index of the property, if a value is required.
    pub(crate) required: Option<usize>,
}

/// A column that fills a property.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) column: usize,
    /// Index of the property in its object type.
    pub(crate) property: usize,
    /// Keys are stored without outer blanks; nothing else is touched.
    pub(crate) trimmed: bool,
}

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
    pub(crate) object_type: ObjectType,
    pub(crate) width: usize,
    pub(crate) slots: Vec<Slot>,
    /// By position in the document; place 0 is never used.
    pub(crate) places: Vec<Place>,
    pub(crate) correlation: Correlation,
    /// Whether no object had a key yet when the header was bound, so that all records will be new ones.
    pub(crate) nothing_exists: bool,
    /// All indexes of the type.
    pub(crate) indexes: Vec<KeyPlaces>,
    pub(crate) blank_cells: BlankCells,
    pub(crate) dates: DateFormats,
    /// The column of a failures file that says what was wrong.
    pub(crate) import_error_column: Option<usize>,
    /// The formula guards that are to be removed.
    pub(crate) guards: Guards,
    /// Seed of the fingerprints: all that decides what a raw record means.
    pub(crate) context: u64,
}

impl Binding {
    /// Binds the header in this row.
    ///
    /// # Errors
    /// One error of kind `File` with everything that is wrong, its `detail` a list of the faults.
    pub(crate) fn new(
        header: &[String],
        row: u64,
        stored: &StoredType,
        plan: &Plan,
        hashes: Hashes,
    ) -> Result<Binding> {
        let object_type = stored.object_type.clone();
        let correlation = &plan.correlation;
        check_header(header, row, &object_type, correlation)?;
        let column_of: HashMap<&str, usize> =
            header.iter().enumerate().map(|(column, name)| (schema::path(name), column)).collect();
        let mut places = vec![Place::default(); object_type.positions().len() + 1];
        let mut slots = Vec::new();
        for (property_number, property) in object_type.properties().iter().enumerate() {
            let place = &mut places[property.position as usize];
            place.default = property.default.as_ref().map(|default| {
                let mut json = String::new();
                default.write_json(&mut json);
                json
            });
            place.required = property.required.then_some(property_number);
            if let Some(&column) = column_of.get(property.path.as_str()) {
                place.slot = Some(slots.len());
                let trimmed = property.unique || correlation.contains(&property.path);
                slots.push(Slot { column, property: property_number, trimmed });
            }
        }
        let indexes = key_places(stored);
        let wanted = stored.index(correlation).ok_or_else(|| Error::internal("the correlation has no index"))?;
        let index = stored.indexes.iter().position(|index| index == wanted).unwrap_or_default();
        let key = indexes.iter().find(|places| places.index == index);
        let key = key.ok_or_else(|| Error::internal("the correlation has no place in documents"))?.clone();
        let key_slots = key.positions.iter().filter_map(|&position| places[position].slot).collect();
        // The correlation is in it by what it does to cells, so that a file may come by another key and be known again.
        let trimmed: Vec<usize> = slots.iter().filter(|slot| slot.trimmed).map(|slot| slot.column).collect();
        let context = hashes.context(&format!(
            "{} {} {header:?} {:?} {:?} {trimmed:?}",
            stored.number,
            stored.version,
            plan.blank_cells,
            (&plan.date_formats, &plan.time_zone)
        ));
        Ok(Binding {
            width: header.len(),
            slots,
            places,
            correlation: Correlation { key, slots: key_slots },
            nothing_exists: wanted.pairs == 0,
            indexes,
            blank_cells: plan.blank_cells,
            dates: plan.dates()?,
            import_error_column: column_of.get(IMPORT_ERROR_COLUMN).copied(),
            guards: Guards::of(header),
            context,
            object_type,
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

    /// The property that a slot fills.
    pub(crate) fn property(&self, slot: &Slot) -> &Property {
        &self.object_type.properties()[slot.property]
    }
}

/// Says everything that is wrong with the header in this row, or nothing.
///
/// # Errors
/// See [`Binding::new`].
pub fn check_header(header: &[String], row: u64, object_type: &ObjectType, correlation: &[String]) -> Result<()> {
    let faults = header_faults(header, object_type, correlation);
    if faults.is_empty() {
        // What an open type takes is known when the columns are put together.
        return object_type.with_columns(header).map(drop).map_err(|error| error.at_row(row));
    }
    Err(Fault::errors(format!("the header does not fit {}", object_type.name()), &faults).at_row(row))
}

/// Everything that is wrong with a header.
pub(crate) fn header_faults(header: &[String], object_type: &ObjectType, correlation: &[String]) -> Vec<Fault> {
    if let [cell] = header
        && !object_type.is_open()
        && object_type.property(schema::path(cell)).is_none()
    {
        let separator = [';', '\t', '|'].into_iter().find(|separator| cell.contains(*separator));
        if separator.is_some() || object_type.suggest(cell).is_none() {
            return vec![Fault::NotSeparated { cell: cell.clone(), separator }];
        }
    }
    let mut faults = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (column, number) in header.iter().zip(1..) {
        let name = schema::path(column);
        if name.is_empty() {
            faults.push(Fault::BlankColumn { number });
            continue;
        }
        if let Some(first) = seen.insert(name, number) {
            faults.push(Fault::DuplicateColumn { column: column.clone(), numbers: (first, number) });
            continue;
        }
        if name.starts_with('_') {
            continue;
        }
        match object_type.property(name) {
            Some(property) => {
                faults
                    .extend(property.importable().err().map(|refusal| Fault::refused(column.clone(), number, refusal)));
            }
            None if object_type.is_open() => {}
            None => faults.push(Fault::UnknownColumn {
                column: column.clone(),
                number,
                suggestion: object_type.suggest(name).map(str::to_owned),
            }),
        }
    }
    for property in correlation.iter().filter(|property| !seen.contains_key(property.as_str())) {
        let alike =
            |column: &&String| object_type.suggest(column) == Some(property) && object_type.property(column).is_none();
        faults
            .push(Fault::MissingColumn { property: property.clone(), suggestion: header.iter().find(alike).cloned() });
    }
    faults
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
