//! What a bucket is reached with: a client for the network, and who we are there.

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::Client;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::config::AwsIdentity;
use crate::error::{Error, Kind, Result};

/// The region where nobody has named one, and of servers that have none.
pub(crate) const NO_REGION: &str = "us-east-1";

/// How often a question is asked that may be answered another time.
const ATTEMPTS: u32 = 4;

/// The pause before it is asked again; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// See the module's head.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) client: Client,
    /// The runtime that the client needs. It is blocked on from threads that may block.
    pub(crate) runtime: Handle,
    /// Whether private addresses are called.
    pub(crate) allow_private: bool,
    /// Our own identity at AWS, for assuming roles and nothing else.
    pub(crate) identity: Option<AwsIdentity>,
}

/// Asks again, a few times, while the answer is `Busy`.
pub(crate) async fn patiently<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
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
pub(crate) fn own_error(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut error = Some(error);
    while let Some(this) = error {
        if let Some(own) = this.downcast_ref::<Error>() {
            return Some(Error::new(own.kind(), own.message()));
        }
        error = this.source();
    }
    None
}
