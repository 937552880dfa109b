//! Drop folders that were set elsewhere than in `rollbook.toml`, and how all of them stand.

use postgres::Row;
use serde_json::Value;

use super::conn::Conn;
use super::sql::{from_json, to_json};
use super::transaction::Tx;
use super::{Postgres, sql};
use crate::error::{Error, Kind, Result};
use crate::repository::stored::{setter, word_of_setter};
use crate::repository::{DropFolderChange, DropFolderState, Remains, StoredDropFolder};
use crate::run::Trouble;

const FOLDERS: &str = "SELECT name, settings, secrets, set_by, revision FROM drop_folder";

impl Postgres {
    pub(in crate::repository) fn drop_folders(&self) -> Result<Vec<StoredDropFolder>> {
        let mut folders = self.read(|conn| conn.all(FOLDERS, &[], read))?;
        folders.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(folders)
    }

    pub(in crate::repository) fn drop_folder(&self, name: &str) -> Result<Option<StoredDropFolder>> {
        if !sql::is_storable(name) {
            return Ok(None);
        }
        self.read(|conn| stored(conn, name))
    }

    pub(in crate::repository) fn put_drop_folders(&self, folders: &[DropFolderChange]) -> Result<bool> {
        // In one order, so that two who put the same ones do not wait for each other.
        let mut folders: Vec<&DropFolderChange> = folders.iter().collect();
        folders.sort_by(|one, other| one.folder.name.cmp(&other.folder.name));
        let put = self.write(|tx| {
            for change in &folders {
                if !put(tx, change)? {
                    // What was put before is taken back.
                    let name = &change.folder.name;
                    return Err(Error::new(Kind::Outdated, format!("drop folder '{name}' was changed")));
                }
            }
            Ok(())
        });
        match put {
            Err(error) if error.kind() == Kind::Outdated => Ok(false),
            done => done.map(|()| true),
        }
    }

    pub(in crate::repository) fn pause_drop_folder(&self, name: &str, paused: bool) -> Result<()> {
        if !sql::is_storable(name) {
            return Ok(());
        }
        self.write(|tx| {
            // Until nobody changes it between the look and the change.
            while let Some(StoredDropFolder { mut settings, revision, .. }) = stored(tx, name)? {
                settings["paused"] = Value::Bool(paused);
                let sql = "UPDATE drop_folder SET settings = $2, revision = revision + 1 \
                           WHERE name = $1 AND revision = $3";
                if tx.run(sql, &[&name, &settings.to_string(), &revision.cast_signed()])? > 0 {
                    break;
                }
            }
            Ok(())
        })
    }

    pub(in crate::repository) fn remove_drop_folder(
        &self,
        name: &str,
        revision: u64,
        remains: Remains,
    ) -> Result<bool> {
        if !sql::is_storable(name) {
            return Ok(false);
        }
        self.write(|tx| {
            let sql = "DELETE FROM drop_folder WHERE name = $1 AND revision = $2";
            if tx.run(sql, &[&name, &revision.cast_signed()])? == 0 {
                return Ok(false);
            }
            if remains == Remains::Nothing {
                tx.run("DELETE FROM drop_folder_state WHERE name = $1", &[&name])?;
            }
            Ok(true)
        })
    }

    pub(in crate::repository) fn drop_folder_state(&self, name: &str) -> Result<Option<DropFolderState>> {
        let sql = "SELECT external_id, signing_secret, since, last_poll, trouble, notices, callback_off \
                   FROM drop_folder_state WHERE name = $1";
        self.read(|conn| conn.first(sql, &[&name], read_state))
    }

    pub(in crate::repository) fn add_drop_folder_state(&self, name: &str, new: &DropFolderState) -> Result<()> {
        self.write(|tx| add_state(tx, name, new))
    }

    pub(in crate::repository) fn note_poll(
        &self,
        name: &str,
        at: &str,
        trouble: Option<&Trouble>,
        notices: &[String],
    ) -> Result<()> {
        let (trouble, notices) = (trouble.map(to_json).transpose()?, to_json(notices)?);
        let sql = "UPDATE drop_folder_state SET last_poll = $2, trouble = $3, notices = $4 WHERE name = $1";
        self.write(|tx| tx.run(sql, &[&name, &at, &trouble, &notices]).map(drop))
    }

    pub(in crate::repository) fn switch_callback(&self, name: &str, off: bool) -> Result<()> {
        let sql = "UPDATE drop_folder_state SET callback_off = $2 WHERE name = $1";
        self.write(|tx| tx.run(sql, &[&name, &off]).map(drop))
    }
}

/// Stores a drop folder if what is stored is what was seen; says whether.
fn put(tx: &mut Tx, change: &DropFolderChange) -> Result<bool> {
    let DropFolderChange { folder, seen, made_up } = change;
    let set_by = word_of_setter(folder.set_by);
    let settings = folder.settings.to_string();
    let stored = match seen {
        None => {
            let sql = "INSERT INTO drop_folder (name, settings, secrets, set_by) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (name) DO NOTHING";
            tx.run(sql, &[&folder.name, &settings, &folder.secrets, &set_by])?
        }
        Some(revision) => {
            let sql = "UPDATE drop_folder SET settings = $2, secrets = $3, set_by = $4, revision = revision + 1 \
                       WHERE name = $1 AND revision = $5";
            tx.run(sql, &[&folder.name, &settings, &folder.secrets, &set_by, &revision.cast_signed()])?
        }
    };
    if stored == 0 {
        return Ok(false);
    }
    add_state(tx, &folder.name, made_up)?;
    tx.run("UPDATE drop_folder_state SET callback_off = false WHERE name = $1", &[&folder.name])?;
    Ok(true)
}

/// Stores what was made up for a drop folder, unless something was before.
fn add_state(tx: &mut Tx, name: &str, new: &DropFolderState) -> Result<()> {
    let sql = "INSERT INTO drop_folder_state (name, external_id, signing_secret, since) \
               VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
    tx.run(sql, &[&name, &new.external_id, &new.signing_secret, &new.since]).map(drop)
}

fn stored(conn: &mut Conn, name: &str) -> Result<Option<StoredDropFolder>> {
    conn.first(&format!("{FOLDERS} WHERE name = $1"), &[&name], read)
}

fn read_state(row: &Row) -> Result<DropFolderState> {
    Ok(DropFolderState {
        external_id: sql::get(row, 0)?,
        signing_secret: sql::get(row, 1)?,
        since: sql::get(row, 2)?,
        last_poll: sql::get(row, 3)?,
        trouble: sql::get::<Option<String>>(row, 4)?.map(|text| from_json(&text)).transpose()?,
        notices: from_json(&sql::get::<String>(row, 5)?)?,
        callback_off: sql::get(row, 6)?,
    })
}

fn read(row: &Row) -> Result<StoredDropFolder> {
    Ok(StoredDropFolder {
        name: sql::get(row, 0)?,
        settings: from_json(&sql::get::<String>(row, 1)?)?,
        secrets: sql::get(row, 2)?,
        set_by: setter(&sql::get::<String>(row, 3)?),
        revision: sql::get::<i64>(row, 4)?.unsigned_abs(),
    })
}
