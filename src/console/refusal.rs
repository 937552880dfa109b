//! What people see when something is refused or goes wrong: a page that says what, and what to do.

use askama::Template;
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::form::FORGED;
use super::page::{Chrome, Section, html};
use super::visitor::{Visitor, is_of_htmx};
use crate::http::Problem;
use crate::http::answer::Unwritten;
use crate::http::problem::refused_elsewhere;

/// The page about a problem.
#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    chrome: Chrome,
    message: String,
    advice: &'static str,
}

/// The problem where a part of a page was asked for.
#[derive(Template)]
#[template(path = "refusal_part.html")]
struct RefusalPart {
    message: String,
    advice: &'static str,
}

/// Makes pages of problems.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let wants_part = is_of_htmx(request.headers());
    let mut response = next.run(request).await;
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    let is_page = response.extensions().get::<Shown>().is_some();
    if !is_refusal || is_page {
        return response;
    }
    if response.extensions().get::<Unwritten>().is_none() {
        response = refused_elsewhere(response).await;
    }
    let said = response.extensions_mut().remove::<Unwritten>();
    let message = said.and_then(|Unwritten(body)| body["message"].as_str().map(str::to_owned)).unwrap_or_default();
    let visitor = response.extensions().get::<Visitor>().cloned();
    let status = response.status();
    let (title, advice) = words(status, &message);
    let message = told(message, visitor.as_ref());
    let chrome = Chrome { title: title.to_owned(), section: Section::Elsewhere, visitor };
    let page = match wants_part {
        true => html(&RefusalPart { message, advice }),
        false => html(&RefusalPage { chrome, message, advice }),
    };
    let Ok(page) = page else { return response };
    let (page, body) = page.into_parts();
    let (mut parts, _) = response.into_parts();
    parts.headers.extend(page.headers);
    Response::from_parts(parts, body)
}

/// Marks an answer with the status of a refusal that is a page already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown;

/// A page that says itself what is wrong.
pub(super) fn shown(status: StatusCode, page: Response) -> Response {
    let mut response = (status, page).into_response();
    response.extensions_mut().insert(Shown);
    response
}

/// What is said, where REST has PingIDM's words for it.
fn told(message: String, visitor: Option<&Visitor>) -> String {
    match visitor {
        Some(visitor) if message == DENIED => {
            format!("This takes another role than yours, which is '{}'.", visitor.principal.role)
        }
        _ => sentence(&message),
    }
}

/// What the library says, as a sentence: it begins with a capital letter and has an end.
pub(super) fn sentence(said: &str) -> String {
    let mut letters = said.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if said.ends_with(['.', '!', '?', ':']) || said.is_empty() { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// What a principal is told whose role is too low.
const DENIED: &str = "Access denied";

/// What a refusal is called among people, and what they can do about it.
fn words(status: StatusCode, message: &str) -> (&'static str, &'static str) {
    match status.as_u16() {
        403 if message == FORGED => ("This page is too old", "Go back, reload the page and try again."),
        400 => ("That did not work", "Go back and correct what is said here."),
        401 => ("Who are you?", "Sign in and try again."),
        403 => ("You may not do this", "Ask an administrator if you need to."),
        404 => (
            "There is nothing here",
            "It may have been deleted, or you may not see it. Look for it in the lists above.",
        ),
        405 => ("That did not work", "Go back and try it from its page."),
        408 | 413 => ("That was too much", "Try again with less at once."),
        409 | 412 => ("Something has changed meanwhile", "Go back, reload the page and look again."),
        503 if message.contains("took too long") => {
            ("That took too long", "It may have been done all the same: look before you try again.")
        }
        503 => ("Too busy right now", "Nothing was changed. Try again in a few seconds."),
        507 => ("The disk is full", "Nothing was changed. Make room on the server and try again."),
        _ => ("Something went wrong", "The server's log knows more. Trying again may be enough."),
    }
}

/// The answer where no page is.
pub(super) async fn no_such_page(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no page '{}'", uri.path()))
}

/// The answer where a page takes other methods.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("'{}' does not take {method}", uri.path()))
}
