//! The way to the server: its address, and how much of TLS it takes.
//!
//! `sslmode` and `sslrootcert` of the address mean what they mean to PostgreSQL's own programs, with one difference:
//! `require` verifies the certificate and the name in it, as `verify-full` does, where those programs take any
//! certificate. `prefer`, which is the default, takes any, and no TLS too where the server has none. Names are looked for
//! in a certificate's subject alternative names only, never in its common name.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier as PlatformVerifier;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::PostgresSettings;
use crate::error::{Error, Result};

/// How long one address is tried to be connected to, unless the settings say otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// After so long without a word the other side is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A database server, and how to connect to it.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// It holds a password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

impl Server {
    /// Reads the address.
    ///
    /// # Errors
    /// `Request` if it is none.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Server> {
        let Address { url, mode, roots } = Address::read(settings.url.reveal())?;
        let mut config: Config = url.parse().map_err(|error| unusable(&error))?;
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        if config.get_user().is_none() {
            return Err(wrong("it names no user: write for example 'postgres://rollbook@db.example.com/rollbook'"));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("it names no host: write for example 'postgres://rollbook@db.example.com/rollbook'"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT.min(settings.lease / 3));
        }
        config.keepalives_idle(KEEPALIVE);
        if config.get_tcp_user_timeout().is_none() {
            // Who loses sight of the server should know it before others take its leases.
            config.tcp_user_timeout(settings.lease / 3);
        }
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let verification = match (mode, roots) {
            (Mode::Disable, _) => None,
            // A socket of this machine needs no TLS, as for PostgreSQL's own programs.
            _ if is_local && config.get_hostaddrs().is_empty() => {
                config.ssl_mode(SslMode::Disable);
                None
            }
            (Mode::Prefer, _) => Some(Verification::any()),
            (Mode::VerifyCa, None | Some(Roots::System)) => {
                return Err(wrong(
                    "sslmode=verify-ca does not look at the name in a certificate, and takes those of one authority only: \
                     name its certificate with sslrootcert=FILE, or write sslmode=verify-full",
                ));
            }
            (_, None | Some(Roots::System)) => Some(Verification::by_platform()?),
            (_, Some(Roots::File(path))) => {
                Some(Verification::by_file(&settings.directory.join(path), mode != Mode::VerifyCa)?)
            }
        };
        let tls = verification.map(|verification| {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&verification.provider));
            let config = builder
                .with_safe_default_protocol_versions()
                .map_err(|error| Error::storage("TLS for the repository could not be prepared", error))?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verification))
                .with_no_client_auth();
            Ok(MakeRustlsConnect::new(config))
        });
        Ok(Server { config, tls: tls.transpose()? })
    }

    /// Connects under this name.
    pub(super) fn connect(&self, name: &str) -> Result<Client, postgres::Error> {
        let mut config = self.config.clone();
        config.application_name(name);
        match &self.tls {
            Some(tls) => config.connect(tls.clone()),
            None => config.connect(NoTls),
        }
    }
}

/// What the server has to show before it gets a word of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whose signature on a certificate counts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Roots {
    /// Of the authorities that this machine knows.
    System,
    /// Of those in this file.
    File(String),
}

/// An address as it is written, without what the driver does not know.
#[derive(Debug)]
struct Address {
    url: String,
    mode: Mode,
    roots: Option<Roots>,
}

impl Address {
    fn read(written: &str) -> Result<Address> {
        let (base, query) = written.split_once('?').unwrap_or((written, ""));
        let mut address = Address { url: base.to_owned(), mode: Mode::Prefer, roots: None };
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| wrong(&format!("'{key}' is not UTF-8")))?;
            match key {
                "sslmode" => address.mode = mode(&value)?,
                "sslrootcert" if value == "system" => address.roots = Some(Roots::System),
                "sslrootcert" => address.roots = Some(Roots::File(value.into_owned())),
                _ => kept.push(pair),
            }
        }
        if !kept.is_empty() {
            address.url += &format!("?{}", kept.join("&"));
        }
        Ok(address)
    }
}

fn mode(text: &str) -> Result<Mode> {
    Ok(match text {
        "disable" => Mode::Disable,
        "prefer" => Mode::Prefer,
        "require" => Mode::Require,
        "verify-ca" => Mode::VerifyCa,
        "verify-full" => Mode::VerifyFull,
        _ => {
            let modes = "'disable', 'prefer', 'require', 'verify-ca' or 'verify-full'";
            return Err(wrong(&format!("sslmode is {modes}, not '{text}'")));
        }
    })
}

fn wrong(why: &str) -> Error {
    Error::request(format!("repository.url is not the address of a database: {why}"))
}

/// What the driver finds wrong. It does not repeat the address, which may have a password in it.
fn unusable(error: &postgres::Error) -> Error {
    let why = StdError::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    wrong(&why.replace('`', "'"))
}

/// What is looked at in the server's certificate.
#[derive(Debug)]
struct Verification {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Trust {
    /// Any certificate will do.
    Any,
    Platform(PlatformVerifier),
    /// It is signed by one of these authorities, or is one of the certificates itself.
    Roots {
        authorities: Arc<WebPkiServerVerifier>,
        themselves: Vec<CertificateDer<'static>>,
        name: bool,
    },
}

impl Verification {
    fn any() -> Verification {
        Verification { trust: Trust::Any, provider: Arc::new(default_provider()) }
    }

    fn by_platform() -> Result<Verification> {
        let provider = Arc::new(default_provider());
        let verifier = PlatformVerifier::new(Arc::clone(&provider));
        let verifier = verifier
            .map_err(|error| Error::storage("the certificate authorities of this machine could not be read", error))?;
        Ok(Verification { trust: Trust::Platform(verifier), provider })
    }

    fn by_file(path: &Path, name: bool) -> Result<Verification> {
        let unreadable = |error: &dyn fmt::Display| {
            wrong(&format!("the certificates of sslrootcert, '{}', cannot be used: {error}", path.display()))
        };
        let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let themselves = certificates.map_err(|error| unreadable(&error))?;
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(themselves.iter().cloned());
        if added == 0 {
            return Err(unreadable(&"there is none in it"));
        }
        let provider = Arc::new(default_provider());
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider)).build();
        let authorities = authorities.map_err(|error| unreadable(&error))?;
        Ok(Verification { trust: Trust::Roots { authorities, themselves, name }, provider })
    }
}

impl ServerCertVerifier for Verification {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = match &self.trust {
            Trust::Any => return Ok(ServerCertVerified::assertion()),
            Trust::Platform(platform) => return platform.verify_server_cert(certificate, chain, name, stapled, now),
            // A certificate that signs itself is no authority to the library, but is what the operator has named.
            Trust::Roots { themselves, .. } if themselves.contains(certificate) => {
                ParsedCertificate::try_from(certificate)
                    .and_then(|parsed| verify_server_name(&parsed, name))
                    .map(|()| ServerCertVerified::assertion())
            }
            Trust::Roots { authorities, .. } => authorities.verify_server_cert(certificate, chain, name, stapled, now),
        };
        match (verified, &self.trust) {
            // The name is what is looked at last.
            (Err(rustls::Error::InvalidCertificate(why)), Trust::Roots { name: false, .. }) if is_about_name(&why) => {
                Ok(ServerCertVerified::assertion())
            }
            (verified, _) => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_about_name(why: &CertificateError) -> bool {
    matches!(why, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{Address, Mode, Roots, Server};
    use crate::config::PostgresSettings;
    use crate::error::Result;
    use crate::secret::Secret;

    fn server(url: &str) -> Result<Server> {
        let lease = Duration::from_secs(30);
        Server::new(&PostgresSettings { url: Secret::new(url), lease, directory: PathBuf::from("nowhere") })
    }

    #[test]
    fn what_the_driver_does_not_know_is_taken_off() {
        let address = Address::read("postgres://a:b@h/d?sslmode=verify-full&connect_timeout=3&sslrootcert=my%20ca.pem");
        let Address { url, mode, roots } = address.expect("an address");
        assert_eq!(url, "postgres://a:b@h/d?connect_timeout=3");
        assert_eq!((mode, roots), (Mode::VerifyFull, Some(Roots::File("my ca.pem".to_owned()))));
        let Address { url, mode, roots } = Address::read("postgres://a@h/d?sslrootcert=system").expect("an address");
        assert_eq!((url.as_str(), mode, roots), ("postgres://a@h/d", Mode::Prefer, Some(Roots::System)));
    }

    #[test]
    fn a_wrong_address_is_told_without_its_password() {
        for (url, why) in [
            ("postgres://a:sesame@h/d?sslmode=allow", "sslmode is 'disable', 'prefer', 'require', 'verify-ca' or"),
            ("postgres://a:sesame@h/d?sslmode=verify-ca", "name its certificate with sslrootcert=FILE"),
            ("postgres://a:sesame@h/d?sslmode=require&sslrootcert=none.pem", "'nowhere/none.pem', cannot be used"),
            ("postgres://a:sesame@h:port/d", "invalid value for option 'port'"),
            ("postgres://a:sesame@h/d?colour=green", "unknown option 'colour'"),
            ("postgres://h/d", "it names no user"),
            ("postgres:///d?user=a&password=sesame", "it names no host"),
        ] {
            let error = server(url).expect_err(url).to_string();
            assert!(error.starts_with("repository.url is not the address of a database: "), "{error}");
            assert!(error.contains(why) && !error.contains("sesame"), "{url}: {error}");
        }
    }

    #[test]
    fn a_server_does_not_show_its_password() {
        let server = server("postgres://a:sesame@h/d").expect("an address");
        assert!(!format!("{server:?}").contains("sesame"));
    }
}
