//! HTTPS with a certificate from files, which are read again when they change: a renewed certificate needs no restart.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Certificate;
use crate::error::{Error, Result};

/// The files are looked at once in so long at most.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is shown to those who connect.
#[derive(Debug)]
pub(super) struct Tls {
    certificate: Certificate,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    /// When the files that were read last had been written, whether they could be used or not.
    written: Written,
    looked: Instant,
}

type Written = [Option<SystemTime>; 2];

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// `Request`, with what is wrong with each of them.
    pub(super) fn load(certificate: Certificate) -> Result<Tls> {
        let written = written(&certificate);
        let config = config(&certificate)?;
        Ok(Tls { certificate, current: Mutex::new(Current { config, written, looked: Instant::now() }) })
    }

    /// Agrees with a client on how to speak.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config()).accept(stream).await
    }

    /// What the files say. While they cannot be used, perhaps because only one of them is new, it is what they said before.
    fn config(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() > LOOK_AGAIN {
            current.looked = Instant::now();
            let written = written(&self.certificate);
            if written != current.written {
                current.written = written;
                match config(&self.certificate) {
                    Ok(config) => current.config = config,
                    Err(error) => tracing::warn!(%error, "the certificate has changed and cannot be used"),
                }
            }
        }
        Arc::clone(&current.config)
    }
}

fn written(certificate: &Certificate) -> Written {
    [&certificate.chain, &certificate.key].map(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
}

fn config(certificate: &Certificate) -> Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(&certificate.chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let key = PrivateKeyDer::from_pem_file(&certificate.key);
    let unreadable = |what: &str, path: &Path, why: &dyn Display| {
        format!("server.tls: the {what} '{}' could not be read: {why}", path.display())
    };
    let (chain, key) = match (chain, key) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => {
            let chain = chain.err().map(|why| unreadable("certificate", &certificate.chain, &why));
            let key = key.err().map(|why| unreadable("key", &certificate.key, &why));
            return Err(Error::request(chain.into_iter().chain(key).collect::<Vec<_>>().join("; ")));
        }
    };
    let unusable = |error: rustls::Error| {
        let (chain, key) = (certificate.chain.display(), certificate.key.display());
        Error::request(format!("server.tls: the certificate '{chain}' cannot be used with the key '{key}': {error}"))
    };
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(unusable)?.with_no_client_auth();
    let mut config = config.with_single_cert(chain, key).map_err(unusable)?;
    // Quotes in addresses are made good in HTTP/1.1's request lines; another protocol would have none.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
