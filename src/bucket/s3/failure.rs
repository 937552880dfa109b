//! What went wrong with a bucket, in sentences that say what would help.
//!
//! S3's own words are passed on, which hold no secret: of the rest of its answers, and of our requests, nothing is.

use std::error::Error as StdError;

use opendal::ErrorKind;

use super::{Doing, S3, outdated};
use crate::bucket::reach::own_error;
use crate::error::{Error, Kind, shown};

/// The right that it needs.
fn right(doing: Doing) -> &'static str {
    match doing {
        Doing::List => "s3:ListBucket",
        Doing::Read => "s3:GetObject",
        Doing::Write => "s3:PutObject",
        Doing::Delete => "s3:DeleteObject",
    }
}

/// What S3 says in an error: its code and its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said<'a> {
    code: &'a str,
    message: &'a str,
}

impl S3 {
    pub(super) fn failed(&self, doing: Doing, key: &str, error: opendal::Error) -> Error {
        let own = self.credentials.take_failure().or_else(|| own_error(&error));
        own.unwrap_or_else(|| match is_refused_condition(&error) {
            true => outdated(key),
            false => sentence(&self.bucket, &self.path(key), doing, &error),
        })
    }
}

/// Whether a condition on a request was not met.
pub(super) fn is_refused_condition(error: &opendal::Error) -> bool {
    error.kind() == ErrorKind::ConditionNotMatch
}

/// Whether a request asks for more than the server can do.
pub(super) fn is_unsupported(error: &opendal::Error) -> bool {
    error.kind() == ErrorKind::Unsupported || said(error).code == "NotImplemented"
}

fn sentence(bucket: &str, key: &str, doing: Doing, error: &opendal::Error) -> Error {
    let (done, right) = (doing.done(), right(doing));
    let said = said(error);
    let quote = said.quote();
    let whole = format!("'{key}' in the bucket '{bucket}' could not be {done}");
    match said.code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "AuthFailure" | "InvalidSecurity" => {
            forbidden(format!(
                "the bucket '{bucket}' does not accept the access key: check its id and its secret{quote}"
            ))
        }
        "ExpiredToken" | "TokenRefreshRequired" => {
            forbidden(format!("the session of the access key for the bucket '{bucket}' is over: set new keys{quote}"))
        }
        "RequestTimeTooSkewed" => forbidden(format!(
            "the clock of this machine is wrong, and the bucket '{bucket}' does not let us in{quote}"
        )),
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            Error::request(format!("the bucket '{bucket}' lies elsewhere: set its s3.region or s3.endpoint{quote}"))
        }
        "InvalidObjectState" => forbidden(format!("{whole}: it is archived, and must be restored first{quote}")),
        "NoSuchBucket" | "InvalidBucketName" => no_bucket(bucket),
        _ => match error.kind() {
            ErrorKind::PermissionDenied => forbidden(format!("{whole}: allow {right}{quote}")),
            ErrorKind::NotFound if doing == Doing::List => no_bucket(bucket),
            ErrorKind::NotFound => Error::not_found(format!("there is no file '{key}' in the bucket '{bucket}'")),
            ErrorKind::ConfigInvalid | ErrorKind::Unsupported => Error::request(format!("{whole}{quote}")),
            ErrorKind::Unexpected if error.is_permanent() && quote.is_empty() => {
                Error::request(format!("{whole}: the server does not answer as S3 does"))
            }
            ErrorKind::Unexpected if error.is_permanent() => Error::request(format!("{whole}{quote}")),
            _ => Error::new(Kind::Busy, format!("{whole}{}", if quote.is_empty() { cause(error) } else { quote })),
        },
    }
}

fn forbidden(message: String) -> Error {
    Error::new(Kind::Forbidden, message)
}

fn no_bucket(bucket: &str) -> Error {
    Error::request(format!("there is no bucket '{bucket}': make it, or write its name as it is"))
}

/// What is behind an error of the network.
fn cause(error: &opendal::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<opendal::Error>() {
        Some(error) => format!(" ({})", shown(error.message(), 200)),
        None => format!(" ({})", shown(&cause.to_string(), 200)),
    }
}

impl Said<'_> {
    /// Its words, behind a sentence of ours.
    fn quote(self) -> String {
        match (self.code, self.message) {
            ("", _) => String::new(),
            (code, "") => format!(" (S3 says {})", shown(code, 100)),
            (code, message) => format!(" (S3 says {}: {})", shown(code, 100), shown(message, 300)),
        }
    }
}

/// What S3 says. OpenDAL has it as text only: `S3Error { code: "AccessDenied", message: "Access Denied", ... }`.
fn said(error: &opendal::Error) -> Said<'_> {
    let text = error.message();
    let part = |start: &str, end: &str| text.split_once(start)?.1.split_once(end).map(|(text, _)| text);
    Said {
        code: part("S3Error { code: \"", "\", message: \"").unwrap_or_default(),
        message: part("\", message: \"", "\", resource: \"").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use opendal::{Error, ErrorKind};

    use super::{Doing, sentence};

    fn s3(code: &str, message: &str) -> String {
        format!("S3Error {{ code: {code:?}, message: {message:?}, resource: \"\", request_id: \"4442587FB7D0A2F9\" }}")
    }

    fn told(doing: Doing, error: Error) -> String {
        let error = sentence("ABC123", "users_import/current/dt=20210228/users.csv.gz", doing, &error);
        format!("{:?}: {error}", error.kind())
    }

    #[test]
    fn each_error_says_what_would_help() {
        use ErrorKind::{ConfigInvalid, NotFound, PermissionDenied, RateLimited, Unexpected};
        let redirected = "The bucket you are attempting to access must be addressed using the specified endpoint.";
        let mut lines = Vec::new();
        for (doing, kind, message) in [
            (Doing::List, PermissionDenied, s3("AccessDenied", "Access Denied")),
            (Doing::Read, PermissionDenied, s3("AccessDenied", "User: arn:aws:iam::1:user/px is not authorized")),
            (Doing::Write, PermissionDenied, s3("AccessDenied", "Access Denied")),
            (Doing::Delete, PermissionDenied, String::new()),
            (Doing::List, PermissionDenied, s3("SignatureDoesNotMatch", "The signatures do not match.")),
            (Doing::List, Unexpected, s3("ExpiredToken", "The provided token has expired.")),
            (Doing::List, PermissionDenied, s3("RequestTimeTooSkewed", "The difference is too large.")),
            (Doing::Read, PermissionDenied, s3("InvalidObjectState", "The operation is not valid for it.")),
            (Doing::List, Unexpected, s3("PermanentRedirect", redirected)),
            (Doing::List, ConfigInvalid, s3("NoSuchBucket", "The specified bucket does not exist")),
            (Doing::List, NotFound, "<html>nothing here</html>".to_owned()),
            (Doing::Read, NotFound, s3("NoSuchKey", "The specified key does not exist.")),
            (Doing::List, Unexpected, "<html>hello</html>".to_owned()),
            (Doing::Write, Unexpected, s3("InvalidRequest", "Content-MD5 is required.")),
        ] {
            lines.push(told(doing, Error::new(kind, message)));
        }
        for (kind, message) in [
            (RateLimited, s3("SlowDown", "Please reduce your request rate.")),
            (Unexpected, s3("InternalError", "We encountered an internal error.")),
            (Unexpected, "io operation timeout reached".to_owned()),
        ] {
            lines.push(told(Doing::Read, Error::new(kind, message).set_persistent()));
        }
        insta::assert_snapshot!(lines.join("\n"), @"
        Forbidden: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be listed: allow s3:ListBucket (S3 says AccessDenied: Access Denied)
        Forbidden: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be read: allow s3:GetObject (S3 says AccessDenied: User: arn:aws:iam::1:user/px is not authorized)
        Forbidden: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be written: allow s3:PutObject (S3 says AccessDenied: Access Denied)
        Forbidden: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be deleted: allow s3:DeleteObject
        Forbidden: the bucket 'ABC123' does not accept the access key: check its id and its secret (S3 says SignatureDoesNotMatch: The signatures do not match.)
        Forbidden: the session of the access key for the bucket 'ABC123' is over: set new keys (S3 says ExpiredToken: The provided token has expired.)
        Forbidden: the clock of this machine is wrong, and the bucket 'ABC123' does not let us in (S3 says RequestTimeTooSkewed: The difference is too large.)
        Forbidden: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be read: it is archived, and must be restored first (S3 says InvalidObjectState: The operation is not valid for it.)
        Request: the bucket 'ABC123' lies elsewhere: set its s3.region or s3.endpoint (S3 says PermanentRedirect: The bucket you are attempting to access must be addressed using the specified endpoint.)
        Request: there is no bucket 'ABC123': make it, or write its name as it is
        Request: there is no bucket 'ABC123': make it, or write its name as it is
        NotFound: there is no file 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123'
        Request: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be listed: the server does not answer as S3 does
        Request: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be written (S3 says InvalidRequest: Content-MD5 is required.)
        Busy: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be read (S3 says SlowDown: Please reduce your request rate.)
        Busy: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be read (S3 says InternalError: We encountered an internal error.)
        Busy: 'users_import/current/dt=20210228/users.csv.gz' in the bucket 'ABC123' could not be read (io operation timeout reached)
        ");
    }
}
