//! AWS's Security Token Service: who we are, and the roles of others.

use std::fmt;

use hyper::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::events::Event;
use quick_xml::{Reader, escape};
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::hash::hex_sha256;
use reqsign_core::time::Timestamp;
use reqsign_core::{Context, SignRequest as _};
use reqwest::header::{CONTENT_TYPE, HOST};
use reqwest::{Client, Url};

use crate::address::check_url;
use crate::bucket::reach::{NO_REGION, Reach, own_error, patiently};
use crate::config::{AwsIdentity, DropFolder};
use crate::error::{Error, Kind, Result, shown};
use crate::outbound::told;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// How many characters the name of a session may have.
const LONGEST_SESSION: usize = 64;

/// The service, asked as who we are.
#[derive(Clone)]
pub(crate) struct Sts {
    client: Client,
    endpoint: Url,
    region: String,
    identity: AwsIdentity,
}

/// A role that is assumed with an ExternalId.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    sts: Sts,
    arn: String,
    session: String,
    external_id: String,
}

impl Sts {
    /// The service for the role of a drop folder, in the region of its bucket if nobody has set another.
    ///
    /// # Errors
    /// `Request` if we have no identity of our own, or may not call the endpoint.
    pub(crate) fn of(folder: &DropFolder, region: Option<&str>, reach: &Reach) -> Result<Sts> {
        let identity = reach.identity.clone().ok_or_else(|| {
            Error::request(
                "roles are assumed with an AWS identity of Rollbook's own, and it has none: set AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_REGION in its environment",
            )
        })?;
        let region =
            folder.s3.region.as_deref().or(identity.region.as_deref()).or(region).unwrap_or(NO_REGION).to_owned();
        let endpoint = match &folder.s3.sts_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://sts.{region}.{}", aws_domain(&region)),
        };
        let endpoint = check_url(&endpoint, reach.allow_private)?;
        Ok(Sts { client: reach.client.clone(), endpoint, region, identity })
    }

    /// The ARN of our own identity, as a role's trust policy names it.
    pub(crate) async fn caller(&self) -> Result<String> {
        let answer = self.ask("GetCallerIdentity", &[]).await?;
        let arn = text_of(&answer, "Arn").ok_or_else(|| unreadable("GetCallerIdentity"))?;
        Ok(principal(&arn))
    }

    async fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let common = [("Action", action), ("Version", "2011-06-15")];
        let form: Vec<String> = common.iter().chain(parameters).map(|(name, value)| pair(name, value)).collect();
        let form = form.join("&");
        patiently(|| self.ask_once(&form)).await
    }

    async fn ask_once(&self, form: &str) -> Result<String> {
        let request = Request::post(self.endpoint.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .header("x-amz-content-sha256", hex_sha256(form.as_bytes()))
            .body(form.to_owned());
        let (mut head, body) = request.map_err(|error| unsent(&error))?.into_parts();
        let signer = RequestSigner::new("sts", &self.region);
        let signed = signer.sign_request(&Context::new(), &mut head, Some(&self.credential()), None).await;
        signed.map_err(|error| unsent(&error))?;
        // The client says itself whom it asks.
        head.headers.remove(HOST);
        let request = Request::from_parts(head, body).try_into().map_err(|error| unsent(&error))?;
        let answer = self.client.execute(request).await.map_err(|error| unanswered(&error))?;
        read(answer).await
    }

    fn credential(&self) -> Credential {
        let AwsIdentity { key_id, secret, session_token, .. } = &self.identity;
        Credential {
            access_key_id: key_id.clone(),
            secret_access_key: secret.reveal().to_owned(),
            session_token: session_token.as_ref().map(|token| token.reveal().to_owned()),
            expires_in: None,
        }
    }
}

impl fmt::Debug for Sts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sts").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

impl Role {
    pub(super) fn new(sts: Sts, arn: &str, drop_folder: &str, external_id: &str) -> Role {
        let session = format!("rollbook-{drop_folder}").chars().take(LONGEST_SESSION).collect();
        Role { sts, arn: arn.to_owned(), session, external_id: external_id.to_owned() }
    }

    /// The ExternalId of the drop folder.
    pub(crate) fn external_id(&self) -> &str {
        &self.external_id
    }

    /// Assumes the role, with an ExternalId or, to see whether it lets us in then, without.
    ///
    /// # Errors
    /// `Forbidden` if it does not let us in; `Busy` if the service cannot tell now.
    pub(crate) async fn assume(&self, external_id: Option<&str>) -> Result<Credential> {
        let mut parameters = vec![("RoleArn", self.arn.as_str()), ("RoleSessionName", &self.session)];
        parameters.extend(external_id.map(|id| ("ExternalId", id)));
        let answer = self.sts.ask("AssumeRole", &parameters).await.map_err(|error| self.refused(&error))?;
        credential(&answer).ok_or_else(|| unreadable("AssumeRole"))
    }

    fn refused(&self, error: &Error) -> Error {
        let arn = &self.arn;
        let hint = match error.kind() {
            Kind::Forbidden => {
                ": its trust policy must allow sts:AssumeRole to our identity under the condition of the drop folder's \
                 ExternalId, as the policies of the drop folder have it, and a policy of our identity must allow it too"
            }
            _ => "",
        };
        Error::new(error.kind(), format!("the role '{arn}' could not be assumed{hint} ({error})"))
    }
}

/// The domain of AWS's services in a region.
pub(crate) fn aws_domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// What stands for an identity in a trust policy: for the session of a role, the role.
fn principal(arn: &str) -> String {
    let session = arn.split_once(":assumed-role/").and_then(|(before, role)| {
        let account = before.rsplit(':').next()?;
        let partition = before.split(':').nth(1)?;
        let name = role.split('/').next()?;
        Some(format!("arn:{partition}:iam::{account}:role/{name}"))
    });
    session.unwrap_or_else(|| arn.to_owned())
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

/// The text of an answer that is a success.
async fn read(mut answer: reqwest::Response) -> Result<String> {
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| unanswered(&error))? {
        text.extend_from_slice(&piece);
        if text.len() > LONGEST_ANSWER {
            return Err(Error::new(Kind::Busy, "the answer of STS is far too long"));
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    if answer.status().is_success() { Ok(text) } else { Err(failure(answer.status().as_u16(), &text)) }
}

/// What an answer says that is no success.
fn failure(status: u16, text: &str) -> Error {
    let code = text_of(text, "Code").unwrap_or_else(|| format!("status {status}"));
    let message = text_of(text, "Message").map(|message| format!(": {}", shown(&message, 300)));
    let said = format!("STS says {}{}", shown(&code, 100), message.unwrap_or_default());
    match code.as_str() {
        "AccessDenied" => Error::new(Kind::Forbidden, said),
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "IncompleteSignature" | "ExpiredToken" => Error::request(
            format!("{said}; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of Rollbook"),
        ),
        code if code.starts_with("Throttling") => Error::new(Kind::Busy, said),
        _ if status >= 500 || status == 429 => Error::new(Kind::Busy, said),
        _ => Error::request(said),
    }
}

/// The credentials in the answer to `AssumeRole`.
fn credential(answer: &str) -> Option<Credential> {
    let expiration: Timestamp = text_of(answer, "Expiration")?.parse().ok()?;
    Some(Credential {
        access_key_id: text_of(answer, "AccessKeyId")?,
        secret_access_key: text_of(answer, "SecretAccessKey")?,
        session_token: Some(text_of(answer, "SessionToken")?),
        expires_in: Some(expiration),
    })
}

/// The text of the first element of this name.
fn text_of(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if start.local_name().as_ref() == name => {
                let text = reader.read_text(start.name()).ok()?;
                return escape::unescape(&text).ok().map(|text| text.trim().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn unsent(error: &dyn std::error::Error) -> Error {
    Error::internal(format!("STS could not be asked: {error}"))
}

fn unanswered(error: &reqwest::Error) -> Error {
    own_error(error).unwrap_or_else(|| Error::new(Kind::Busy, format!("STS was asked, but {}", told(error))))
}

fn unreadable(action: &str) -> Error {
    Error::request(format!("what answers {action} is no STS: check s3.sts_endpoint"))
}

#[cfg(test)]
mod tests {
    use super::{credential, failure, principal, text_of};

    #[test]
    fn the_answer_of_sts_is_read() {
        let answer = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\n  \
                      <Credentials>\n <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>a/b+c&amp;d</SecretAccessKey>\
                      <SessionToken> IQoJ== </SessionToken><Expiration>2026-11-22T05:00:00Z</Expiration></Credentials>\
                      </AssumeRoleResult></AssumeRoleResponse>";
        let credential = credential(answer).expect("credentials");
        assert_eq!(credential.access_key_id, "ASIA1");
        assert_eq!(credential.secret_access_key, "a/b+c&d");
        assert_eq!(credential.session_token.as_deref(), Some("IQoJ=="));
        assert!(credential.expires_in.is_some());
        assert_eq!(text_of(answer, "Arn"), None);
        for broken in ["", "<a>", "<Credentials><AccessKeyId>ASIA1</Credentials>", "not XML"] {
            assert!(super::credential(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn an_error_of_sts_says_whose_fault_it_is() {
        let told = |status, code: &str| {
            let xml = format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>No &lt;way&gt;</Message></Error></ErrorResponse>"
            );
            let error = failure(status, &xml);
            format!("{:?}: {error}", error.kind())
        };
        let lines = [
            told(403, "AccessDenied"),
            told(403, "SignatureDoesNotMatch"),
            told(400, "ValidationError"),
            told(400, "Throttling"),
            told(503, "ServiceUnavailable"),
            failure(502, "<html>").to_string(),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        Forbidden: STS says AccessDenied: No <way>
        Request: STS says SignatureDoesNotMatch: No <way>; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of Rollbook
        Request: STS says ValidationError: No <way>
        Busy: STS says Throttling: No <way>
        Busy: STS says ServiceUnavailable: No <way>
        STS says status 502
        ");
    }

    #[test]
    fn a_session_stands_for_its_role() {
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:user/rollbook", "arn:aws:iam::123456789012:user/rollbook"),
            ("arn:aws:sts::123456789012:assumed-role/rollbook/i-0abc", "arn:aws:iam::123456789012:role/rollbook"),
            ("arn:aws-cn:sts::123456789012:assumed-role/a/b", "arn:aws-cn:iam::123456789012:role/a"),
        ] {
            assert_eq!(principal(arn), expected);
        }
    }
}
