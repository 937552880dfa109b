//! Figures about drop folders: whether anything is in their way, and what became of what was dropped.
//!
//! They are read when they are asked for, from the ledger, so they are the same after a restart and know what other
//! processes did. The names of the drop folders that there are now are labels, no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::app::App;
use crate::clock;
use crate::drop_folder::{DropFolders, Health};
use crate::error::Result;

/// See the module's head.
#[derive(Debug)]
pub(super) struct DropFolderFigures {
    app: Arc<App>,
    drop_folders: Arc<DropFolders>,
}

/// What is told of them all.
struct Figures {
    states: Vec<(&'static str, i64)>,
    runs: BTreeMap<(String, &'static str), u64>,
    oldest_open_run: f64,
    callbacks: [(&'static str, i64); 2],
}

impl DropFolderFigures {
    pub(super) fn new(app: &Arc<App>, drop_folders: &Arc<DropFolders>) -> DropFolderFigures {
        DropFolderFigures { app: Arc::clone(app), drop_folders: Arc::clone(drop_folders) }
    }

    fn read(&self) -> Result<Figures> {
        let (mut names, mut healths) = (BTreeSet::new(), Vec::new());
        for registered in self.drop_folders.registered()? {
            healths.push(self.drop_folders.standing(&registered)?.health);
            names.insert(registered.name);
        }
        let count = |health: Health| healths.iter().filter(|known| **known == health).count();
        let mut runs = BTreeMap::new();
        for (drop_folder, success, count) in self.app.repository.run_totals()? {
            // Those of drop folders that are no more are told together.
            let name = if names.contains(&drop_folder) { drop_folder } else { String::new() };
            *runs.entry((name, if success { "success" } else { "error" })).or_default() += count;
        }
        let oldest = self.app.repository.oldest_open_run()?;
        let (waiting, given_up) = self.app.repository.undelivered_callbacks()?;
        Ok(Figures {
            states: Health::ALL.iter().map(|health| (health.name(), number(count(*health)))).collect(),
            runs,
            oldest_open_run: oldest.map_or(0.0, |begin| clock::since(&begin).as_secs_f64()),
            callbacks: [("waiting", waiting.cast_signed()), ("given_up", given_up.cast_signed())],
        })
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Collector for DropFolderFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.read().map_err(|error| {
            tracing::error!(%error, "the drop folders could not be counted");
            fmt::Error
        })?;
        let gauge = ConstGauge::new(0_i64).metric_type();
        let mut states = encoder.encode_descriptor("drop_folders", "Drop folders, by how they stand", None, gauge)?;
        for (state, count) in figures.states {
            ConstGauge::new(count).encode(states.encode_family(&[("state", state)])?)?;
        }
        let counter = ConstCounter::new(0_u64).metric_type();
        let help = "Runs that are over, by drop folder and what became of them; without a name those of removed ones";
        let mut runs = encoder.encode_descriptor("drop_folder_runs", help, None, counter)?;
        for ((drop_folder, result), count) in figures.runs {
            let labels = [("drop_folder", drop_folder.as_str()), ("result", result)];
            ConstCounter::new(count).encode(runs.encode_family(&labels)?)?;
        }
        let help = "How long ago the oldest run was claimed that is not over; 0 if all are";
        let age = encoder.encode_descriptor("drop_folder_oldest_open_run_age", help, Some(&Unit::Seconds), gauge)?;
        ConstGauge::new(figures.oldest_open_run).encode(age)?;
        let help = "Callbacks that did not arrive: those that are tried again, and those that are not";
        let mut callbacks = encoder.encode_descriptor("callbacks", help, None, gauge)?;
        for (state, count) in figures.callbacks {
            ConstGauge::new(count).encode(callbacks.encode_family(&[("state", state)])?)?;
        }
        Ok(())
    }
}
