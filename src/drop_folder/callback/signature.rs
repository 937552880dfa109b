//! How a callback is signed: as Standard Webhooks has it. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::error::{Error, Result};
use crate::secret::Secret;

/// What stands in front of the base64 of a secret.
const PREFIX: &str = "whsec_";

/// The `webhook-signature` of a body that is sent at `timestamp`, in seconds since 1970.
pub(super) fn signature(secret: &Secret, id: &str, timestamp: u64, body: &str) -> Result<String> {
    let key = secret.reveal();
    let key = STANDARD.decode(key.strip_prefix(PREFIX).unwrap_or(key));
    let key = key.map_err(|_| Error::internal("the secret that callbacks are signed with is not base64"))?;
    let tag = sign(&Key::new(HMAC_SHA256, &key), format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

#[cfg(test)]
mod tests {
    use super::signature;
    use crate::secret::Secret;

    /// The example that the libraries of Standard Webhooks are tested with.
    #[test]
    fn the_example_of_standard_webhooks() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed.expect("a signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_not_shown() {
        let error = signature(&Secret::new("whsec_sesame!"), "msg_1", 1, "{}").expect_err("no base64");
        assert_eq!(error.to_string(), "the secret that callbacks are signed with is not base64");
    }
}
