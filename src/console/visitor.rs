//! Who visits: the cookie of a request becomes a [`Visitor`].
//!
//! The cookie holds a secret of 256 random bits; the repository keeps its digest, for whom it is and until when. Whether
//! that is still so is asked for each request, so what was revoked or has expired counts at once, in all processes.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::{Principal, Role};
use crate::config::ServerSettings;
use crate::error::{Error, Kind};
use crate::http::{Door, Problem};

/// The page where visitors sign in.
pub(super) const SIGN_IN: &str = "/console/sign-in";

/// What htmx says of its requests, and how it is told to go elsewhere.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

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
        let nobody = || Error::new(Kind::Unauthenticated, "sign in first");
        Ok(parts.extensions.get::<Visitor>().cloned().ok_or_else(nobody)?)
    }
}

/// Lets visitors pass, and sends everybody else to where they can sign in.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let Some(secret) = Cookie::SESSION.read(request.headers()) else { return Ok(to_sign_in(&request)) };
    let known = secret.clone();
    let Some(principal) = door.run(move |door| door.access.visitor(&known)).await? else {
        return Ok(to_sign_in(&request));
    };
    let visitor = Visitor::new(principal, &secret);
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    // For the log, and for the page about what was refused.
    response.extensions_mut().insert(visitor.principal.clone());
    response.extensions_mut().insert(visitor);
    Ok(response)
}

/// The way to the sign-in page, and from there back here if that changes nothing.
fn to_sign_in(request: &Request) -> Response {
    let back = match (request.method(), request.uri().path_and_query()) {
        (&Method::GET, Some(here)) if !is_of_htmx(request.headers()) => {
            format!("{SIGN_IN}?next={}", utf8_percent_encode(here.as_str(), NON_ALPHANUMERIC))
        }
        _ => SIGN_IN.to_owned(),
    };
    if is_of_htmx(request.headers()) {
        return [(HX_REDIRECT, back)].into_response();
    }
    Redirect::to(&back).into_response()
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

    /// Its value in a request. Over HTTPS it has a name that no other host can have set.
    pub(super) fn read(self, headers: &HeaderMap) -> Option<String> {
        let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs: Vec<(&str, &str)> =
            all.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('=')).collect();
        let named = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        named(&self.name_in(true)).or_else(|| named(&self.name_in(false)))
    }

    fn name_in(self, secure: bool) -> String {
        format!("{}{}", if secure { "__Host-" } else { "" }, self.name)
    }

    /// The header that sets it until the browser is closed.
    pub(super) fn set(self, value: &str, settings: &ServerSettings) -> (HeaderName, HeaderValue) {
        self.header(value, "", settings)
    }

    /// The header that removes it.
    pub(super) fn remove(self, settings: &ServerSettings) -> (HeaderName, HeaderValue) {
        self.header("", "; Max-Age=0", settings)
    }

    /// Sent to us only, also when somebody follows a link to us from elsewhere; no script can read it.
    fn header(self, value: &str, more: &str, settings: &ServerSettings) -> (HeaderName, HeaderValue) {
        let secure = settings.certificate.is_some() || settings.behind_proxy;
        let (name, flag) = (self.name_in(secure), if secure { "; Secure" } else { "" });
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{flag}{more}");
        // Values are ours: digits and letters.
        (SET_COOKIE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
    }
}
