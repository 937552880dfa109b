//! `[server]`: where the REST door listens, and how much patience it has with its clients.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::values::Values;
use crate::address;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServerSection {
    listen: Option<String>,
    tls: Option<TlsSection>,
    behind_proxy: Option<bool>,
    public_url: Option<String>,
    request_timeout: Option<String>,
    header_timeout: Option<String>,
    body_timeout: Option<String>,
    min_body_rate: Option<String>,
    max_body_size: Option<String>,
    max_connections: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsSection {
    certificate: PathBuf,
    key: PathBuf,
}

/// What `[server]` means.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// `HOST:PORT`; port 0 picks one.
    pub listen: String,
    /// With it, HTTPS is spoken.
    pub certificate: Option<Certificate>,
    /// Whether a proxy in front of us speaks HTTPS, so that plain HTTP is right on any address.
    pub behind_proxy: bool,
    /// The address that people reach us at, without a slash behind it; without it, the one that their browsers name.
    pub public_url: Option<String>,
    /// How long an answer may take from the last byte of the request on.
    pub request_timeout: Option<Duration>,
    /// How long a client may take to send the head of a request, and how long a connection may lie idle.
    pub header_timeout: Duration,
    /// How long a body may stand still; also the time over which its rate is looked at.
    pub body_timeout: Duration,
    /// The least bytes per second of a body.
    pub min_body_rate: u64,
    /// The most bytes that the body of a request may have, but for uploads.
    pub max_body_size: u64,
    /// How many connections are served at a time; more wait to be accepted.
    pub max_connections: usize,
}

/// Files in PEM form. They are read again when they change.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate of the server, followed by those that vouch for it.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl ServerSection {
    pub(super) fn read(self, data: &Path, values: &mut Values) -> ServerSettings {
        let listen = self.listen.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        if !is_address(&listen) {
            values.mistake(format!("server.listen = '{listen}' is not an address: write for example '127.0.0.1:8080'"));
        }
        if self.max_connections == Some(0) {
            values.mistake("server.max_connections = 0 lets nobody in: write at least 1");
        }
        let public_url = self.public_url.as_deref().and_then(|url| public_url(url, values));
        let mut patience = |key, text: &Option<String>| {
            let text = text.as_deref();
            let length = values.duration(key, text, PATIENCE);
            if length.is_zero() {
                values.mistake(format!("{key} = '{}' lets nobody in: write for example '30s'", text.unwrap_or("0s")));
            }
            length
        };
        ServerSettings {
            header_timeout: patience("server.header_timeout", &self.header_timeout),
            body_timeout: patience("server.body_timeout", &self.body_timeout),
            request_timeout: values.timeout("server.request_timeout", self.request_timeout.as_deref(), PATIENCE),
            min_body_rate: values.size("server.min_body_rate", self.min_body_rate.as_deref(), 1 << 10),
            max_body_size: values.size("server.max_body_size", self.max_body_size.as_deref(), 5 << 20),
            max_connections: self.max_connections.unwrap_or(MAX_CONNECTIONS),
            behind_proxy: self.behind_proxy.unwrap_or(false),
            public_url,
            certificate: self.tls.map(|tls| Certificate { chain: data.join(tls.certificate), key: data.join(tls.key) }),
            listen,
        }
    }
}

/// Below the 1,024 files that a process may usually open, with room for those that imports and the database need.
const MAX_CONNECTIONS: usize = 800;

const PATIENCE: Duration = Duration::from_secs(30);

/// The address without a slash behind it, if it is that of a host and of nothing on it.
fn public_url(text: &str, values: &mut Values) -> Option<String> {
    let is_one =
        address::parse(text).is_ok_and(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none());
    if !is_one {
        values.mistake(format!(
            "server.public_url = '{text}' is not the address of a host: write for example 'https://rollbook.example.com'"
        ));
    }
    is_one.then(|| text.trim_end_matches('/').to_owned())
}

/// Whether this is `HOST:PORT`. Whether there is such a host is seen when it is listened on.
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
