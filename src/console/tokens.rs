//! Tokens: who has one, making one, revoking one.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::form::Form;
use super::origin::origin;
use super::page::{Chrome, Section, filters, html};
use super::refusal::{sentence, shown};
use super::visitor::{SIGN_IN, Visitor};
use crate::access::{ADMINISTRATOR, Role};
use crate::clock;
use crate::config::parse_duration;
use crate::error::{Error, Kind, Result};
use crate::http::params::Params;
use crate::http::patience::LastStep;
use crate::http::{Door, Problem};
use crate::schema::TypeName;
use crate::token::{Token, TokenName};

const TOKENS: &str = "/console/tokens";

/// How long a token may be good that is made here, as settings write it, and in words; nothing is for ever.
const LIFETIMES: [(&str, &str); 6] = [
    ("1d", "1 day"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("365d", "1 year"),
    ("", "Until it is revoked"),
];

/// What each role may do.
const ROLES: [(Role, &str); 3] = [
    (Role::Viewer, "Looks at imports, objects and object types."),
    (Role::Importer, "Imports files, cancels and cleans up imports, creates and changes objects."),
    (Role::Admin, "Does everything: deletes objects, changes object types, integrations and tokens."),
];

pub(super) fn routes() -> Router<Door> {
    Router::new().route(TOKENS, get(show).post(create)).route("/console/tokens/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct TokensPage {
    chrome: Chrome,
    tokens: Vec<Row>,
    /// What just happened.
    done: Option<&'static str>,
    made: Option<Made>,
    problem: Option<String>,
    typed: Typed,
    roles: [(Role, &'static str); 3],
    lifetimes: [(&'static str, &'static str); 6],
    /// Whether the visitor may make tokens for all object types.
    sees_all: bool,
}

/// A token in the list.
struct Row {
    token: Token,
    is_expired: bool,
    is_own: bool,
}

impl Row {
    /// What is to be known before the token is revoked.
    fn warning(&self) -> String {
        let name = &self.token.name;
        let mut said = format!("Whoever uses the token of '{name}' is not let in any more, at once and for good.");
        if self.is_own {
            said += " It is the one that you have signed in with: you are signed out with it.";
        }
        if name.as_str() == ADMINISTRATOR {
            said += " When the service starts the next time, it makes a new one of this name.";
        }
        said
    }
}

/// A token that was just made, with its secret.
struct Made {
    token: Token,
    secret: String,
    example: String,
}

/// What the form shows: what was typed, or what suits most.
struct Typed {
    name: String,
    role: String,
    is_scoped: bool,
    /// The object types that there are, and whether they are ticked.
    object_types: Vec<(TypeName, bool)>,
    lifetime: String,
}

impl Typed {
    fn anew() -> Typed {
        Typed {
            name: String::new(),
            role: Role::Importer.to_string(),
            is_scoped: false,
            object_types: Vec::new(),
            lifetime: "90d".to_owned(),
        }
    }

    fn read(form: &Form) -> Result<Typed> {
        let object_types = form.all("type").filter_map(|name| Some((name.parse().ok()?, true))).collect();
        Ok(Typed {
            name: form.text("name")?.unwrap_or_default().to_owned(),
            role: form.text("role")?.unwrap_or_default().to_owned(),
            is_scoped: form.text("scope")? == Some("some"),
            object_types,
            lifetime: form.text("lifetime")?.unwrap_or_default().to_owned(),
        })
    }

    /// The token that is meant.
    fn meant(&self) -> Result<Wanted> {
        let ticked: BTreeSet<TypeName> = self.object_types.iter().map(|(name, _)| name.clone()).collect();
        let object_types = match (self.is_scoped, ticked.is_empty()) {
            (true, true) => {
                return Err(Error::request(
                    "a token for some object types needs at least one: tick those that it is for",
                ));
            }
            (true, false) => Some(ticked),
            (false, true) => None,
            (false, false) => {
                let said = "object types are ticked, and the token would be for all of them: choose 'Only those that are \
                            ticked', or untick them";
                return Err(Error::request(said));
            }
        };
        let (text, _) = LIFETIMES
            .into_iter()
            .find(|(text, _)| *text == self.lifetime)
            .ok_or_else(|| Error::request("choose how long the token is to be good"))?;
        let role = self.role.parse().map_err(|_| Error::request("choose what may be done with the token"))?;
        Ok(Wanted { name: self.name.parse()?, role, object_types, lifetime: parse_duration(text) })
    }
}

/// A token that is to be made.
struct Wanted {
    name: TokenName,
    role: Role,
    object_types: Option<BTreeSet<TypeName>>,
    lifetime: Option<Duration>,
}

impl TokensPage {
    fn new(door: &Door, visitor: &Visitor, mut typed: Typed) -> Result<TokensPage> {
        let principal = &visitor.principal;
        let now = clock::now();
        let row = |token: Token| Row { is_expired: token.is_expired(&now), is_own: principal.has(&token), token };
        let is_ticked = |name: &TypeName| typed.object_types.iter().any(|(ticked, _)| ticked == name);
        let known = principal.object_types(&door.app)?;
        let known = known.iter().map(|stored| stored.object_type.name());
        typed.object_types = known.map(|name| (name.clone(), is_ticked(name))).collect();
        Ok(TokensPage {
            chrome: Chrome::new("Tokens", Section::Tokens, visitor),
            tokens: door.access.tokens(principal)?.into_iter().map(row).collect(),
            done: None,
            made: None,
            problem: None,
            typed,
            roles: ROLES,
            lifetimes: LIFETIMES,
            sees_all: principal.object_types.is_none(),
        })
    }
}

async fn show(State(door): State<Door>, visitor: Visitor, params: Params) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let done = match params.one("done")? {
        Some("revoked") => Some("The token is revoked: from now on nobody comes in with it."),
        _ => None,
    };
    let page = door.run(move |door| TokensPage::new(door, &visitor, Typed::anew())).await?;
    Ok(html(&TokensPage { done, ..page })?)
}

/// Makes a token. The answer is the only page that shows it, so it cannot be one that is only led to.
async fn create(
    State(door): State<Door>,
    visitor: Visitor,
    headers: HeaderMap,
    Extension(last_step): Extension<LastStep>,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    // A token that was made is shown, however long that takes: nobody shows it again.
    last_step.begin();
    let at = origin(&headers, &door.app.config.server);
    let typed = Typed::read(&form)?;
    let page = move |door: &Door| {
        let made = typed.meant().and_then(|Wanted { name, role, object_types, lifetime }| {
            door.access.create_token_for(&visitor.principal, name, role, object_types, lifetime)
        });
        match made {
            Ok((token, secret)) => {
                let example = format!("curl --header 'Authorization: Bearer {secret}' {at}/openidm/info/login");
                let page = TokensPage::new(door, &visitor, Typed::anew())?;
                Ok((StatusCode::OK, TokensPage { made: Some(Made { token, secret, example }), ..page }))
            }
            Err(error) if matches!(error.kind(), Kind::Request | Kind::Conflict | Kind::NotFound) => {
                let status = StatusCode::from_u16(error.kind().code()).unwrap_or(StatusCode::BAD_REQUEST);
                let page = TokensPage::new(door, &visitor, typed)?;
                Ok((status, TokensPage { problem: Some(sentence(&error.to_string())), ..page }))
            }
            Err(error) => Err(error),
        }
    };
    let (status, page) = door.run(page).await?;
    Ok(shown(status, html(&page)?))
}

async fn revoke(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let principal = visitor.principal;
    let is_own = door.run(move |door| Ok(principal.has(&door.access.revoke_token_for(&principal, &id)?))).await?;
    let to = if is_own { format!("{SIGN_IN}?done=revoked") } else { format!("{TOKENS}?done=revoked") };
    Ok(Redirect::to(&to).into_response())
}
