//! Drop folders that were set elsewhere than in `rollbook.toml`, and how all of them stand.

use rusqlite::{Connection, Row, params};

use super::sql::{from_json, to_json};
use super::{Sqlite, sql};
use crate::error::Result;
use crate::repository::stored::{setter, word_of_setter};
use crate::repository::{DropFolderChange, DropFolderState, Remains, StoredDropFolder};
use crate::run::Trouble;

const COLUMNS: &str = "SELECT name, settings, secrets, set_by, revision FROM drop_folder";

impl Sqlite {
    pub(in crate::repository) fn drop_folders(&self) -> Result<Vec<StoredDropFolder>> {
        sql::all(&*self.conn()?, &format!("{COLUMNS} ORDER BY name"), [], read)
    }

    pub(in crate::repository) fn drop_folder(&self, name: &str) -> Result<Option<StoredDropFolder>> {
        sql::first(&*self.conn()?, &format!("{COLUMNS} WHERE name = ?1"), [name], read)
    }

    pub(in crate::repository) fn put_drop_folders(&self, folders: &[DropFolderChange]) -> Result<bool> {
        self.write(|conn| {
            for DropFolderChange { folder, seen, .. } in folders {
                let sql = format!("{COLUMNS} WHERE name = ?1");
                let stored = sql::first(conn, &sql, [&folder.name], read)?;
                if stored.map(|stored| stored.revision) != *seen {
                    return Ok(false);
                }
            }
            folders.iter().try_for_each(|change| put(conn, change))?;
            Ok(true)
        })
    }

    pub(in crate::repository) fn pause_drop_folder(&self, name: &str, paused: bool) -> Result<()> {
        self.write(|conn| {
            let sql = "UPDATE drop_folder SET settings = json_set(settings, '$.paused', json(?2)), \
                       revision = revision + 1 WHERE name = ?1";
            sql::run(conn, sql, [name, if paused { "true" } else { "false" }]).map(drop)
        })
    }

    pub(in crate::repository) fn remove_drop_folder(
        &self,
        name: &str,
        revision: u64,
        remains: Remains,
    ) -> Result<bool> {
        self.write(|conn| {
            let sql = "DELETE FROM drop_folder WHERE name = ?1 AND revision = ?2";
            if sql::run(conn, sql, params![name, revision.cast_signed()])? == 0 {
                return Ok(false);
            }
            if remains == Remains::Nothing {
                sql::run(conn, "DELETE FROM drop_folder_state WHERE name = ?1", [name])?;
            }
            Ok(true)
        })
    }

    pub(in crate::repository) fn drop_folder_state(&self, name: &str) -> Result<Option<DropFolderState>> {
        let sql = "SELECT external_id, signing_secret, since, last_poll, trouble, notices, callback_off \
                   FROM drop_folder_state WHERE name = ?1";
        sql::first(&*self.conn()?, sql, [name], |row| {
            Ok(DropFolderState {
                external_id: sql::get(row, 0)?,
                signing_secret: sql::get(row, 1)?,
                since: sql::get(row, 2)?,
                last_poll: sql::get(row, 3)?,
                trouble: sql::get::<Option<String>>(row, 4)?.map(|text| from_json(&text)).transpose()?,
                notices: from_json(&sql::get::<String>(row, 5)?)?,
                callback_off: sql::get(row, 6)?,
            })
        })
    }

    pub(in crate::repository) fn add_drop_folder_state(&self, name: &str, new: &DropFolderState) -> Result<()> {
        self.write(|conn| add_state(conn, name, new))
    }

    pub(in crate::repository) fn note_poll(
        &self,
        name: &str,
        at: &str,
        trouble: Option<&Trouble>,
        notices: &[String],
    ) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE drop_folder_state SET last_poll = ?2, trouble = ?3, notices = ?4 WHERE name = ?1";
            sql::run(conn, sql, params![name, at, trouble.map(to_json).transpose()?, to_json(&notices)?]).map(drop)
        })
    }

    pub(in crate::repository) fn switch_callback(&self, name: &str, off: bool) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE drop_folder_state SET callback_off = ?2 WHERE name = ?1";
            sql::run(conn, sql, params![name, off]).map(drop)
        })
    }
}

fn put(conn: &Connection, change: &DropFolderChange) -> Result<()> {
    let DropFolderChange { folder, made_up, .. } = change;
    let sql = "INSERT INTO drop_folder (name, settings, secrets, set_by) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, secrets = excluded.secrets, \
               set_by = excluded.set_by, revision = revision + 1";
    let set_by = word_of_setter(folder.set_by);
    sql::run(conn, sql, params![folder.name, folder.settings.to_string(), folder.secrets, set_by])?;
    add_state(conn, &folder.name, made_up)?;
    sql::run(conn, "UPDATE drop_folder_state SET callback_off = 0 WHERE name = ?1", [&folder.name]).map(drop)
}

/// Stores what was made up for a drop folder, unless something was before.
fn add_state(conn: &Connection, name: &str, new: &DropFolderState) -> Result<()> {
    let sql = "INSERT INTO drop_folder_state (name, external_id, signing_secret, since) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (name) DO NOTHING";
    sql::run(conn, sql, params![name, new.external_id, new.signing_secret, new.since]).map(drop)
}

fn read(row: &Row<'_>) -> Result<StoredDropFolder> {
    Ok(StoredDropFolder {
        name: sql::get(row, 0)?,
        settings: from_json(&sql::get::<String>(row, 1)?)?,
        secrets: sql::get(row, 2)?,
        set_by: setter(&sql::get::<String>(row, 3)?),
        revision: sql::get::<i64>(row, 4)?.unsigned_abs(),
    })
}
