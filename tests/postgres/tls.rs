//! TLS to the database: who is let in with which certificate, and what is said of those that are not.

use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

use super::folder;
use crate::harness::Folder;

const OPEN: &str = "types list";

/// Makes an authority, and certificates that it has signed: `ours` names this machine, `theirs` another one.
fn certify(folder: &Folder) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let sign = "x509 -req -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -copy_extensions copyall";
    for command in [
        format!("req -x509 {key} -days 2 -subj /CN=authority -keyout authority.key -out authority.pem"),
        format!(
            "req -x509 {key} -days 2 -subj /CN=alone -addext subjectAltName=IP:127.0.0.1 -keyout alone.key -out alone.pem"
        ),
        format!("req -new {key} -subj /CN=ours -addext subjectAltName=IP:127.0.0.1 -keyout ours.key -out ours.request"),
        format!("{sign} -in ours.request -out ours.pem"),
        format!(
            "req -new {key} -subj /CN=127.0.0.1 -addext subjectAltName=DNS:db.example.com -keyout theirs.key -out theirs.request"
        ),
        format!("{sign} -in theirs.request -out theirs.pem"),
    ] {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(command.split(' ')).current_dir(folder.path("")).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Given a way to the folder's database that speaks TLS with this certificate; gives its address.
fn behind_tls(folder: &Folder, certificate: &str) -> String {
    let chain = CertificateDer::pem_file_iter(folder.path(&format!("{certificate}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path(&format!("{certificate}.key"))).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(chain.map(Result::unwrap).collect(), key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let direct = folder.variables().remove(0).1;
    let (before, rest) = direct.split_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let server = server.to_owned();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    // The client asks whether the server speaks TLS.
                    let mut question = [0; 8];
                    client.read_exact(&mut question).await.unwrap();
                    client.write_all(b"S").await.unwrap();
                    // Whoever does not like the certificate hangs up.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
    });
    format!("{before}@{address}/{database}")
}

#[test]
fn a_certificate_is_verified_as_the_address_says() {
    let folder = folder("");
    certify(&folder);
    let [ours, theirs, alone] = ["ours", "theirs", "alone"].map(|name| behind_tls(&folder, name));
    let authority = "sslrootcert=../authority.pem";
    let is_open = |url: &str| {
        let output = folder.command(OPEN).env("ROLLBOOK_REPOSITORY_URL", url).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() == said.is_empty(), "{url}: {said}");
        output.status.success().then_some(()).ok_or(said)
    };
    for (url, why) in [
        (format!("{ours}?sslmode=verify-full&{authority}"), None),
        (format!("{ours}?sslmode=require&{authority}"), None),
        (format!("{ours}?sslmode=verify-ca&{authority}"), None),
        (format!("{ours}?sslmode=prefer"), None),
        (ours.clone(), None),
        // Nobody whom this machine trusts has signed it.
        (format!("{ours}?sslmode=verify-full"), Some("UnknownIssuer")),
        (format!("{ours}?sslmode=require&sslrootcert=system"), Some("UnknownIssuer")),
        (format!("{ours}?sslmode=verify-full&sslrootcert=../alone.pem"), Some("UnknownIssuer")),
        (format!("{theirs}?sslmode=verify-full&{authority}"), Some("not valid for name")),
        (format!("{theirs}?sslmode=require&{authority}"), Some("not valid for name")),
        (format!("{theirs}?sslmode=verify-ca&{authority}"), None),
        (format!("{theirs}?sslmode=verify-ca&sslrootcert=../alone.pem"), Some("UnknownIssuer")),
        // A certificate may be named itself.
        (format!("{alone}?sslmode=verify-full&sslrootcert=../alone.pem"), None),
        (format!("{alone}?sslmode=verify-full&{authority}"), Some("certificate")),
    ] {
        match (is_open(&url), why) {
            (Ok(()), None) => {}
            (Err(said), Some(why)) => {
                assert!(said.contains("the repository could not be reached: ") && said.contains(why), "{url}: {said}");
            }
            (outcome, _) => panic!("{url}: {outcome:?}"),
        }
    }
}

#[test]
fn a_server_without_tls_is_not_taken_for_one_with_it() {
    let folder = folder("");
    let direct = folder.variables().remove(0).1;
    let open = |mode: &str| {
        let url = format!("{direct}?sslmode={mode}");
        String::from_utf8(folder.command(OPEN).env("ROLLBOOK_REPOSITORY_URL", url).output().unwrap().stderr).unwrap()
    };
    assert_eq!([open("prefer"), open("disable")], [""; 2]);
    for mode in ["require", "verify-full"] {
        let said = open(mode);
        assert!(said.contains("server does not support TLS"), "{mode}: {said}");
    }
}
