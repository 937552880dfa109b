//! The listener: connections in, requests to the service, an orderly end.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::error::{Error, Result};

/// A socket that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Listens on this address; port 0 picks one.
    ///
    /// # Errors
    /// `Request` if the address cannot be listened on.
    pub async fn bind(address: SocketAddr) -> Result<Server> {
        let failed = |error| Error::request(format!("cannot listen on {address}: {error}"));
        Ok(Server { listener: TcpListener::bind(address).await.map_err(failed)? })
    }

    /// The address that is listened on, with the port that was picked.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|error| Error::storage("the address of the listener is unknown", error))
    }

    /// Serves until `stop` is over.
    pub async fn run(self, service: Router, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let served = axum::serve(self.listener, service).with_graceful_shutdown(stop).await;
        served.map_err(|error| Error::storage("the listener failed", error))
    }
}
