//! Access tokens, of which only the digest of the secret is stored.

use postgres::Row;

use super::conn::Conn;
use super::sql::{from_json, to_json};
use super::transaction::Tx;
use super::{Postgres, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::token::{Digest, Token, TokenName};

const TOKENS: &str = "SELECT id, name, role, object_types, created, expires FROM token";

impl Postgres {
    pub(in crate::repository) fn tokens(&self) -> Result<Vec<Token>> {
        let mut tokens = self.read(|conn| conn.all(TOKENS, &[], read))?;
        tokens.sort_by(|one, other| (&one.created, &one.id).cmp(&(&other.created, &other.id)));
        Ok(tokens)
    }

    pub(in crate::repository) fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        // A look-up is not of constant time. What that tells is about digests, and nobody knows a secret for a digest.
        let sql = format!("{TOKENS} WHERE digest = $1");
        let digest: &[u8] = digest.as_bytes();
        let found = self.read(|conn| conn.first(&sql, &[&digest], read))?;
        Ok(found.filter(|token| !token.is_expired(&clock::now())))
    }

    pub(in crate::repository) fn token_of_id(&self, id: &str) -> Result<Option<Token>> {
        if !sql::is_storable(id) {
            return Ok(None);
        }
        let found = self.read(|conn| conn.first(&format!("{TOKENS} WHERE id = $1"), &[&id], read))?;
        Ok(found.filter(|token| !token.is_expired(&clock::now())))
    }

    pub(in crate::repository) fn add_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        self.write(|tx| {
            let named = named(tx, token.name.as_str())?;
            if let Some(expired) = named.filter(|named| named.is_expired(&clock::now())) {
                tx.run("DELETE FROM token WHERE id = $1", &[&expired.id])?;
            }
            match insert(tx, token, digest)? {
                true => Ok(()),
                false => Err(taken(tx, token, digest)?),
            }
        })
    }

    pub(in crate::repository) fn put_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        self.write(|tx| {
            // Somebody else may put one of this name in between, which is then the one to be replaced.
            loop {
                tx.run("DELETE FROM token WHERE name = $1", &[&token.name.as_str()])?;
                if insert(tx, token, digest)? {
                    return Ok(());
                }
                if named(tx, token.name.as_str())?.is_none() {
                    return Err(taken(tx, token, digest)?);
                }
            }
        })
    }

    pub(in crate::repository) fn revoke_token(&self, id: &str) -> Result<Token> {
        let nothing = || Error::not_found(format!("there is no token with the id '{id}'"));
        if !sql::is_storable(id) {
            return Err(nothing());
        }
        let sql = "DELETE FROM token WHERE id = $1 RETURNING id, name, role, object_types, created, expires";
        self.write(|tx| tx.first(sql, &[&id], read)?.ok_or_else(nothing))
    }
}

fn named(conn: &mut Conn, name: &str) -> Result<Option<Token>> {
    conn.first(&format!("{TOKENS} WHERE name = $1"), &[&name], read)
}

/// Stores a token, unless its id, its name or its secret is taken; says whether.
fn insert(tx: &mut Tx, token: &Token, digest: &Digest) -> Result<bool> {
    let sql = "INSERT INTO token (id, name, role, object_types, digest, created, expires) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let Token { id, name, role, object_types, created, expires } = token;
    let object_types = object_types.as_ref().map(to_json).transpose()?;
    let (name, role, digest): (_, _, &[u8]) = (name.as_str(), role.to_string(), digest.as_bytes());
    tx.run(sql, &[id, &name, &role, &object_types, &digest, created, expires]).map(|stored| stored > 0)
}

/// Why a token could not be stored.
fn taken(conn: &mut Conn, token: &Token, digest: &Digest) -> Result<Error> {
    let digest: &[u8] = digest.as_bytes();
    let taken = format!("{TOKENS} WHERE name = $1 OR digest = $2 OR id = $3");
    let found = conn.first(&taken, &[&token.name.as_str(), &digest, &token.id], read)?;
    Ok(Error::conflict(match found {
        Some(Token { id, name, .. }) if name == token.name => {
            format!("there is a token named '{name}' already, with the id '{id}'")
        }
        Some(Token { id, name, .. }) => format!("this is the token named '{name}' already, with the id '{id}'"),
        None => format!("a token like '{}' was there, and was removed meanwhile: try again", token.name),
    }))
}

fn read(row: &Row) -> Result<Token> {
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
