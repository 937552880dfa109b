//! `rollbook token`: who may come in through the REST door.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use rollbook::access::{Access, Role};
use rollbook::clock;
use rollbook::config::parse_duration;
use rollbook::error::{Error, Result};
use rollbook::schema::TypeName;
use rollbook::token::{Token, TokenName};
use serde_json::{Value, json};

use super::Verdict;
use super::context::Context;
use super::output::note;
use super::table::{Column, Table};
use rollbook::figures::moment;

const CREATE_EXAMPLES: &str = "\
Examples:
  rollbook token create --name hr-import --role importer --types managed/user --expires 90d
  TOKEN=$(rollbook token create --name dashboard --role viewer | tail -n 1)";

/// Create, list and revoke the tokens that the REST API is used with
///
/// A token is sent as 'Authorization: Bearer TOKEN', or as the password of the user that it is named after. It says who
/// asks, what may be done and, if it is for some object types only, what can be seen. A service that runs knows of
/// changes at once.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    Create(CreateArgs),
    /// List the tokens; what they look like is nowhere kept
    List,
    /// Revoke a token: from now on nobody comes in with it
    Revoke(RevokeArgs),
}

/// Create a token and print it, which is the only time that it is shown
#[derive(Debug, Args)]
#[command(after_help = CREATE_EXAMPLES)]
pub(crate) struct CreateArgs {
    /// Whose token it is: imports remember this name, and no two tokens have the same
    #[arg(long, value_name = "NAME")]
    name: TokenName,
    /// What may be done with it: a viewer reads, an importer imports and changes objects, an admin does everything
    #[arg(long, value_name = "admin|importer|viewer")]
    role: Role,
    /// Only these object types can be seen; without it all
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',')]
    types: Vec<TypeName>,
    /// The token is good for so long, such as 90d, 12h, 30m; without it until it is revoked
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    expires: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The token, as 'rollbook token list' shows it
    #[arg(value_name = "ID")]
    id: String,
}

pub(crate) fn run(context: &mut Context, command: TokenCommand) -> Result<Verdict> {
    match command {
        TokenCommand::Create(args) => create(context, args),
        TokenCommand::List => list(context),
        TokenCommand::Revoke(args) => revoke(context, &args.id),
    }
}

fn create(context: &mut Context, args: CreateArgs) -> Result<Verdict> {
    let access = Access::new(context.installation()?);
    let object_types: BTreeSet<TypeName> = args.types.into_iter().collect();
    let object_types = Some(object_types).filter(|types| !types.is_empty());
    let (token, secret) = access.create_token(args.name, args.role, object_types, args.expires)?;
    if context.out.json {
        context.out.json(&json!({ "id": token.id, "token": secret }))?;
    } else {
        let Token { id, name, role, .. } = token;
        context.out.line(format!("The token of '{name}' ({role}, id {id}), shown this once:"))?;
        context.out.line(secret)?;
    }
    Ok(Verdict::Good)
}

fn list(context: &mut Context) -> Result<Verdict> {
    let tokens = match context.installation_if_any()? {
        Some(app) => app.repository.tokens()?,
        None => Vec::new(),
    };
    if context.out.json {
        tokens.iter().try_for_each(|token| context.out.json(&listed(token)))?;
        return Ok(Verdict::Good);
    }
    let headings = ["id", "name", "role", "types", "created (UTC)", "expires (UTC)"].map(Column::Text);
    let mut table = Table::new(&headings);
    for token in &tokens {
        let expires = match &token.expires {
            None => "never".to_owned(),
            Some(expires) if token.is_expired(&clock::now()) => format!("{} (expired)", moment(expires)),
            Some(expires) => moment(expires),
        };
        let types = token.object_types.as_ref().map_or_else(|| "all".to_owned(), shown);
        let (id, name, role) = (token.id.clone(), token.name.to_string(), token.role.to_string());
        table.row([id, name, role, types, moment(&token.created), expires]);
    }
    match tokens.is_empty() {
        true => note("there are no tokens"),
        false => context.out.line(table)?,
    }
    Ok(Verdict::Good)
}

fn shown(object_types: &BTreeSet<TypeName>) -> String {
    object_types.iter().map(TypeName::as_str).collect::<Vec<_>>().join(", ")
}

fn listed(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name.as_str(),
        "role": token.role,
        "types": token.object_types,
        "created": token.created,
        "expires": token.expires,
    })
}

fn revoke(context: &mut Context, id: &str) -> Result<Verdict> {
    let token = context.existing_installation()?.repository.revoke_token(id)?;
    match context.out.json {
        true => context.out.json(&listed(&token))?,
        false => context.out.line(format!("the token of '{}' is revoked", token.name))?,
    }
    Ok(Verdict::Good)
}

fn lifetime(text: &str) -> Result<Duration> {
    let length = parse_duration(text).filter(|length| !length.is_zero());
    length.ok_or_else(|| Error::request(format!("'{text}' is not a length of time: write for example '90d' or '12h'")))
}
