//! `[upload]`: how much may be sent at once.

use serde::Deserialize;

use super::values::Values;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UploadSection {
    max_size: Option<String>,
    max_records: Option<u64>,
}

/// What `[upload]` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSettings {
    /// The most bytes that the files of one request may have together; 0 is no limit.
    pub max_size: u64,
    /// The most records that a file may have; 0 is no limit.
    pub max_records: u64,
}

impl UploadSection {
    pub(super) fn read(self, values: &mut Values) -> UploadSettings {
        UploadSettings {
            // PingIDM's limit.
            max_size: values.size("upload.max_size", self.max_size.as_deref(), 50 << 20),
            max_records: self.max_records.unwrap_or(0),
        }
    }
}
