//! Access tokens, of which only the digest of the secret is stored.

use rusqlite::{Connection, Row, params};

use super::sql::{from_json, to_json};
use super::{Sqlite, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::token::{Digest, Token, TokenName};

const COLUMNS: &str = "SELECT id, name, role, object_types, created, expires FROM token";

impl Sqlite {
    pub(in crate::repository) fn tokens(&self) -> Result<Vec<Token>> {
        sql::all(&*self.conn()?, &format!("{COLUMNS} ORDER BY created, id"), [], read)
    }

    pub(in crate::repository) fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        // A look-up is not of constant time. What that tells is about digests, and nobody knows a secret for a digest.
        let sql = format!("{COLUMNS} WHERE digest = ?1");
        let found = sql::first(&*self.conn()?, &sql, [digest.as_bytes()], read)?;
        Ok(found.filter(|token| !token.is_expired(&clock::now())))
    }

    pub(in crate::repository) fn token_of_id(&self, id: &str) -> Result<Option<Token>> {
        let found = sql::first(&*self.conn()?, &format!("{COLUMNS} WHERE id = ?1"), [id], read)?;
        Ok(found.filter(|token| !token.is_expired(&clock::now())))
    }

    pub(in crate::repository) fn add_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        self.write(|conn| {
            let sql = "DELETE FROM token WHERE name = ?1 AND expires <= ?2";
            sql::run(conn, sql, [token.name.as_str(), &clock::now()])?;
            insert(conn, token, digest)
        })
    }

    pub(in crate::repository) fn put_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        self.write(|conn| {
            sql::run(conn, "DELETE FROM token WHERE name = ?1", [token.name.as_str()])?;
            insert(conn, token, digest)
        })
    }

    pub(in crate::repository) fn revoke_token(&self, id: &str) -> Result<Token> {
        self.write(|conn| {
            let found = sql::first(conn, &format!("{COLUMNS} WHERE id = ?1"), [id], read)?;
            let token = found.ok_or_else(|| Error::not_found(format!("there is no token with the id '{id}'")))?;
            sql::run(conn, "DELETE FROM token WHERE id = ?1", [id])?;
            Ok(token)
        })
    }
}

fn insert(conn: &Connection, token: &Token, digest: &Digest) -> Result<()> {
    let taken = format!("{COLUMNS} WHERE name = ?1 OR digest = ?2");
    if let Some(Token { id, name, .. }) =
        sql::first(conn, &taken, params![token.name.as_str(), digest.as_bytes()], read)?
    {
        return Err(Error::conflict(match name == token.name {
            true => format!("there is a token named '{name}' already, with the id '{id}'"),
            false => format!("this is the token named '{name}' already, with the id '{id}'"),
        }));
    }
    let sql = "INSERT INTO token (id, name, role, object_types, digest, created, expires) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Token { id, name, role, object_types, created, expires } = token;
    let object_types = object_types.as_ref().map(to_json).transpose()?;
    let values = params![id, name.as_str(), role.to_string(), object_types, digest.as_bytes(), created, expires];
    sql::run(conn, sql, values).map(drop)
}

fn read(row: &Row<'_>) -> Result<Token> {
    let text = |column| sql::get::<String>(row, column);
    let object_types = sql::get::<Option<String>>(row, 3)?;
    Ok(Token {
        id: text(0)?,
        name: text(1)?.parse::<TokenName>()?,
        role: text(2)?.parse()?,
        object_types: object_types.as_deref().map(from_json).transpose()?,
        created: text(4)?,
        expires: sql::get(row, 5)?,
    })
}
