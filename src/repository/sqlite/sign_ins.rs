//! Who has signed in on the console.

use rusqlite::{Row, params};

use super::sql::{from_json, to_json};
use super::{Sqlite, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::sign_in::{Shown, SignIn};
use crate::token::Digest;

impl Sqlite {
    pub(in crate::repository) fn sign_in(&self, digest: &Digest) -> Result<Option<SignIn>> {
        let sql = "SELECT token, subject, created, expires FROM sign_in WHERE digest = ?1 AND expires > ?2";
        sql::first(&*self.conn()?, sql, params![digest.as_bytes(), clock::now()], read)
    }

    pub(in crate::repository) fn add_sign_in(&self, sign_in: &SignIn, digest: &Digest) -> Result<()> {
        let (token, subject) = match &sign_in.shown {
            Shown::Token(id) => (Some(id), None),
            Shown::Subject(subject) => (None, Some(to_json(subject)?)),
        };
        self.write(|conn| {
            sql::run(conn, "DELETE FROM sign_in WHERE expires <= ?1", [clock::now()])?;
            let sql = "INSERT INTO sign_in (digest, token, subject, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)";
            sql::run(conn, sql, params![digest.as_bytes(), token, subject, sign_in.created, sign_in.expires])?;
            Ok(())
        })
    }

    pub(in crate::repository) fn remove_sign_in(&self, digest: &Digest) -> Result<()> {
        self.write(|conn| sql::run(conn, "DELETE FROM sign_in WHERE digest = ?1", [digest.as_bytes()]).map(drop))
    }
}

fn read(row: &Row<'_>) -> Result<SignIn> {
    let token: Option<String> = sql::get(row, 0)?;
    let subject: Option<String> = sql::get(row, 1)?;
    let shown = match (token, subject) {
        (Some(id), None) => Shown::Token(id),
        (None, Some(subject)) => Shown::Subject(from_json(&subject)?),
        _ => return Err(Error::internal("somebody has signed in with nothing, or with two things")),
    };
    Ok(SignIn { shown, created: sql::get(row, 2)?, expires: sql::get(row, 3)? })
}
