//! How a bucket lets us in: with access keys, or as a role that is assumed with the drop folder's ExternalId.
//!
//! Nothing else lets us into the bucket of a drop folder: never the environment, a profile or the metadata service of the
//! machine. Our own identity assumes roles and, where no other keys are set for it, lets us into the bucket of the spool.

mod sts;

use std::sync::{Arc, Mutex, PoisonError};

use reqsign_aws_v4::Credential;
use reqsign_core::{Context, ProvideCredential};

pub(crate) use self::sts::{Role, Sts, aws_domain};
use super::reach::Reach;
use crate::config::{AccessKey, Authorization, DropFolder};
use crate::error::{Error, Kind, Result};

/// What signs our requests to a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Credentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// What went wrong when they were had last, which the client in between keeps to itself.
    failure: Mutex<Option<Error>>,
}

#[derive(Debug)]
enum Source {
    Keys(Credential),
    Role(Role),
}

impl Credentials {
    /// The credentials for the bucket of a drop folder that lies in a region.
    ///
    /// # Errors
    /// `Request` if there are none, or empty ones.
    pub(crate) fn of(folder: &DropFolder, external_id: &str, region: &str, reach: &Reach) -> Result<Credentials> {
        let source = match &folder.authorization {
            Authorization::None => return Err(missing(folder)),
            Authorization::AccessKey { id, secret, session_token } => {
                if id.trim().is_empty() || secret.reveal().trim().is_empty() {
                    return Err(missing(folder));
                }
                let (id, secret, session_token) = (id.clone(), secret.clone(), session_token.clone());
                return Ok(Credentials::keys(AccessKey { id, secret, session_token }));
            }
            Authorization::Role { arn } => {
                let sts = Sts::of(folder, Some(region), reach)?;
                Source::Role(Role::new(sts, arn, &folder.name, external_id))
            }
        };
        Ok(Credentials(Arc::new(Inner { source, failure: Mutex::default() })))
    }

    /// These keys.
    pub(crate) fn keys(key: AccessKey) -> Credentials {
        let AccessKey { id, secret, session_token } = key;
        let source = Source::Keys(Credential {
            access_key_id: id,
            secret_access_key: secret.reveal().to_owned(),
            session_token: session_token.map(|token| token.reveal().to_owned()),
            expires_in: None,
        });
        Credentials(Arc::new(Inner { source, failure: Mutex::default() }))
    }

    /// The role that is assumed, if it is one that lets us in.
    pub(crate) fn role(&self) -> Option<&Role> {
        match &self.0.source {
            Source::Keys(_) => None,
            Source::Role(role) => Some(role),
        }
    }

    /// What went wrong since this was asked last.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whoever asks keeps what he gets and asks again two minutes before it expires.
impl ProvideCredential for Credentials {
    type Credential = Credential;

    async fn provide_credential(&self, _: &Context) -> reqsign_core::Result<Option<Credential>> {
        let role = match &self.0.source {
            Source::Keys(keys) => return Ok(Some(keys.clone())),
            Source::Role(role) => role,
        };
        match role.assume(Some(role.external_id())).await {
            Ok(credential) => Ok(Some(credential)),
            Err(error) => {
                let told = reqsign_core::Error::credential_invalid(error.to_string());
                *self.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(told)
            }
        }
    }
}

fn missing(folder: &DropFolder) -> Error {
    let message = format!(
        "the drop folder '{}' has no access key and no role for its bucket: set access_key with id and secret, or role \
         with arn; the keys of this machine are not used in their place",
        folder.name
    );
    Error::new(Kind::Request, message)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use reqsign_core::{Context, ProvideCredential as _};

    use super::Credentials;
    use crate::bucket::reach::Reach;
    use crate::config::{Authorization, Config, DropFolder, Environment};
    use crate::error::{Kind, Result};
    use crate::outbound::Outbound;
    use crate::secret::Secret;

    const SETTINGS: &str = "[[drop_folder]]\nname = 'px'\nobject_type = 'managed/px_user'\nbucket = 'ABC123'\n\
                            base_folder = 'users'\naccess_key = { id = 'AKIA1', secret = 'sesame' }\n";

    fn drop_folder() -> DropFolder {
        let data = tempfile::tempdir().expect("a directory");
        fs::write(data.path().join("rollbook.toml"), SETTINGS).expect("settings");
        let config = Config::load(data.path(), None, Environment::default()).expect("settings");
        config.drop_folders.all().expect("a drop folder")[0].clone()
    }

    fn credentials(authorization: Authorization) -> Result<(Credentials, Outbound)> {
        let outbound = Outbound::new()?;
        let reach = Reach {
            client: outbound.client(true)?,
            runtime: outbound.runtime.handle().clone(),
            allow_private: true,
            identity: None,
        };
        let folder = DropFolder { authorization, ..drop_folder() };
        Ok((Credentials::of(&folder, "7f1c", "us-east-1", &reach)?, outbound))
    }

    #[test]
    fn keys_are_taken_as_they_are_set() {
        let (credentials, outbound) = credentials(drop_folder().authorization).expect("credentials");
        let provided = outbound.runtime.block_on(credentials.provide_credential(&Context::new()));
        let provided = provided.expect("credentials").expect("credentials");
        assert_eq!((provided.access_key_id.as_str(), provided.secret_access_key.as_str()), ("AKIA1", "sesame"));
        assert!(!format!("{credentials:?}").contains("sesame"));
    }

    #[test]
    fn without_keys_nothing_takes_their_place() {
        let keys = |id: &str, secret: &str| Authorization::AccessKey {
            id: id.to_owned(),
            secret: Secret::new(secret),
            session_token: None,
        };
        let role = Authorization::Role { arn: "arn:aws:iam::210987654321:role/rollbook-import".to_owned() };
        for authorization in [Authorization::None, keys("", ""), keys(" ", "sesame"), keys("AKIA1", ""), role] {
            let error = credentials(authorization).map(|_| ()).expect_err("no credentials");
            assert_eq!(error.kind(), Kind::Request, "{error}");
        }
    }
}
