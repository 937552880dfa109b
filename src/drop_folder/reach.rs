//! What a bucket is reached with: a client for the network, and who we are there.

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::Client;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::DropFolders;
use crate::config::{AwsIdentity, DropFolder};
use crate::error::{Error, Kind, Result};

/// The region where nobody has named one, and of servers that have none.
pub(super) const NO_REGION: &str = "us-east-1";

/// How often a question is asked that may be answered another time.
const ATTEMPTS: u32 = 4;

/// The pause before it is asked again; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// See the module's head.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) client: Client,
    /// The runtime that the client needs. It is blocked on from threads that may block.
    pub(super) runtime: Handle,
    /// Whether private addresses are called.
    pub(super) allow_private: bool,
    /// Our own identity at AWS, for assuming roles and nothing else.
    pub(super) identity: Option<AwsIdentity>,
}

impl DropFolders {
    /// What the bucket of a drop folder is reached with.
    pub(super) fn reach(&self, folder: &DropFolder) -> Result<Reach> {
        let config = &self.app.config;
        let allow_private = folder.set_by.reaches_private(&config.drop_folder_limits);
        Ok(Reach {
            client: self.outbound.client(allow_private)?,
            runtime: self.outbound.runtime.handle().clone(),
            allow_private,
            identity: config.environment.aws_identity(),
        })
    }
}

/// Asks again, a few times, while the answer is `Busy`.
pub(super) async fn patiently<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match ask().await {
            Err(error) if error.kind() == Kind::Busy => sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    ask().await
}

/// Our own error that is behind another's: that a name leads to a private address, say.
pub(super) fn own_error(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut error = Some(error);
    while let Some(this) = error {
        if let Some(own) = this.downcast_ref::<Error>() {
            return Some(Error::new(own.kind(), own.message()));
        }
        error = this.source();
    }
    None
}
