//! The environment of the process, as far as settings may point to it. The command line reads it; what is below gets it.

use std::collections::BTreeMap;

use crate::secret::Secret;

/// Variables and their values.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Who we are for AWS: the principal that the roles of others trust. Nothing but roles is asked for with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsIdentity {
    /// `AWS_ACCESS_KEY_ID`.
    pub key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: Secret,
    /// `AWS_SESSION_TOKEN`, which belongs to temporary keys.
    pub session_token: Option<Secret>,
    /// `AWS_REGION`, or else `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
}

impl Environment {
    /// These variables. Ones that are not UTF-8 cannot be pointed to, and should be left out.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Environment {
        Environment(variables.into_iter().collect())
    }

    /// The same without these variables.
    pub(super) fn without(mut self, names: &[&str]) -> Environment {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    /// The value of a variable, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Our own identity, if both of its keys are there.
    pub fn aws_identity(&self) -> Option<AwsIdentity> {
        Some(AwsIdentity {
            key_id: self.get("AWS_ACCESS_KEY_ID")?.to_owned(),
            secret: Secret::new(self.get("AWS_SECRET_ACCESS_KEY")?),
            session_token: self.get("AWS_SESSION_TOKEN").map(Secret::new),
            region: self.aws_region().map(str::to_owned),
        })
    }

    /// The region that is meant where none is named.
    pub fn aws_region(&self) -> Option<&str> {
        self.get("AWS_REGION").or_else(|| self.get("AWS_DEFAULT_REGION"))
    }
}

/// It holds secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}
