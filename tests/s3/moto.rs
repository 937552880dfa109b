//! moto, which plays S3 and STS another time: `scripts/test` starts it and says where it is.

use std::env;
use std::process::Command;

/// A bucket of our own in moto.
pub(crate) struct Moto {
    /// `http://127.0.0.1:PORT`, S3 and STS in one.
    pub(crate) endpoint: String,
    /// The name of the bucket, which no other test has.
    pub(crate) bucket: String,
}

impl Moto {
    /// Given an empty bucket.
    pub(crate) fn new() -> Moto {
        let endpoint = env::var("ROLLBOOK_MOTO").unwrap_or_else(|_| {
            panic!("moto is needed here and ROLLBOOK_MOTO does not say where it is: run scripts/test")
        });
        let moto = Moto { endpoint, bucket: format!("exports-{}", uuid::Uuid::new_v4()) };
        moto.curl("", &["--request", "PUT"]);
        moto
    }

    /// Given an object.
    pub(crate) fn plant(&self, key: &str, content: &[u8]) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("object");
        std::fs::write(&file, content).unwrap();
        self.curl(key, &["--upload-file", file.to_str().unwrap()]);
    }

    /// Then this is the text of the object.
    pub(crate) fn text(&self, key: &str) -> String {
        self.curl(key, &[])
    }

    /// The keys of all objects, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let listing = self.curl("?list-type=2", &[]);
        let keys = listing.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned());
        let mut keys: Vec<String> = keys.collect();
        keys.sort();
        keys
    }

    fn curl(&self, path: &str, options: &[&str]) -> String {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--globoff", "--max-time", "60"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "anybody:anything"])
            .args(options)
            .arg(format!("{}/{}/{path}", self.endpoint, self.bucket))
            .output()
            .unwrap();
        assert!(output.status.success(), "moto, {path}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
