//! One attempt at a callback: what is sent, and what is answered.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};

use super::schedule::retry_after;
use super::signature::signature;
use crate::address::check_url;
use crate::clock;
use crate::config::CallbackSettings;
use crate::error::{Error, Result};
use crate::outbound::{Outbound, told};
use crate::run::Callback;
use crate::secret::Secret;

/// For a connection, the whole question and the answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// So much of an answer is read, so that the connection can be used again. What it says is nothing to us.
const MOST_READ: usize = 64 << 10;

/// What was answered, or that nothing was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status, if there was an answer.
    pub(super) status: Option<u16>,
    /// What went wrong, if something did.
    pub(super) problem: Option<String>,
    /// How long to wait, if the endpoint says so.
    pub(super) asked: Option<Duration>,
}

impl Answer {
    /// That nothing could be sent, or nothing came back.
    pub(super) fn none(problem: impl Into<String>) -> Answer {
        Answer { status: None, problem: Some(problem.into()), asked: None }
    }
}

/// The request of a callback, signed now. Its address is checked each time: what it may be can have changed.
pub(super) fn request(
    outbound: &Outbound,
    callback: &Callback,
    settings: &CallbackSettings,
    secret: &Secret,
) -> Result<RequestBuilder> {
    let url = check_url(&settings.url, settings.allow_private)?;
    let id = callback.run.webhook();
    let timestamp = clock::unix_millis() / 1000;
    let signature = signature(secret, &id, timestamp, &callback.body)?;
    let key = HeaderValue::from_str(settings.api_key.reveal());
    let mut key = key.map_err(|_| Error::request("the API key of the callback has characters that cannot be sent"))?;
    key.set_sensitive(true);
    let request = outbound.client(settings.allow_private)?.post(url).timeout(PATIENCE);
    let request = request.header(CONTENT_TYPE, "application/json").header("x-api-key", key);
    let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp.to_string());
    Ok(request.header("webhook-signature", signature).body(callback.body.clone()))
}

/// Sends a request. What counts is the status, also if the rest of the answer does not come through.
pub(super) async fn send(request: RequestBuilder) -> Answer {
    match request.send().await {
        Ok(response) => {
            let answer = read(&response);
            drain(response).await;
            answer
        }
        Err(error) => Answer::none(told(&error)),
    }
}

fn read(response: &Response) -> Answer {
    let status = response.status();
    let problem = match status {
        status if status.is_success() => None,
        status if status.is_redirection() => Some(format!("the answer is {status}, and redirections are not followed")),
        status => Some(format!("the answer is {status}")),
    };
    let may_ask = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
    let asked = response.headers().get(RETRY_AFTER).filter(|_| may_ask).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|value| retry_after(value, &clock::now()));
    Answer { status: Some(status.as_u16()), problem, asked }
}

async fn drain(mut response: Response) {
    let mut read = 0;
    while read < MOST_READ
        && let Ok(Some(bytes)) = response.chunk().await
    {
        read += bytes.len();
    }
}
