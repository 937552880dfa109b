//! What a drop folder reaches, and what lets it in: endpoints, keys, roles, callbacks.

use super::Reader;
use crate::address;
use crate::config::drop_folder::written::{WrittenAccessKey, WrittenCallback, WrittenRole, WrittenS3};
use crate::config::drop_folder::{Authorization, Bucket, CallbackSettings, S3Settings, SetBy};
use crate::config::secrets::{NoSecret, WrittenSecret};
use crate::secret::Secret;

const NOT_FOR_DIRECTORIES: &str = " is for buckets in S3, and this one is a directory";

const OPERATOR_ALLOWS: &str = "drop_folders.allow_private = true in rollbook.toml allows private addresses";

impl Reader<'_> {
    pub(super) fn s3(&mut self, written: Option<WrittenS3>, bucket: Option<&Bucket>) -> S3Settings {
        let Some(written) = written else { return S3Settings::default() };
        if let Some(Bucket::Directory(_)) = bucket {
            self.mistake("s3", NOT_FOR_DIRECTORIES);
        }
        if let Some(region) = written.region.as_ref().filter(|region| !is_region(region)) {
            self.mistake("s3.region", format!(" = '{region}' is not a region: write for example 'eu-central-1'"));
        }
        self.endpoint("s3.endpoint", written.endpoint.as_deref());
        self.endpoint("s3.sts_endpoint", written.sts_endpoint.as_deref());
        S3Settings {
            region: written.region,
            endpoint: written.endpoint,
            path_style: written.path_style,
            sts_endpoint: written.sts_endpoint,
        }
    }

    /// Requests are signed for a host; there is no path below it.
    fn endpoint(&mut self, key: &str, written: Option<&str>) {
        let Some(written) = written else { return };
        match address::check_url(written, self.reaches_private()) {
            Err(error) if address::check_url(written, true).is_ok() => {
                self.mistake(key, format!(": {error} ({OPERATOR_ALLOWS})"));
            }
            _ => {
                if let Some(fault) = endpoint_fault(written, self.reaches_private()) {
                    self.mistake(key, fault);
                }
            }
        }
    }

    /// Whether the drop folder may reach private addresses.
    fn reaches_private(&self) -> bool {
        self.set_by.reaches_private(self.around.limits)
    }

    pub(super) fn authorization(
        &mut self,
        access_key: Option<WrittenAccessKey>,
        role: Option<WrittenRole>,
        bucket: Option<&Bucket>,
        s3: &S3Settings,
    ) -> Option<Authorization> {
        match (bucket, access_key, role) {
            (Some(Bucket::Directory(_)), None, None) => Some(Authorization::None),
            (Some(Bucket::Directory(_)), access_key, _) => {
                let key = if access_key.is_some() { "access_key" } else { "role" };
                self.mistake(key, NOT_FOR_DIRECTORIES);
                None
            }
            (_, Some(_), Some(_)) => {
                self.mistake("access_key", " and role are both given: one of them lets us in");
                None
            }
            (_, Some(access_key), None) => self.access_key(access_key),
            (_, None, Some(role)) => self.role(role, s3),
            (Some(Bucket::S3 { .. }), None, None) => {
                self.mistake("access_key", " or role is missing: one of them lets us in");
                None
            }
            (None, None, None) => None,
        }
    }

    fn access_key(&mut self, written: WrittenAccessKey) -> Option<Authorization> {
        let id = match written.id {
            Some(id) if is_key_id(&id) => Some(id),
            // It may be the secret in the wrong place.
            Some(id) if !id.is_empty() => {
                self.mistake("access_key.id", " is not an id: it has neither blanks nor slashes");
                None
            }
            _ => {
                self.mistake("access_key.id", " is missing: without keys of its own a drop folder is not let in");
                None
            }
        };
        let secret = self.secret("access_key.secret", written.secret);
        let session_token = match written.session_token {
            Some(token) => Some(self.secret("access_key.session_token", Some(token))?),
            None => None,
        };
        Some(Authorization::AccessKey { id: id?, secret: secret?, session_token })
    }

    /// A secret that goes into headers of requests, or into what signs them.
    fn secret(&mut self, key: &str, written: Option<WrittenSecret>) -> Option<Secret> {
        let Some(written) = written else {
            let stays = match (self.set_by, key) {
                (SetBy::File, _) => "",
                (_, "callback.api_key") => ": it stays only where the host of the address does",
                _ => ": it stays only where id and endpoint do",
            };
            self.mistake(key, format!(" is missing{stays}"));
            return None;
        };
        if self.set_by == SetBy::Administrator && !matches!(written, WrittenSecret::Literal(_)) {
            self.mistake(key, " is to be the secret itself: { env } and { file } are for rollbook.toml");
            return None;
        }
        match written.resolve(self.around.data, self.around.environment) {
            Ok(secret) if is_header_value(secret.reveal()) => Some(secret),
            Ok(_) => {
                self.mistake(key, " has outer blanks, control characters or letters beyond ASCII");
                None
            }
            Err(NoSecret::Wrong(why)) => {
                self.mistake(key, format!(" {why}"));
                None
            }
            Err(NoSecret::Lacking(why)) => {
                self.lacks.push(format!("{}: {why}", self.key(key)));
                Some(Secret::new(""))
            }
        }
    }

    fn role(&mut self, WrittenRole { arn }: WrittenRole, s3: &S3Settings) -> Option<Authorization> {
        if !is_role_arn(&arn) {
            self.mistake(
                "role.arn",
                format!(" = '{arn}' is not the ARN of a role: write 'arn:aws:iam::123456789012:role/NAME'"),
            );
        }
        if s3.region.is_none() && s3.sts_endpoint.is_none() && self.around.environment.aws_region().is_none() {
            let key = self.key("role");
            self.lacks.push(format!(
                "{key} needs a region to be assumed in: set {}, or the variable AWS_REGION of the service",
                self.word("s3.region")
            ));
        }
        Some(Authorization::Role { arn })
    }

    pub(super) fn callback(&mut self, written: WrittenCallback) -> Option<CallbackSettings> {
        let WrittenCallback { url, api_key, allow_private, .. } = written;
        if allow_private && !self.reaches_private() {
            self.mistake("callback.allow_private", format!(" = true is not allowed ({OPERATOR_ALLOWS})"));
        }
        match url.as_deref() {
            None => self.mistake("callback.url", " is missing"),
            Some(url) => {
                if let Err(error) = address::check_url(url, allow_private) {
                    let may_be = address::check_url(url, true).is_ok() && self.reaches_private();
                    let allows = format!(" ({} = true allows it)", self.word("callback.allow_private"));
                    self.mistake("callback.url", format!(": {error}{}", if may_be { &allows } else { "" }));
                }
            }
        }
        let api_key = self.secret("callback.api_key", api_key);
        Some(CallbackSettings { url: url?, api_key: api_key?, allow_private })
    }
}

/// Whether it can be the name of a region.
pub(in crate::config) fn is_region(region: &str) -> bool {
    !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What is wrong with an endpoint, behind its setting.
pub(in crate::config) fn endpoint_fault(written: &str, allow_private: bool) -> Option<String> {
    match address::check_url(written, allow_private) {
        Err(error) => Some(format!(": {error}")),
        Ok(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
            Some(format!(" = '{written}' has more than a host and a port: write 'https://HOST:PORT'"))
        }
        Ok(_) => None,
    }
}

/// It stands in headers between slashes.
pub(in crate::config) fn is_key_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b','))
}

fn is_header_value(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// `arn:aws:iam::123456789012:role/NAME`, in any of AWS's partitions, with a path before the name if there is one.
fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws" | "aws-cn" | "aws-us-gov", "iam", "", account, role] = parts.as_slice() else { return false };
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_/-".contains(&byte);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_path =
        |path: &str| !path.is_empty() && path.bytes().all(is_known) && path.split('/').all(|part| !part.is_empty());
    is_account && role.strip_prefix("role/").is_some_and(is_path)
}
