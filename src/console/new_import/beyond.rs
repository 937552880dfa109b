//! What an import was run with that the form for a file cannot ask for: it is said to whoever sends the file again.

use super::choices::AFTER;
use super::described::Described;
use crate::access::Principal;
use crate::config::Config;
use crate::error::{Kind, Result};
use crate::figures::counted;
use crate::http::Door;
use crate::http::params::Params;
use crate::import::ImportId;
use crate::plan::{ColumnRules, DuplicateKeys, Plan};
use crate::schema::ObjectType;

/// An import, and how another of the same file would differ.
pub(super) struct Beyond {
    pub(super) id: ImportId,
    pub(super) filename: String,
    /// What it was run with, and what is done instead.
    pub(super) differences: Vec<String>,
}

impl Beyond {
    /// Of the import that an address names, if there is anything to say.
    pub(super) fn of(
        params: &Params,
        door: &Door,
        principal: &Principal,
        object_type: &ObjectType,
    ) -> Result<Option<Beyond>> {
        let Some(id) = params.one(AFTER)? else { return Ok(None) };
        let import = match principal.import(&door.app, id) {
            // It was deleted, say; the form is as good without it.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Request) => return Ok(None),
            import => import?,
        };
        if import.plan.object_type != *object_type.name() {
            return Ok(None);
        }
        let differences = differences(&import.plan, object_type, &door.app.config);
        Ok((!differences.is_empty()).then_some(Beyond { id: import.id, filename: import.filename, differences }))
    }
}

/// What of a plan the form cannot ask for.
fn differences(plan: &Plan, object_type: &ObjectType, config: &Config) -> Vec<String> {
    let Plan {
        correlation,
        duplicate_keys,
        max_records,
        columns: ColumnRules { lenient: _, ignore_disabled, ignore_read_only },
        null_token,
        create_missing,
        encoding,
        // The form asks for these.
        object_type: _,
        on_failure: _,
        blank_cells: _,
        date_formats: _,
        time_zone: _,
        // What is not compressed is no worse.
        gzip_only: _,
        // Whence the file came, and what became of it.
        dropped: _,
        origin: _,
        caller: _,
        dry_run: _,
    } = plan;
    let others = others(correlation, object_type);
    let said = [
        (!others.is_empty())
            .then(|| format!("Objects were found by {} too; from here they cannot be.", others.join(" and "))),
        (*duplicate_keys == DuplicateKeys::LastWins).then(|| {
            "Of records with the same key the last counted; from here the first counts, and the others fail.".to_owned()
        }),
        limit(*max_records, config.upload.max_records),
        (ignore_disabled != ignore_read_only).then(|| {
            "Columns of disabled properties were treated otherwise than those of read-only ones; from here both are \
             passed over, or neither."
                .to_owned()
        }),
        null_token.as_ref().map(|token| {
            format!("A cell that is '{token}' removed its property; from here it is a text like any other.")
        }),
        (!create_missing).then(|| "Records without an object were left out; from here they make objects.".to_owned()),
        encoding.as_ref().map(|name| format!("The file was read as {name}; from here it is read as UTF-8.")),
    ];
    said.into_iter().flatten().collect()
}

/// The properties by which objects were found and which the form does not offer for that.
fn others<'p>(correlation: &'p [String], object_type: &ObjectType) -> Vec<&'p str> {
    let described = Described::new(object_type);
    let is_offered = |path: &str| {
        described.is_open || described.properties.iter().any(|property| property.finds && property.path == path)
    };
    correlation.iter().map(String::as_str).filter(|path| !is_offered(path)).collect()
}

/// How many records a file could have, if that is another number from here; 0 is no limit.
fn limit(was: u64, is: u64) -> Option<String> {
    let more_than = |limit| format!("more than {}", counted(limit, "record"));
    match (was, is) {
        (was, is) if was == is => None,
        (0, is) => {
            Some(format!("A file could have any number of records; from here one with {} is refused.", more_than(is)))
        }
        (was, 0) => Some(format!("A file with {} was refused; from here it may have any number.", more_than(was))),
        (was, is) => {
            Some(format!("A file with {} was refused; from here one with {} is.", more_than(was), more_than(is)))
        }
    }
}
