//! `/metrics`: what the service did, for Prometheus.
//!
//! Open to anybody who can connect, so nothing in it names an object type, a file or a caller; drop folders are named.

mod drop_folders;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::drop_folders::DropFolderFigures;
use super::Door;
use super::problem::Problem;
use crate::app::App;
use crate::error::{Error, Result};
use crate::import::Counts;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: from a look-up to a large upload.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

/// The figures of one service.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
}

/// What requests are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

impl Metrics {
    /// Nothing has happened yet.
    pub(super) fn new(Door { app, drop_folders, .. }: &Door) -> Metrics {
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let mut registry = Registry::with_prefix("rollbook");
        registry.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("http_requests", "Requests answered, by route and status", requests.clone());
        let help = "Time from the request's head to the answer's head";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, durations.clone());
        registry.register_collector(Box::new(Imports(Arc::clone(app))));
        registry.register_collector(Box::new(DropFolderFigures::new(app, drop_folders)));
        Metrics { registry, requests, durations }
    }

    /// Counts an answer.
    pub(super) fn count(&self, method: &str, route: &str, status: u16, took: Duration) {
        let answered = Answered { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&answered).inc();
        self.durations.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    fn text(&self) -> Result<String> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| Error::storage("the metrics could not be read", error))?;
        Ok(text)
    }
}

/// The imports whose records are kept, whichever process ran them.
#[derive(Debug)]
struct Imports(Arc<App>);

impl Collector for Imports {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let totals = self.0.repository.import_totals().map_err(|_| fmt::Error)?;
        let kind = ConstGauge::new(0_i64).metric_type();
        let mut imports = encoder.encode_descriptor("imports", "Imports whose records are kept", None, kind)?;
        for (state, count, _) in &totals {
            ConstGauge::new(count.cast_signed()).encode(imports.encode_family(&[("state", state.as_str())])?)?;
        }
        let help = "Records of these imports, by what became of them";
        let mut records = encoder.encode_descriptor("import_records", help, None, kind)?;
        let sum = |of: fn(&Counts) -> u64| totals.iter().map(|(_, _, counts)| of(counts)).sum::<u64>();
        for (outcome, count) in [
            ("created", sum(|counts| counts.created)),
            ("updated", sum(|counts| counts.updated)),
            ("unchanged", sum(|counts| counts.unchanged)),
            ("failed", sum(|counts| counts.failure)),
            ("unprocessed", sum(|counts| counts.unprocessed())),
        ] {
            ConstGauge::new(count.cast_signed()).encode(records.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }
}

/// Figures about requests and imports, in the OpenMetrics text format.
#[utoipa::path(get, path = "/metrics", tag = "service", security(()), responses(
    (status = 200, description = "The figures", body = String, content_type = OPEN_METRICS),
))]
pub(super) async fn metrics(
    State(door): State<Door>,
    Extension(metrics): Extension<Arc<Metrics>>,
) -> Result<impl IntoResponse, Problem> {
    let text = door.run(move |_| metrics.text()).await?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text))
}
