//! What goes out over the network: the runtime for it, and HTTP clients that reach only the addresses they may.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::crypto::ring::default_provider;
use tokio::runtime::{Builder, Runtime};

use crate::address::is_private;
use crate::error::{Error, Result};

/// For a connection to be made, with its encryption.
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);

/// For the next bytes of an answer to come.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// How we call ourselves.
const USER_AGENT: &str = concat!("Rollbook/", env!("CARGO_PKG_VERSION"));

/// See the module's head.
pub(crate) struct Outbound {
    pub(crate) runtime: Background,
    anywhere: OnceLock<Client>,
    public: OnceLock<Client>,
}

impl Outbound {
    pub(crate) fn new() -> Result<Outbound> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("outbound").enable_all().build();
        let runtime = runtime.map_err(|error| Error::storage("the runtime for the network could not start", error))?;
        Ok(Outbound { runtime: Background(Some(runtime)), anywhere: OnceLock::new(), public: OnceLock::new() })
    }

    /// A client that follows no redirections, uses no proxy and, without `allow_private`, speaks only HTTPS and connects
    /// to no name's private addresses, whatever the name led to before.
    ///
    /// It does not look at hosts that are IP addresses: whoever calls it does ([`check_url`](crate::address::check_url)).
    pub(crate) fn client(&self, allow_private: bool) -> Result<Client> {
        let kept = if allow_private { &self.anywhere } else { &self.public };
        if let Some(client) = kept.get() {
            return Ok(client.clone());
        }
        let client = builder(allow_private).build();
        let client = client.map_err(|error| Error::storage("no client for the network could be made", error))?;
        Ok(kept.get_or_init(|| client).clone())
    }
}

/// A runtime that is left to itself at the end: a name that is being looked up cannot be interrupted, and a name server
/// that does not answer would keep the process from ending.
pub(crate) struct Background(Option<Runtime>);

impl Deref for Background {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn builder(allow_private: bool) -> ClientBuilder {
    // That there is one already is as good.
    let _ = default_provider().install_default();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECTED_WITHIN)
        .read_timeout(LONGEST_SILENCE);
    match allow_private {
        true => builder,
        false => builder.https_only(true).dns_resolver(Arc::new(PublicOnly)),
    }
}

/// Looks names up and passes over private addresses. What it gives is what is connected to, so that a name cannot lead
/// elsewhere between a check and the connection.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            Ok(public(name, &found)?)
        })
    }
}

/// Those of a name's addresses that are not private.
fn public(name: &str, found: &[SocketAddr]) -> Result<Addrs> {
    let public: Vec<SocketAddr> = found.iter().copied().filter(|address| !is_private(address.ip())).collect();
    match (public.is_empty(), found) {
        (false, _) => Ok(Box::new(public.into_iter())),
        (true, []) => Err(Error::request(format!("'{name}' has no address"))),
        (true, [first, ..]) => {
            let first = first.ip();
            Err(Error::request(format!("'{name}' leads to {first}, a private address: name a public host")))
        }
    }
}

/// What went wrong with a call, without its address, which may hold a key.
pub(crate) fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "there was no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match error.is_connect() {
        true => format!("no connection could be made: {}", cause),
        false => format!("the call did not come through: {}", cause),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    use super::{Outbound, public, told};

    fn addresses(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| SocketAddr::new(address.parse().expect("an address"), 0)).collect()
    }

    #[test]
    fn private_addresses_of_a_name_are_passed_over() {
        let found = addresses(&["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"]);
        let public: Vec<SocketAddr> = public("example.com", &found).expect("two of them").collect();
        assert_eq!(public, addresses(&["1.1.1.1", "2606:4700::1111"]));
    }

    #[test]
    fn a_name_with_private_addresses_only_is_refused() {
        let said =
            |found: &[&str]| public("example.com", &addresses(found)).map(drop).expect_err("refused").to_string();
        insta::assert_snapshot!(said(&["169.254.169.254", "::1"]), @"'example.com' leads to 169.254.169.254, a private address: name a public host");
        insta::assert_snapshot!(said(&[]), @"'example.com' has no address");
    }

    #[test]
    fn nobody_is_reached_under_a_private_address_of_a_name() {
        let here = TcpListener::bind("127.0.0.1:0").expect("a port");
        here.set_nonblocking(true).expect("a listener that does not wait");
        let port = here.local_addr().expect("its address").port();
        let outbound = Outbound::new().expect("a runtime");
        let call = |scheme: &str, allow_private| {
            let client = outbound.client(allow_private).expect("a client");
            let request = client.get(format!("{scheme}://localhost:{port}/?sesame"));
            let answer = outbound.runtime.block_on(async { request.timeout(Duration::from_millis(100)).send().await });
            told(&answer.expect_err("nobody answers"))
        };
        insta::assert_snapshot!(call("https", false), @"no connection could be made: 'localhost' leads to 127.0.0.1, a private address: name a public host");
        insta::assert_snapshot!(call("http", false), @"the call did not come through: URL scheme is not allowed");
        assert!(here.accept().is_err(), "somebody has called");
        insta::assert_snapshot!(call("http", true), @"there was no answer in time");
        assert!(here.accept().is_ok(), "nobody has called");
    }
}
