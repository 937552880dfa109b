//! The policies that a customer puts into AWS, filled in.

use serde_json::{Value, json};

use super::DropFolders;
use crate::bucket::credentials::Sts;
use crate::bucket::prefix;
use crate::config::{Authorization, Bucket, DropFolder};
use crate::error::{Error, Result};

/// What stands for our own identity while we do not know it.
const NOBODY: &str = "ARN OF THE AWS USER OR ROLE THAT ROLLBOOK RUNS AS";

/// The version of the language of policies.
const VERSION: &str = "2012-10-17";

/// What `policy` shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// The ExternalId with which the role is assumed.
    pub external_id: String,
    /// Who may assume the role, under the condition of the ExternalId; nothing for who comes with access keys.
    pub trust: Option<Value>,
    /// What the role, or the user of the access keys, may do: no more than is needed.
    pub role: Value,
}

impl Policies {
    /// The policies of the drop folder of this name, as they are shown.
    pub fn to_json(&self, name: &str) -> Value {
        let Policies { external_id, trust, role } = self;
        let mut json = json!({ "_id": name, "externalId": external_id });
        if let Some(trust) = trust {
            json["trust"] = trust.clone();
        }
        json["role"] = role.clone();
        json
    }
}

impl DropFolders {
    /// The policies for the role, or the user, of a drop folder. The role trusts our own AWS identity, which STS is
    /// asked for.
    ///
    /// # Errors
    /// `Request` if its files lie in a directory.
    pub fn policies(&self, name: &str) -> Result<Policies> {
        let folder = self.get(name)?;
        let Bucket::S3 { name: bucket, folders } = &folder.bucket else {
            return Err(Error::request(format!(
                "the files of the drop folder '{name}' lie in a directory: policies are for buckets in S3"
            )));
        };
        let external_id = self.state(&folder)?.external_id;
        let trust = match &folder.authorization {
            Authorization::Role { .. } => Some(trust(&self.principal(&folder), &external_id)),
            _ => None,
        };
        let role = role(partition(&folder), bucket, &prefix(folders, &folder.base_folder));
        Ok(Policies { external_id, trust, role })
    }

    /// The ARN of our own identity, or what says to put it there.
    fn principal(&self, folder: &DropFolder) -> String {
        let known = self.reach(folder).and_then(|reach| {
            let sts = Sts::of(folder, None, &reach)?;
            reach.runtime.block_on(sts.caller())
        });
        known.unwrap_or_else(|error| {
            tracing::warn!(%error, "our own AWS identity is not known");
            NOBODY.to_owned()
        })
    }
}

fn trust(principal: &str, external_id: &str) -> Value {
    json!({
        "Version": VERSION,
        "Statement": [{
            "Sid": "RollbookWithItsExternalId",
            "Effect": "Allow",
            "Principal": { "AWS": principal },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
        }],
    })
}

/// What is done in a bucket, below a prefix that is empty or ends with a slash. Deleting under `processed` is for making
/// room there, and for its removal after a while.
fn role(partition: &str, bucket: &str, prefix: &str) -> Value {
    let bucket = format!("arn:{partition}:s3:::{bucket}");
    json!({
        "Version": VERSION,
        "Statement": [
            { "Sid": "Locate", "Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": bucket },
            {
                "Sid": "List",
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": bucket,
                "Condition": { "StringLike": { "s3:prefix": [format!("{prefix}*")] } },
            },
            { "Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("{bucket}/{prefix}*") },
            {
                "Sid": "Write",
                "Effect": "Allow",
                "Action": "s3:PutObject",
                "Resource": format!("{bucket}/{prefix}processed/*"),
            },
            {
                "Sid": "Delete",
                "Effect": "Allow",
                "Action": "s3:DeleteObject",
                "Resource": [format!("{bucket}/{prefix}current/*"), format!("{bucket}/{prefix}processed/*")],
            },
        ],
    })
}

/// Which of AWS's separate worlds the bucket lies in: `aws`, `aws-cn`, `aws-us-gov`.
fn partition(folder: &DropFolder) -> &str {
    let of_role = match &folder.authorization {
        Authorization::Role { arn } => arn.split(':').nth(1).filter(|partition| !partition.is_empty()),
        _ => None,
    };
    let of_region = || match folder.s3.region.as_deref().unwrap_or_default() {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    of_role.unwrap_or_else(of_region)
}

#[cfg(test)]
mod tests {
    use super::{role, trust};

    #[test]
    fn a_role_trusts_us_with_the_external_id_only() {
        let trust = trust("arn:aws:iam::123456789012:user/rollbook", "7f1c");
        insta::assert_snapshot!(format!("{trust:#}"), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "RollbookWithItsExternalId",
              "Effect": "Allow",
              "Principal": {
                "AWS": "arn:aws:iam::123456789012:user/rollbook"
              },
              "Action": "sts:AssumeRole",
              "Condition": {
                "StringEquals": {
                  "sts:ExternalId": "7f1c"
                }
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn a_role_may_do_no_more_than_is_needed() {
        insta::assert_snapshot!(format!("{:#}", role("aws", "ABC123", "export/users_import/")), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "Locate",
              "Effect": "Allow",
              "Action": "s3:GetBucketLocation",
              "Resource": "arn:aws:s3:::ABC123"
            },
            {
              "Sid": "List",
              "Effect": "Allow",
              "Action": "s3:ListBucket",
              "Resource": "arn:aws:s3:::ABC123",
              "Condition": {
                "StringLike": {
                  "s3:prefix": [
                    "export/users_import/*"
                  ]
                }
              }
            },
            {
              "Sid": "Read",
              "Effect": "Allow",
              "Action": "s3:GetObject",
              "Resource": "arn:aws:s3:::ABC123/export/users_import/*"
            },
            {
              "Sid": "Write",
              "Effect": "Allow",
              "Action": "s3:PutObject",
              "Resource": "arn:aws:s3:::ABC123/export/users_import/processed/*"
            },
            {
              "Sid": "Delete",
              "Effect": "Allow",
              "Action": "s3:DeleteObject",
              "Resource": [
                "arn:aws:s3:::ABC123/export/users_import/current/*",
                "arn:aws:s3:::ABC123/export/users_import/processed/*"
              ]
            }
          ]
        }
        "#);
    }

    #[test]
    fn without_folders_the_bucket_is_ours() {
        let role = role("aws-cn", "drop", "");
        assert_eq!(role["Statement"][1]["Condition"]["StringLike"]["s3:prefix"][0], "*");
        assert_eq!(role["Statement"][3]["Resource"], "arn:aws-cn:s3:::drop/processed/*");
    }
}
