//! How a page is laid out, and what browsers are told about all pages.

use askama::Template;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use super::visitor::Visitor;
use crate::access::Role;
use crate::error::{Error, Result};

/// Nothing but our own files, no script and no style in a page, no page of ours within another one's.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The part of the console that a page belongs to, which is marked in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Imports,
    NewImport,
    Integrations,
    Objects,
    Types,
    Tokens,
    Settings,
    /// None of them.
    Elsewhere,
}

/// What surrounds the content of every page: its title, the navigation, who visits. Templates that extend `base.html`
/// have it as `chrome`.
#[derive(Clone, Debug)]
pub(super) struct Chrome {
    pub(super) title: String,
    pub(super) section: Section,
    /// Nobody, before somebody has signed in.
    pub(super) visitor: Option<Visitor>,
}

impl Chrome {
    pub(super) fn new(title: impl Into<String>, section: Section, visitor: &Visitor) -> Chrome {
        Chrome { title: title.into(), section, visitor: Some(visitor.clone()) }
    }

    /// The address of a file that goes with the pages.
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Where the visitor may go: sections by address and name.
    pub(super) fn sections(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [
            (Section::Imports, "/console/imports", "Imports", Role::Viewer),
            (Section::NewImport, "/console/new", "New import", Role::Importer),
            (Section::Integrations, "/console/integrations", "Integrations", Role::Viewer),
            (Section::Objects, "/console/objects", "Objects", Role::Viewer),
            (Section::Types, "/console/types", "Object types", Role::Viewer),
            (Section::Tokens, "/console/tokens", "Tokens", Role::Admin),
            (Section::Settings, "/console/settings", "Settings", Role::Admin),
        ];
        let may = |section, role| {
            let sees = |visitor: &Visitor| section != Section::Settings || visitor.principal.object_types.is_none();
            self.visitor.as_ref().is_some_and(|visitor| visitor.may_be(role) && sees(visitor))
        };
        all.into_iter()
            .filter(|(section, .., role)| may(*section, *role))
            .map(|(section, address, name, _)| (address, name, section == self.section))
            .collect()
    }

    /// The visitor's token against forged requests, which every form carries.
    pub(super) fn csrf(&self) -> &str {
        self.visitor.as_ref().map_or("", |visitor| visitor.csrf.as_str())
    }

    /// Whether the visitor may import and change objects.
    pub(super) fn may_import(&self) -> bool {
        self.visitor.as_ref().is_some_and(|visitor| visitor.may_be(Role::Importer))
    }

    /// Whether the visitor may do everything.
    pub(super) fn is_admin(&self) -> bool {
        self.visitor.as_ref().is_some_and(|visitor| visitor.may_be(Role::Admin))
    }
}

/// A page, or a part of one.
pub(super) fn html(template: &impl Template) -> Result<Response> {
    Ok(Html(written(template)?).into_response())
}

/// The text of a page, or of a part of one.
pub(super) fn written(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| Error::storage("a page could not be written", error))
}

/// Tells browsers what our pages do not do, so that they do not do it whoever tells them to.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let kept = response.headers().get(CACHE_CONTROL).and_then(|said| said.to_str().ok());
    let is_for_ever = kept.is_some_and(|said| said.contains("immutable"));
    let headers = response.headers_mut();
    let always = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    if !is_for_ever {
        // What somebody has seen or downloaded is not to be found in his browser after he has signed out.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// How numbers and moments are shown, for templates.
pub(super) mod filters {
    #![expect(unreachable_pub, reason = "what the attribute makes of a filter is as public as the filter looks")]

    use askama::filters::Safe;
    use askama::{Result, Values, filter_fn};

    use crate::figures;

    /// `1,234,567`.
    #[filter_fn]
    pub(in crate::console) fn grouped(number: &u64, _: &dyn Values) -> Result<String> {
        Ok(figures::grouped(*number))
    }

    /// `1 record`, `2,000 records`.
    #[filter_fn]
    pub(in crate::console) fn counted(number: &u64, _: &dyn Values, noun: &str) -> Result<String> {
        Ok(figures::counted(*number, noun))
    }

    /// A moment in RFC 3339 UTC as people read it; with JavaScript in the visitor's own time zone.
    #[filter_fn]
    pub(in crate::console) fn moment(at: &str, _: &dyn Values) -> Result<Safe<String>> {
        // Only what has the form of a moment is written as it is.
        let shown = match at.parse::<jiff::Timestamp>() {
            Ok(moment) => moment.strftime("%-d %b %Y, %H:%M:%S UTC").to_string(),
            Err(_) => return Ok(Safe(String::new())),
        };
        Ok(Safe(format!("<time datetime=\"{at}\">{shown}</time>")))
    }
}
