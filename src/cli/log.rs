//! The log of a service: on standard error, a line for each event.
//!
//! JSON for programs, and for people where standard error is a terminal. `ROLLBOOK_LOG` says how much is told: `error`,
//! `warn`, `info` (the default) or `debug`. No cell values and no secrets are ever told.

use std::env;
use std::io::{IsTerminal, stderr};

use rollbook::error::{Error, Result};
use tracing_subscriber::EnvFilter;

const VARIABLE: &str = "ROLLBOOK_LOG";

/// Starts the log of this process.
///
/// # Errors
/// `Request` if `ROLLBOOK_LOG` makes no sense.
pub(crate) fn start() -> Result<()> {
    let wanted = env::var(VARIABLE).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&wanted).map_err(|_| {
        Error::request(format!("{VARIABLE} = '{wanted}' is no level: write 'error', 'warn', 'info' or 'debug'"))
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    match stderr().is_terminal() {
        true => log.compact().init(),
        false => log.json().flatten_event(true).init(),
    }
    Ok(())
}
