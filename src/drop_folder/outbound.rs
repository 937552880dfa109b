//! What goes out over the network: the runtime for it, and HTTP clients that reach only the addresses they may.

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// See the module's head.
pub(super) struct Outbound {
    pub(super) runtime: Runtime,
}

impl Outbound {
    pub(super) fn new() -> Result<Outbound> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("outbound").enable_all().build();
        let runtime = runtime.map_err(|error| Error::storage("the runtime for the network could not start", error))?;
        Ok(Outbound { runtime })
    }
}
