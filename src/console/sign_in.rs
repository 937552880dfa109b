//! Signing in and out: with a token, or at an OpenID Connect issuer.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::HOME;
use super::form::{CSRF, Form, check_csrf, fields, forged};
use super::origin::origin;
use super::page::{Chrome, Section, html};
use super::refusal::{sentence, shown};
use super::visitor::{Cookie, SIGN_IN, derived, is_sent_elsewhere};
use crate::access::{Credentials, FromIssuer, LONGEST_VISIT};
use crate::error::{Error, Kind, Result};
use crate::http::params::Params;
use crate::http::{Door, Problem};
use crate::token::new_id;

/// Where the way to the issuer begins, and where it leads back to.
const TO_ISSUER: &str = "/console/sign-in/issuer";
const CALLBACK: &str = "/console/sign-in/callback";

/// Longer than the address of any page of ours.
const LONGEST_NEXT: usize = 2000;

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route(SIGN_IN, get(show).post(sign_in))
        .route(TO_ISSUER, post(to_issuer))
        .route(CALLBACK, get(come_back))
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
    problem: Option<String>,
    /// Why somebody is here, and whether that is a pity.
    notice: Option<(&'static str, &'static str)>,
    /// What the issuer is called, if people can sign in there.
    issuer: Option<String>,
}

impl SignInPage {
    fn new(visit: &str, next: &str, door: &Door) -> SignInPage {
        SignInPage {
            chrome: chrome("Sign in"),
            csrf: csrf_of(visit),
            next: next.to_owned(),
            problem: None,
            notice: None,
            issuer: door.access.issuer_label().map(str::to_owned),
        }
    }
}

/// The page that leads to the issuer by itself. It is not led to by a redirection: from a form those may only lead to us.
#[derive(Template)]
#[template(path = "sign_in_elsewhere.html")]
struct ElsewherePage {
    chrome: Chrome,
    issuer: String,
    address: String,
}

fn chrome(title: &str) -> Chrome {
    Chrome { title: title.to_owned(), section: Section::Elsewhere, visitor: None }
}

/// Why somebody is shown the sign-in page.
fn notice(done: Option<&str>) -> Option<(&'static str, &'static str)> {
    match done? {
        "lost" => Some((
            "warn",
            "You were not signed in any more, so what you have just sent was not done. Sign in, and send it again.",
        )),
        "over" => {
            Some(("info", "You were signed out: that happens after 12 hours, or when a token is revoked or expires."))
        }
        "revoked" => Some(("good", "You have revoked the token that you were signed in with, so you are signed out.")),
        "signed-out" => Some(("good", "You have signed out.")),
        _ => None,
    }
}

fn csrf_of(visit: &str) -> String {
    derived("rollbook 2026-11 form to sign in", visit)
}

/// Only a page of ours: nobody is sent from here to where others want to have him.
fn destination(next: Option<&str>) -> &str {
    let is_ours = |next: &&str| {
        let is_page = next.starts_with("/console/") && !next.starts_with(SIGN_IN);
        is_page && next.len() <= LONGEST_NEXT && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_ours).unwrap_or(HOME)
}

async fn show(State(door): State<Door>, params: Params, headers: HeaderMap) -> Result<Response, Problem> {
    let next = destination(params.one("next")?);
    if let Some(secret) = Cookie::SESSION.read(&headers, &door) {
        let visitor = door.run(move |door| door.access.visitor(&secret)).await?;
        if visitor.is_some() {
            return Ok(Redirect::to(next).into_response());
        }
    }
    let visit = Cookie::VISIT.read(&headers, &door).map_or_else(new_visit, Ok)?;
    let page = SignInPage { notice: notice(params.one("done")?), ..SignInPage::new(&visit, next, &door) };
    Ok(([Cookie::VISIT.set(&visit, None, &door)], html(&page)?).into_response())
}

fn new_visit() -> Result<String> {
    Ok(format!("{}{}{}", new_id()?, new_id()?, new_id()?))
}

/// What a form of the sign-in page sends, and the visit that it is of.
async fn sent(door: &Door, request: Request) -> Result<(Params, String), Problem> {
    let headers = request.headers();
    if is_sent_elsewhere(headers) {
        return Err(forged().into());
    }
    let visit = Cookie::VISIT.read(headers, door).unwrap_or_default();
    let form = fields(request).await?;
    check_csrf(form.one(CSRF)?, (!visit.is_empty()).then(|| csrf_of(&visit)).as_deref())?;
    Ok((form, visit))
}

async fn sign_in(State(door): State<Door>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let (form, visit) = sent(&door, request).await?;
    let next = destination(form.one("next")?).to_owned();
    let secret = form.one("token")?.unwrap_or_default().trim().to_owned();
    let refused = |problem: String, status: StatusCode| {
        let page = SignInPage { problem: Some(problem), ..SignInPage::new(&visit, &next, &door) };
        html(&page).map(|page| shown(status, page))
    };
    if secret.is_empty() {
        return Ok(refused("Write or paste your token.".to_owned(), StatusCode::BAD_REQUEST)?);
    }
    let signed_in = door.run(move |door| Ok(door.access.sign_in(&Credentials::Bearer(secret)))).await?;
    match signed_in {
        Ok(Some(secret)) => welcome(&door, &headers, &secret, &next).await,
        Ok(None) => {
            let problem = "This token is not known here: it may be mistyped, revoked or expired.";
            Ok(refused(problem.to_owned(), StatusCode::UNAUTHORIZED)?)
        }
        Err(error) if error.kind() == Kind::Forbidden => {
            let said = "this is good, but gives you no role here: ask an administrator for one";
            not_signed_in(&door, &visit, &next, Error::new(Kind::Forbidden, said))
        }
        Err(error) => not_signed_in(&door, &visit, &next, error),
    }
}

/// Lets somebody in who has signed in. Whoever was in with this browser is so no more: nobody goes on with what somebody
/// else has begun.
async fn welcome(door: &Door, headers: &HeaderMap, secret: &str, next: &str) -> Result<Response, Problem> {
    if let Some(before) = Cookie::SESSION.read(headers, door) {
        door.run(move |door| door.access.sign_out(&before)).await?;
    }
    let mut cookies = vec![Cookie::SESSION.set(secret, Some(LONGEST_VISIT), door), Cookie::VISIT.remove(door)];
    if Cookie::NEXT.read(headers, door).is_some() {
        cookies.push(Cookie::NEXT.remove(door));
    }
    Ok((AppendHeaders(cookies), Redirect::to(next)).into_response())
}

/// Sends somebody to the issuer.
async fn to_issuer(State(door): State<Door>, request: Request) -> Result<Response, Problem> {
    let redirect = format!("{}{CALLBACK}", origin(request.headers(), &door.app.config.server));
    let (form, visit) = sent(&door, request).await?;
    let next = destination(form.one("next")?).to_owned();
    let known = visit.clone();
    let address = door.run(move |door| Ok(door.access.way_to_issuer(&known, &redirect))).await?;
    match address {
        Ok(address) => {
            let issuer = door.access.issuer_label().unwrap_or_default().to_owned();
            let page = html(&ElsewherePage { chrome: chrome("Sign in"), issuer, address })?;
            // Where he wants to be is nothing for the issuer: there may be in it what somebody has looked for.
            let kept = utf8_percent_encode(&next, NON_ALPHANUMERIC).to_string();
            Ok(([Cookie::NEXT.set(&kept, None, &door)], page).into_response())
        }
        Err(error) => not_signed_in(&door, &visit, &next, error),
    }
}

/// Lets somebody in who comes back from the issuer. That is the one thing here that a GET does: the issuer cannot send
/// people back in another way, and what comes with it is good once, for one browser.
async fn come_back(State(door): State<Door>, params: Params, headers: HeaderMap) -> Result<Response, Problem> {
    let redirect = format!("{}{CALLBACK}", origin(&headers, &door.app.config.server));
    let visit = Cookie::VISIT.read(&headers, &door).unwrap_or_default();
    let one = |name: &str| params.one(name).map(|value| value.map(str::to_owned));
    let answer = FromIssuer { state: one("state")?, code: one("code")?, error: one("error")?, issuer: one("iss")? };
    let kept = Cookie::NEXT.read(&headers, &door);
    let kept = kept.and_then(|kept| percent_decode_str(&kept).decode_utf8().ok().map(String::from));
    let next = destination(kept.as_deref());
    let known = visit.clone();
    let signed_in = door.run(move |door| Ok(door.access.sign_in_by_issuer(&known, &answer, &redirect))).await?;
    match signed_in {
        Ok(secret) => welcome(&door, &headers, &secret, next).await,
        Err(error) => {
            let visit = if visit.is_empty() { new_visit()? } else { visit };
            let page = not_signed_in(&door, &visit, next, error)?;
            Ok(([Cookie::VISIT.set(&visit, None, &door)], page).into_response())
        }
    }
}

/// The sign-in page, which says why somebody is not in.
fn not_signed_in(door: &Door, visit: &str, next: &str, error: Error) -> Result<Response, Problem> {
    if !matches!(error.kind(), Kind::Forbidden | Kind::Busy | Kind::Request) {
        return Err(error.into());
    }
    let status = StatusCode::from_u16(error.kind().code()).unwrap_or(StatusCode::FORBIDDEN);
    let problem = Some(sentence(&error.to_string()));
    Ok(shown(status, html(&SignInPage { problem, ..SignInPage::new(visit, next, door) })?))
}

async fn sign_out(State(door): State<Door>, headers: HeaderMap, _form: Form) -> Result<Response, Problem> {
    if let Some(secret) = Cookie::SESSION.read(&headers, &door) {
        door.run(move |door| door.access.sign_out(&secret)).await?;
    }
    let to = format!("{SIGN_IN}?done=signed-out");
    Ok(([Cookie::SESSION.remove(&door)], Redirect::to(&to)).into_response())
}
