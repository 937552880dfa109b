//! How a bucket is connected to: where it is, and how long its answers are waited for.

use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqsign_core::ProvideCredentialChain;
use reqwest::{Client, StatusCode};

use super::S3;
use crate::address::check_url;
use crate::bucket::credentials::{Credentials, aws_domain};
use crate::bucket::reach::{NO_REGION, Reach, own_error, patiently};
use crate::config::S3Settings;
use crate::error::{Error, Kind, Result};
use crate::outbound::told;

/// For an operation that moves no bytes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// For one that does, which may be the copying of a large file. Silence ends it long before: see the client.
const MOVED_WITHIN: Duration = Duration::from_hours(1);

/// How often what may pass is tried again, at once and then after pauses of up to [`LONGEST_PAUSE`].
const RETRIES: usize = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Where AWS tells the region of a bucket.
const AWS: &str = "https://s3.amazonaws.com";

/// A place in a bucket.
pub(crate) struct Spot<'a> {
    pub(crate) bucket: &'a str,
    /// What stands in front of every key: nothing, or the folders with a slash behind each.
    pub(crate) prefix: String,
    pub(crate) settings: &'a S3Settings,
}

pub(super) fn open(spot: Spot<'_>, credentials: impl FnOnce(&str) -> Result<Credentials>, reach: &Reach) -> Result<S3> {
    let Spot { bucket: name, prefix, settings } = spot;
    let region = region(settings, name, reach)?;
    let credentials = credentials(&region)?;
    let endpoint = match &settings.endpoint {
        Some(endpoint) => check_url(endpoint, reach.allow_private)?.to_string(),
        None => format!("https://s3.{region}.{}", aws_domain(&region)),
    };
    let mut builder = services::S3::default()
        .bucket(name)
        .region(&region)
        .endpoint(&endpoint)
        .disable_config_load()
        .disable_ec2_metadata()
        .credential_provider_chain(ProvideCredentialChain::new().push(credentials.clone()));
    // A dot in the name does not go with the certificates of host names.
    if !settings.path_style.unwrap_or(settings.endpoint.is_some() || name.contains('.')) {
        builder = builder.enable_virtual_host_style();
    }
    let operator = Operator::new(builder).map_err(|error| {
        Error::request(format!("the bucket '{name}' cannot be reached as it is set: {}", error.message()))
    })?;
    let transport = HttpTransporter::new(ReqwestTransport::new(reach.client.clone()));
    let retries = RetryLayer::new()
        .with_max_times(RETRIES)
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter();
    Ok(S3 {
        operator: operator
            .with_context(OperationContext::new().with_http_transport(transport))
            .layer(TimeoutLayer::new().with_timeout(ANSWERED_WITHIN).with_io_timeout(MOVED_WITHIN))
            .layer(retries),
        runtime: reach.runtime.clone(),
        credentials,
        bucket: name.to_owned(),
        prefix,
    })
}

/// What stands in front of the keys of a drop folder.
pub(crate) fn prefix(folders: &str, base_folder: &str) -> String {
    let parts = [folders, base_folder].into_iter().filter(|part| !part.is_empty());
    parts.map(|part| format!("{part}/")).collect()
}

fn region(settings: &S3Settings, bucket: &str, reach: &Reach) -> Result<String> {
    match (&settings.region, &settings.endpoint) {
        (Some(region), _) => Ok(region.clone()),
        (None, Some(_)) => Ok(NO_REGION.to_owned()),
        (None, None) => reach.runtime.block_on(patiently(|| told_region(&reach.client, AWS, bucket))),
    }
}

/// The region of a bucket, which AWS tells everybody.
async fn told_region(client: &Client, endpoint: &str, bucket: &str) -> Result<String> {
    let answer = client.head(format!("{endpoint}/{bucket}")).send().await.map_err(|error| {
        let busy = || {
            Error::new(Kind::Busy, format!("the region of the bucket '{bucket}' was asked for, but {}", told(&error)))
        };
        own_error(&error).unwrap_or_else(busy)
    })?;
    let region = answer.headers().get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
    match (region, answer.status()) {
        (Some(region), _) => Ok(region.to_owned()),
        (None, StatusCode::NOT_FOUND) => Err(Error::request(format!("there is no bucket '{bucket}' in S3"))),
        (None, status) if status.is_server_error() => {
            let message = format!("the region of the bucket '{bucket}' was asked for, but S3 answers {status}");
            Err(Error::new(Kind::Busy, message))
        }
        (None, _) => Ok(NO_REGION.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::{prefix, told_region};
    use crate::error::Kind;
    use crate::outbound::Outbound;

    /// What is made of such an answer to the question for the region of a bucket.
    fn region(answer: &'static str) -> Result<String, Kind> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let server = thread::Builder::new().spawn(move || {
            let (mut stream, _) = listener.accept().expect("a question");
            let mut question = [0; 1024];
            let read = stream.read(&mut question).expect("a question");
            let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n").as_bytes());
            String::from_utf8_lossy(&question[..read]).into_owned()
        });
        let outbound = Outbound::new().expect("a runtime");
        let client = outbound.client(true).expect("a client");
        let told = outbound.runtime.block_on(told_region(&client, &endpoint, "ABC123"));
        let question = server.expect("a thread").join().expect("an answer");
        assert!(question.starts_with("HEAD /ABC123 HTTP/1.1\r\n"), "{question}");
        assert!(!question.to_lowercase().contains("authorization"), "{question}");
        told.map_err(|error| error.kind())
    }

    #[test]
    fn aws_tells_the_region_of_a_bucket() {
        for (answer, expected) in [
            ("200 OK\r\nx-amz-bucket-region: us-west-2", Ok("us-west-2")),
            ("301 Moved Permanently\r\nlocation: /\r\nx-amz-bucket-region: eu-central-1", Ok("eu-central-1")),
            ("403 Forbidden\r\nx-amz-bucket-region: eu-west-1", Ok("eu-west-1")),
            ("403 Forbidden", Ok("us-east-1")),
            ("404 Not Found", Err(Kind::Request)),
            ("503 Service Unavailable", Err(Kind::Busy)),
        ] {
            assert_eq!(region(answer), expected.map(str::to_owned), "{answer}");
        }
    }

    #[test]
    fn keys_begin_with_the_folders() {
        for (folders, base_folder, expected) in [
            ("export", "users_import", "export/users_import/"),
            ("", "users_import", "users_import/"),
            ("a/b", "", "a/b/"),
            ("", "", ""),
        ] {
            assert_eq!(prefix(folders, base_folder), expected);
        }
    }
}
