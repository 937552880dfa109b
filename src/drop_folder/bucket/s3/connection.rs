//! How a bucket is connected to: where it is, and how long its answers are waited for.

use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqsign_core::ProvideCredentialChain;
use reqwest::{Client, StatusCode};

use super::S3;
use crate::address::check_url;
use crate::config::{Bucket, DropFolder};
use crate::drop_folder::credentials::{Credentials, aws_domain};
use crate::drop_folder::outbound::told;
use crate::drop_folder::reach::{NO_REGION, Reach, own_error, patiently};
use crate::error::{Error, Kind, Result};
use crate::repository::DropFolderState;

/// For an operation that moves no bytes, or the next bytes of one that does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// How often what may pass is tried again, at once and then after pauses of up to [`LONGEST_PAUSE`].
const RETRIES: usize = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Where AWS tells the region of a bucket.
const AWS: &str = "https://s3.amazonaws.com";

pub(super) fn open(folder: &DropFolder, state: &DropFolderState, reach: &Reach) -> Result<S3> {
    let Bucket::S3 { name, folders } = &folder.bucket else {
        return Err(Error::internal("a directory is no S3 bucket"));
    };
    let region = region(folder, name, reach)?;
    let credentials = Credentials::of(folder, state, &region, reach)?;
    let endpoint = match &folder.s3.endpoint {
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
    if !folder.s3.path_style.unwrap_or(folder.s3.endpoint.is_some() || name.contains('.')) {
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
            .layer(TimeoutLayer::new().with_timeout(ANSWERED_WITHIN).with_io_timeout(ANSWERED_WITHIN))
            .layer(retries),
        runtime: reach.runtime.clone(),
        credentials,
        bucket: name.clone(),
        prefix: prefix(folders, &folder.base_folder),
    })
}

/// What stands in front of the keys of a drop folder.
pub(in crate::drop_folder) fn prefix(folders: &str, base_folder: &str) -> String {
    let parts = [folders, base_folder].into_iter().filter(|part| !part.is_empty());
    parts.map(|part| format!("{part}/")).collect()
}

fn region(folder: &DropFolder, bucket: &str, reach: &Reach) -> Result<String> {
    match (&folder.s3.region, &folder.s3.endpoint) {
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
