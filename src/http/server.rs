//! The listener: connections in, requests to the service, an orderly end.
//!
//! What is said on a connection is hyper's; here is when connections are taken, how long they last and how they end. It
//! knows nothing of routes.

mod connection;
mod refusal;
mod request_head;
mod stream;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use self::connection::Manners;
pub(super) use self::connection::TwoLengths;
use self::tls::Tls;
use crate::config::ServerSettings;
use crate::error::{Error, Result};

/// How long requests that are being answered may take once the service is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long nothing is accepted after the system could not, mostly for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// A socket that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    manners: Manners,
    slots: Arc<Semaphore>,
    connections: u32,
}

impl Server {
    /// Listens where the settings say; port 0 picks one.
    ///
    /// # Errors
    /// `Request`, with all that is wrong: an address that cannot be listened on, or that others reach and on which
    /// nobody speaks HTTPS; a certificate that cannot be used.
    pub async fn bind(settings: &ServerSettings) -> Result<Server> {
        let tls = settings.certificate.clone().map(Tls::load).transpose();
        let addresses = addresses(settings).await;
        let (tls, addresses) = match (tls, addresses) {
            (Ok(tls), Ok(addresses)) => (tls.map(Arc::new), addresses),
            (Err(tls), Err(address)) => return Err(Error::request(format!("{tls}; {address}"))),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let failed = |error| Error::request(format!("cannot listen on {}: {error}", settings.listen));
        let listener = TcpListener::bind(addresses.as_slice()).await.map_err(failed)?;
        let connections = u32::try_from(settings.max_connections).unwrap_or(u32::MAX);
        let slots = Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS)));
        let manners = Manners { header_timeout: settings.header_timeout, body_timeout: settings.body_timeout };
        Ok(Server { listener, tls, manners, slots, connections })
    }

    /// Where the service is found, with the port that was picked: `http://127.0.0.1:8080`.
    pub fn url(&self) -> Result<String> {
        let address = self.listener.local_addr();
        let address = address.map_err(|error| Error::storage("the address of the listener is unknown", error))?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{address}"))
    }

    /// Serves until `stop` is over, and lets requests end that are being answered then.
    pub async fn run(self, service: Router, stop: impl Future<Output = ()>) {
        let (stopping, is_stopping) = watch::channel(());
        tokio::pin!(stop);
        loop {
            let (stream, slot) = tokio::select! {
                () = &mut stop => break,
                accepted = self.accept() => accepted,
            };
            let (service, tls, is_stopping) = (service.clone(), self.tls.clone(), is_stopping.clone());
            tokio::spawn(async move {
                let _slot = slot;
                match tls {
                    None => self.manners.serve(stream, service, is_stopping).await,
                    // Who does not even get so far is told nothing.
                    Some(tls) => {
                        if let Ok(Ok(stream)) = timeout(self.manners.header_timeout, tls.accept(stream)).await {
                            self.manners.serve(stream, service, is_stopping).await;
                        }
                    }
                }
            });
        }
        drop(self.listener);
        drop(stopping);
        let _ = timeout(GRACE, self.slots.acquire_many(self.connections)).await;
    }

    /// The next connection, once there is room for one.
    async fn accept(&self) -> (TcpStream, OwnedSemaphorePermit) {
        let slot = loop {
            // It is never closed.
            if let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
                break slot;
            }
        };
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // Answers are written whole; waiting for more to send only delays them.
                    let _ = stream.set_nodelay(true);
                    return (stream, slot);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(BREATH).await;
                }
            }
        }
    }
}

/// The addresses that `listen` means.
async fn addresses(settings: &ServerSettings) -> Result<Vec<SocketAddr>> {
    let listen = &settings.listen;
    let failed = |error| Error::request(format!("cannot listen on {listen}: {error}"));
    let addresses: Vec<SocketAddr> = lookup_host(listen).await.map_err(failed)?.collect();
    let is_safe = settings.certificate.is_some() || settings.behind_proxy;
    if !is_safe && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(Error::request(format!(
            "server.listen = '{listen}' would send tokens unencrypted over the network: set server.tls, or \
             server.behind_proxy = true if a proxy speaks HTTPS in front of this service"
        )));
    }
    Ok(addresses)
}
