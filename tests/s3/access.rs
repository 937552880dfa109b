//! Who is let in, and what he may do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};

/// The id of the access key that is good for ever.
pub(crate) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// Its secret.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// All that are known.
pub(super) struct Guests {
    keys: Mutex<HashMap<String, Credential>>,
    forbidden: Mutex<Vec<(String, String)>>,
}

struct Credential {
    secret: String,
    /// With temporary ones: the session token, and until when they are good.
    session: Option<(String, SystemTime)>,
}

impl Guests {
    pub(super) fn new() -> Guests {
        let known = Credential { secret: SECRET.to_owned(), session: None };
        Guests { keys: Mutex::new(HashMap::from([(KEY.to_owned(), known)])), forbidden: Mutex::default() }
    }

    /// Lets somebody in for a while.
    pub(super) fn let_in(&self, id: &str, secret: &str, token: &str, lifetime: Duration) {
        let session = Some((token.to_owned(), SystemTime::now() + lifetime));
        self.keys.lock().unwrap().insert(id.to_owned(), Credential { secret: secret.to_owned(), session });
    }

    pub(super) fn forbid(&self, action: &str, prefix: &str) {
        self.forbidden.lock().unwrap().push((action.to_owned(), prefix.to_owned()));
    }

    pub(super) fn allow_all(&self) {
        self.forbidden.lock().unwrap().clear();
    }

    pub(super) fn is_forbidden(&self, action: &str, key: &str) -> bool {
        self.forbidden.lock().unwrap().iter().any(|(found, prefix)| found == action && key.starts_with(prefix))
    }

    fn check(&self, id: &str, token: Option<&str>) -> S3Result<()> {
        let keys = self.keys.lock().unwrap();
        match &keys.get(id).ok_or_else(unknown)?.session {
            Some((_, until)) if *until <= SystemTime::now() => {
                Err(S3Error::with_message(S3ErrorCode::ExpiredToken, "The provided token has expired."))
            }
            Some((expected, _)) if token == Some(expected) => Ok(()),
            None if token.is_none() => Ok(()),
            _ => Err(S3Error::with_message(
                S3ErrorCode::InvalidToken,
                "The provided token is malformed or otherwise invalid.",
            )),
        }
    }
}

fn unknown() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidAccessKeyId,
        "The AWS Access Key Id you provided does not exist in our records.",
    )
}

/// Where s3s asks who is let in.
pub(super) struct Door(pub(super) Arc<Guests>);

#[async_trait::async_trait]
impl S3Auth for Door {
    async fn get_secret_key(&self, id: &str) -> S3Result<SecretKey> {
        let keys = self.0.keys.lock().unwrap();
        keys.get(id).map(|known| SecretKey::from(known.secret.as_str())).ok_or_else(unknown)
    }
}

#[async_trait::async_trait]
impl S3Access for Door {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let token = context.headers().get("x-amz-security-token").and_then(|token| token.to_str().ok());
        let guest = context.credentials().map(|guest| guest.access_key.as_str());
        let guest = guest.ok_or_else(|| S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied"))?;
        self.0.check(guest, token)
    }
}
