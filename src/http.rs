//! The REST door: what PingIDM's bulk import service offers over HTTP, and the managed objects that it writes.
//!
//! One file for each group of routes, and a router that shows them on one page. A handler reads its parameters, calls the
//! library on a blocking thread and shapes the answer; it decides nothing about data. The manners that all routes share
//! stand once: what is addressed ([`addressing`]), who asks ([`authentication`]), how parameters are read ([`params`]) and
//! revisions named ([`conditions`]), how answers look ([`answer`], [`presentation`], [`problem`]), how long anything may
//! take ([`patience`]).
//!
//! Nothing below this level knows HTTP.

pub(crate) mod addressing;
pub(crate) mod answer;
mod authentication;
mod blocking;
mod conditions;
pub(crate) mod config;
mod credentials;
pub(crate) mod drop_folder;
mod events;
mod extended_value;
pub(crate) mod failures;
mod fields;
mod health;
mod info;
mod json_body;
mod managed;
mod metadata;
mod metrics;
mod negotiation;
mod observe;
mod openapi;
mod paging;
pub(crate) mod params;
pub(crate) mod patience;
mod presentation;
pub(crate) mod problem;
mod query;
mod request_id;
mod schema;
mod server;
mod sorting;
pub(crate) mod streaming;
pub(crate) mod template;
pub(crate) mod upload;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::post;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::metrics::Metrics;
use self::openapi::Document;
use self::patience::Patience;
use crate::access::Access;
use crate::app::App;
use crate::drop_folder::DropFolders;
use crate::worker::Worker;

pub use self::problem::Problem;
pub use self::server::Server;

/// What every handler works with.
#[derive(Clone, Debug)]
pub struct Door {
    /// The installation.
    pub app: Arc<App>,
    /// Who runs its imports, and how far they are.
    pub worker: Arc<Worker>,
    /// Who may come in.
    pub access: Arc<Access>,
    /// The other door.
    pub drop_folders: Arc<DropFolders>,
}

/// All routes, with the document that describes them.
fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::openapi))
        .routes(routes!(info::ping))
        .routes(routes!(info::login))
        .routes(routes!(managed::create, managed::query))
        .routes(routes!(managed::read, managed::put, managed::delete, managed::patch, managed::post_to_object))
        .routes(routes!(managed::validate))
        .routes(routes!(template::template))
        .routes(routes!(config::read_all, config::put_all))
        .routes(routes!(config::read, config::put))
        .routes(routes!(schema::read))
        .routes(routes!(drop_folder::settings::query))
        .routes(routes!(
            drop_folder::settings::read,
            drop_folder::settings::put,
            drop_folder::settings::patch,
            drop_folder::settings::delete
        ))
        .routes(routes!(drop_folder::query))
        .routes(routes!(drop_folder::read, drop_folder::actions::act))
        .routes(routes!(drop_folder::policy))
        .routes(routes!(drop_folder::runs::query))
        .routes(routes!(drop_folder::runs::read, drop_folder::actions::act_on_run))
        .routes(routes!(upload::upload))
        .route("/upload/csv/{*collection}", post(upload::upload_elsewhere))
        .routes(routes!(metadata::query, metadata::write_collection, metadata::actions::act_on_all))
        .routes(routes!(metadata::read, metadata::delete, metadata::write, metadata::actions::act))
        .routes(routes!(failures::csv))
        .routes(routes!(failures::query))
        .routes(routes!(events::events))
}

/// The manners of everything that is asked over HTTP, whoever answers it: how long a request may take, which name it has,
/// what is told of it.
#[derive(Clone, Debug)]
pub struct Manners {
    metrics: Arc<Metrics>,
    patience: Arc<Patience>,
}

impl Manners {
    /// The manners of a service.
    pub fn new(door: &Door) -> Manners {
        Manners { metrics: Arc::new(Metrics::new(door)), patience: Patience::new(&door.app.config.server) }
    }

    /// These routes with a limit to how long their requests may take and how large they may be. What is too much for it is
    /// answered with a [`Problem`].
    pub(crate) fn patient(&self, router: Router) -> Router {
        router
            .layer(CatchPanicLayer::custom(problem::panicked))
            .layer(from_fn_with_state(Arc::clone(&self.patience), patience::watch))
    }

    /// These routes with a name for each request, and with a word about it in the log and in the metrics.
    pub(crate) fn observed(&self, router: Router) -> Router {
        router.layer(from_fn(request_id::name)).layer(from_fn_with_state(Arc::clone(&self.metrics), observe::observe))
    }
}

/// The service: all routes, in the manners that they share.
pub fn service(door: Door, manners: &Manners) -> Router {
    let (router, collected) = routes().split_for_parts();
    // A request meets the layers from the last to the first.
    let service = router
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(Extension(Document::new(collected)))
        .layer(Extension(Arc::clone(&manners.metrics)))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(addressing::check))
        .layer(from_fn(negotiation::negotiate))
        .layer(from_fn_with_state(door.clone(), authentication::authenticate))
        .with_state(door);
    let service = manners.observed(manners.patient(service).layer(from_fn(presentation::present)));
    // Routes are chosen inside, by the address as it is settled here.
    Router::new().fallback_service(service).layer(from_fn(addressing::settle))
}
