//! Who visits: the cookie of a request becomes a [`Visitor`].
//!
//! The cookie holds a secret of 256 random bits; the repository keeps its digest, for whom it is and until when. Whether
//! that is still so is asked for each request, so what was revoked or has expired counts at once, in all processes.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{ACCEPT, COOKIE, REFERER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::form::forged;
use super::origin::is_secure;
use crate::access::{Principal, Role};
use crate::error::{Error, Kind};
use crate::http::{Door, Problem};

/// The page where visitors sign in.
pub(super) const SIGN_IN: &str = "/console/sign-in";

/// What htmx says of its requests, and how it is told to go elsewhere.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

/// What somebody accepts who listens.
const EVENTS: &str = "text/event-stream";

/// Whose page has sent a request, as browsers say by themselves.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) principal: Principal,
    /// What the visitor's forms carry and nobody else knows.
    pub(super) csrf: String,
}

impl Visitor {
    fn new(principal: Principal, secret: &str) -> Visitor {
        Visitor { principal, csrf: derived("rollbook 2026-11 forms of a visitor", secret) }
    }

    /// Whether the visitor has this role, or one that includes it.
    pub(super) fn may_be(&self, role: Role) -> bool {
        self.principal.role >= role
    }
}

/// Something that only whoever has the secret can know, and that does not tell the secret.
pub(super) fn derived(context: &str, secret: &str) -> String {
    blake3::Hash::from(blake3::derive_key(context, secret.as_bytes())).to_hex().to_string()
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visitor, Problem> {
        Ok(parts.extensions.get::<Visitor>().cloned().ok_or_else(nobody)?)
    }
}

/// Lets visitors pass, and sends everybody else to where they can sign in.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let Some(secret) = Cookie::SESSION.read(request.headers(), &door) else { return Ok(to_sign_in(&request, false)) };
    let known = secret.clone();
    let Some(principal) = door.run(move |door| door.access.visitor(&known)).await? else {
        return Ok(to_sign_in(&request, true));
    };
    let visitor = Visitor::new(principal, &secret);
    let is_refused = !request.method().is_safe() && is_sent_elsewhere(request.headers());
    let mut response = if is_refused {
        Problem::from(forged()).into_response()
    } else {
        request.extensions_mut().insert(visitor.clone());
        next.run(request).await
    };
    // For the log, and for the page about what was refused.
    response.extensions_mut().insert(visitor.principal.clone());
    response.extensions_mut().insert(visitor);
    Ok(response)
}

/// Whether the browser says that a page of somebody else's has sent this. Forms have their tokens besides.
pub(super) fn is_sent_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

/// The way to the sign-in page, and from there back here, or to the page that a form is on.
fn to_sign_in(request: &Request, was_known: bool) -> Response {
    let headers = request.headers();
    let is_part = is_of_htmx(headers);
    let is_lost = !request.method().is_safe();
    let back = match (is_part, is_lost) {
        (true, _) => path_in(headers.get(HX_CURRENT_URL)),
        (false, true) => path_in(headers.get(REFERER)),
        (false, false) => request.uri().path_and_query().map(|here| here.as_str().to_owned()),
    };
    let why = match (is_lost, was_known) {
        (true, _) => Some("done=lost"),
        (false, true) => Some("done=over"),
        (false, false) => None,
    };
    let next = back.map(|back| format!("next={}", utf8_percent_encode(&back, NON_ALPHANUMERIC)));
    let query: Vec<&str> = next.as_deref().into_iter().chain(why).collect();
    let to = if query.is_empty() { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?{}", query.join("&")) };
    match (is_part, is_listening(request)) {
        // Whoever listens is told no: it would listen again and again to what is no refusal.
        (true, true) => ([(HX_REDIRECT, to)], Problem::from(nobody())).into_response(),
        (false, true) => Problem::from(nobody()).into_response(),
        (true, false) => [(HX_REDIRECT, to)].into_response(),
        (false, false) => Redirect::to(&to).into_response(),
    }
}

/// Whether events are asked for, as they come. htmx accepts them in answer to everything.
fn is_listening(request: &Request) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    accepted.starts_with(EVENTS) || request.uri().path().ends_with("/live") && accepted.contains(EVENTS)
}

fn nobody() -> Error {
    Error::new(Kind::Unauthenticated, "sign in first")
}

/// Path and query of an address that a browser names as its own.
fn path_in(address: Option<&HeaderValue>) -> Option<String> {
    let address = address?.to_str().ok()?.parse::<Uri>().ok()?;
    address.path_and_query().map(|path| path.as_str().to_owned())
}

/// Whether a part of a page is asked for, not a page.
pub(super) fn is_of_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key(HX_REQUEST)
}

/// A cookie of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookie {
    name: &'static str,
}

impl Cookie {
    /// The secret of somebody who has signed in.
    pub(super) const SESSION: Cookie = Cookie { name: "rollbook-session" };

    /// The secret of somebody who is about to sign in: what the sign-in form, and a journey to an issuer, are bound to.
    pub(super) const VISIT: Cookie = Cookie { name: "rollbook-visit" };

    /// Where somebody wants to be who is on his way to an issuer.
    pub(super) const NEXT: Cookie = Cookie { name: "rollbook-next" };

    /// Its value in a request. One that comes with several values has none: which of them is ours, and which somebody else
    /// has slipped in, is not for us to guess.
    pub(super) fn read(self, headers: &HeaderMap, door: &Door) -> Option<String> {
        let name = self.name(door);
        let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = all.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        let first = values.next().filter(|value| !value.is_empty())?;
        values.all(|value| value == first).then(|| first.to_owned())
    }

    /// Over HTTPS it has a name that only we can have set, and only over HTTPS; no other one is read then. Several
    /// installations on one host have each their own.
    fn name(self, door: &Door) -> String {
        let prefix = if is_secure(&door.app.config.server) { "__Host-" } else { "" };
        format!("{prefix}{}-{}", self.name, door.access.mark())
    }

    /// The header that sets it, for so long or until the browser is closed.
    pub(super) fn set(self, value: &str, lifetime: Option<Duration>, door: &Door) -> (HeaderName, HeaderValue) {
        let lifetime = lifetime.map(|lifetime| format!("; Max-Age={}", lifetime.as_secs()));
        self.header(value, &lifetime.unwrap_or_default(), door)
    }

    /// The header that removes it.
    pub(super) fn remove(self, door: &Door) -> (HeaderName, HeaderValue) {
        self.header("", "; Max-Age=0", door)
    }

    /// Sent to us only, also when somebody follows a link to us from elsewhere; no script can read it.
    fn header(self, value: &str, more: &str, door: &Door) -> (HeaderName, HeaderValue) {
        let flag = if is_secure(&door.app.config.server) { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{flag}{more}", self.name(door));
        // Values are ours: digits, letters and percent signs.
        (SET_COOKIE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
    }
}
