//! The columns of a file, laid over the documents of its object type, so that the hot loop never looks a name up.
//!
//! A [`Layout`] says for each sound column which property it fills, and for each place of a stored document where its
//! value comes from. It is all that is needed to make entries of records; finding objects takes a
//! [`Binding`](super::binding::Binding).

use super::columns::Columns;
use crate::error::Result;
use crate::failure::{Guards, IMPORT_ERROR_COLUMN};
use crate::plan::{BlankCells, Dropped, Plan};
use crate::schema::value::write_json_string;
use crate::schema::{self, DateFormats, ObjectType, Property, PropertyKind, State};

/// Gainsight PX's array of what a user or an account is for.
const PROPERTY_KEYS: &str = "propertyKeys";

/// Where one place of a document gets its value from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Which of the entry's slots, if the property has a column.
    pub(crate) slot: Option<usize>,
    /// The JSON text for new objects without a value.
    pub(crate) default: Option<String>,
    /// Index of the property, if a value is required.
    pub(crate) required: Option<usize>,
    /// The JSON text of what every object of the file has in this array.
    pub(crate) member: Option<String>,
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

/// See the module's head.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) object_type: ObjectType,
    pub(crate) width: usize,
    pub(crate) slots: Vec<Slot>,
    /// By position in the document; place 0 is never used.
    pub(crate) places: Vec<Place>,
    /// The slots of the properties that find objects, in the order of the plan, as far as they have one.
    pub(crate) key_slots: Vec<usize>,
    pub(crate) blank_cells: BlankCells,
    /// A cell that removes its property.
    pub(crate) null_token: Option<String>,
    pub(crate) dates: DateFormats,
    /// The column of a failures file that says what was wrong.
    pub(crate) import_error_column: Option<usize>,
    /// The formula guards that are to be removed.
    pub(crate) guards: Guards,
    /// Columns that have another name than their property, each behind its path.
    pub(crate) renamed: Vec<(String, String)>,
}

impl Layout {
    /// Lays the sound ones of these columns over a type, which has all of their properties.
    pub(crate) fn new(header: &[String], columns: &Columns, object_type: ObjectType, plan: &Plan) -> Result<Layout> {
        let mut places = vec![Place::default(); object_type.positions().len() + 1];
        let mut slots = Vec::new();
        let mut renamed = Vec::new();
        for (number, property) in object_type.properties().iter().enumerate() {
            let place = &mut places[property.position as usize];
            place.default = default_of(property);
            place.required = property.required.then_some(number);
            place.member = member_of(property, plan.dropped.as_ref());
            if let Some(column) = columns.paths.iter().position(|path| path.as_ref() == Some(&property.path)) {
                place.slot = Some(slots.len());
                let trimmed = property.unique || plan.correlation.contains(&property.path);
                slots.push(Slot { column, property: number, trimmed });
                if schema::path(&header[column]) != property.path {
                    renamed.push((property.path.clone(), header[column].clone()));
                }
            }
        }
        let slot_of =
            |path: &String| slots.iter().position(|slot| object_type.properties()[slot.property].path == *path);
        Ok(Layout {
            width: header.len(),
            key_slots: plan.correlation.iter().filter_map(slot_of).collect(),
            slots,
            places,
            blank_cells: plan.blank_cells,
            null_token: plan.null_token.clone(),
            dates: plan.dates()?,
            import_error_column: header.iter().position(|name| schema::path(name) == IMPORT_ERROR_COLUMN),
            guards: Guards::of(header),
            renamed,
            object_type,
        })
    }

    /// The property that a slot fills.
    pub(crate) fn property(&self, slot: &Slot) -> &Property {
        &self.object_type.properties()[slot.property]
    }

    /// Whether a cell removes its property.
    pub(crate) fn is_null(&self, cell: &str) -> bool {
        self.null_token.as_deref() == Some(cell)
    }

    /// The columns whose cells are read without outer blanks.
    pub(crate) fn trimmed(&self) -> Vec<usize> {
        self.slots.iter().filter(|slot| slot.trimmed).map(|slot| slot.column).collect()
    }

    /// What the objects of the file get besides its cells.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.places.iter().filter_map(|place| place.member.as_deref())
    }
}

fn default_of(property: &Property) -> Option<String> {
    property.default.as_ref().map(|default| {
        let mut json = String::new();
        default.write_json(&mut json);
        json
    })
}

/// Gainsight PX keeps with each user and account what it is for, which is where its drop folder says.
fn member_of(property: &Property, dropped: Option<&Dropped>) -> Option<String> {
    let destination = dropped?.destination.as_ref()?;
    let is_kept = property.path == PROPERTY_KEYS && property.kind == PropertyKind::Array;
    (is_kept && property.state == State::Enabled).then(|| {
        let mut json = String::new();
        write_json_string(&mut json, &destination.property_key());
        json
    })
}
