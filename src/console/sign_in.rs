//! Signing in and out.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::HOME;
use super::form::{CSRF, Form, check_csrf, fields};
use super::page::{Chrome, Section, html};
use super::refusal::shown;
use super::visitor::{Cookie, SIGN_IN, derived};
use crate::access::Credentials;
use crate::error::Result;
use crate::http::params::Params;
use crate::http::{Door, Problem};
use crate::token::new_id;

pub(super) fn routes() -> Router<Door> {
    Router::new().route(SIGN_IN, get(show).post(sign_in))
}

/// For those who have signed in.
pub(super) fn way_out() -> Router<Door> {
    Router::new().route("/console/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    chrome: Chrome,
    csrf: String,
    next: String,
    problem: Option<&'static str>,
}

impl SignInPage {
    fn new(visit: &str, next: &str, problem: Option<&'static str>) -> SignInPage {
        let chrome = Chrome { title: "Sign in".to_owned(), section: Section::Elsewhere, visitor: None };
        SignInPage { chrome, csrf: csrf_of(visit), next: next.to_owned(), problem }
    }
}

fn csrf_of(visit: &str) -> String {
    derived("rollbook 2026-11 form to sign in", visit)
}

/// Only a page of ours: nobody is sent from here to where others want to have him.
fn destination(next: Option<&str>) -> &str {
    next.filter(|next| next.starts_with("/console/")).unwrap_or(HOME)
}

async fn show(State(door): State<Door>, params: Params, request: Request) -> Result<Response, Problem> {
    let next = destination(params.one("next")?);
    let visit = Cookie::VISIT.read(request.headers());
    let visit = visit.map_or_else(new_visit, Ok)?;
    let page = html(&SignInPage::new(&visit, next, None))?;
    Ok(([Cookie::VISIT.set(&visit, &door.app.config.server)], page).into_response())
}

fn new_visit() -> Result<String> {
    Ok(format!("{}{}{}", new_id()?, new_id()?, new_id()?))
}

async fn sign_in(State(door): State<Door>, request: Request) -> Result<Response, Problem> {
    let visit = Cookie::VISIT.read(request.headers()).unwrap_or_default();
    let form = fields(request).await?;
    check_csrf(form.one(CSRF)?, (!visit.is_empty()).then(|| csrf_of(&visit)).as_deref())?;
    let next = destination(form.one("next")?).to_owned();
    let secret = form.one("token")?.unwrap_or_default().trim().to_owned();
    let signed_in = door.run(move |door| door.access.sign_in(&Credentials::Bearer(secret))).await?;
    match signed_in {
        Some(secret) => {
            let settings = &door.app.config.server;
            let cookies = [Cookie::SESSION.set(&secret, settings), Cookie::VISIT.remove(settings)];
            Ok((AppendHeaders(cookies), Redirect::to(&next)).into_response())
        }
        None => {
            let problem = "This token is not known here: it may be mistyped, revoked or expired.";
            let page = html(&SignInPage::new(&visit, &next, Some(problem)))?;
            Ok(shown(StatusCode::UNAUTHORIZED, page))
        }
    }
}

async fn sign_out(State(door): State<Door>, headers: HeaderMap, _form: Form) -> Result<Response, Problem> {
    if let Some(secret) = Cookie::SESSION.read(&headers) {
        door.run(move |door| door.access.sign_out(&secret)).await?;
    }
    Ok(([Cookie::SESSION.remove(&door.app.config.server)], Redirect::to(SIGN_IN)).into_response())
}
