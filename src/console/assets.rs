//! The files that go with the pages, embedded in the binary.
//!
//! Their names carry a digest of their content, so that browsers keep them for ever and never show a page with those of
//! another version.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::error::Error;
use crate::http::{Door, Problem};

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Names, types and contents.
const FILES: [(&str, &str, &[u8]); 5] = [
    ("console.css", CSS, include_bytes!("../../assets/console.css")),
    ("console.js", JAVASCRIPT, include_bytes!("../../assets/console.js")),
    ("htmx.js", JAVASCRIPT, include_bytes!("../../assets/htmx.min.js")),
    ("hx-sse.js", JAVASCRIPT, include_bytes!("../../assets/hx-sse.min.js")),
    ("icon.svg", SVG, include_bytes!("../../assets/icon.svg")),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(Asset::of).collect());

struct Asset {
    name: &'static str,
    /// The name with the digest: `console.0123456789abcdef.css`.
    addressed: String,
    content_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn of(&(name, content_type, content): &(&'static str, &'static str, &'static [u8])) -> Asset {
        let digest = blake3::hash(content).to_hex();
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        Asset { name, addressed: format!("{stem}.{}.{ending}", &digest[..16]), content_type, content }
    }
}

/// The address of an asset, for pages.
pub(super) fn address(name: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    format!("/console/assets/{}", asset.map_or(name, |asset| &asset.addressed))
}

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/assets/{name}", get(read))
}

async fn read(Path(name): Path<String>) -> Result<Response, Problem> {
    let Some(asset) = ASSETS.iter().find(|asset| asset.addressed == name) else {
        return Err(Error::not_found(format!("there is no file '{name}' here")).into());
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.content).into_response())
}
