//! To be written: how a bucket lets us in (access keys, or a role that is assumed with the drop folder's ExternalId).
