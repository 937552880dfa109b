//! The shapes of the answers about imports, for the description of the routes. Others write them.
#![expect(dead_code, reason = "only described, never made")]

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::Object;

/// What is known of an import. PingIDM's members come first, then ours.
#[derive(ToSchema)]
pub(in crate::http) struct MetadataRecord {
    /// The import's id, a UUID.
    #[schema(rename = "_id")]
    id: String,
    /// The record's revision: 16 hexadecimal digits.
    #[schema(rename = "_rev")]
    rev: String,
    /// The columns of the file.
    header: Vec<String>,
    /// Not before the import has begun.
    #[schema(required = false, rename = "reconId")]
    recon_id: Option<String>,
    /// The file's own name.
    filename: String,
    /// The object type.
    #[schema(rename = "resourcePath")]
    resource_path: String,
    /// Records in the file.
    total: u64,
    /// `created`, `updated` and `unchanged` together.
    success: u64,
    /// Records that were refused.
    failure: u64,
    /// Records that made an object.
    created: u64,
    /// Records that changed an object.
    updated: u64,
    /// Records that equal their object.
    unchanged: u64,
    /// When the import was accepted.
    begin: String,
    /// When it was over; not before.
    #[schema(required = false)]
    end: Option<String>,
    /// Whether it was stopped.
    cancelled: bool,
    /// Always false: a deleted record is gone.
    #[schema(rename = "importDeleted")]
    import_deleted: bool,
    /// Records of the file as long as it is kept.
    #[schema(rename = "tempRecords")]
    temp_records: u64,
    /// Whether the file was removed.
    #[schema(rename = "purgedTempRecords")]
    purged_temp_records: bool,
    /// Whether the failures were removed.
    #[schema(rename = "purgedErrorRecords")]
    purged_error_records: bool,
    /// Who asked for it.
    #[schema(rename = "authId")]
    auth_id: String,
    /// Where that name is known.
    #[schema(rename = "authzComponent")]
    authz_component: String,
    /// `queued`, `running`, `finished`, `failed` or `cancelled`.
    state: String,
    /// Records without an outcome.
    unprocessed: u64,
    /// `upload`, `cli` or `drop-folder`.
    origin: String,
    /// The drop folder that the file was taken from, if it was.
    #[schema(required = false, rename = "dropFolder")]
    drop_folder: Option<String>,
    /// The date of its partition there, as 20210228.
    #[schema(required = false)]
    partition: Option<String>,
    /// What the objects are for, if the drop folder says it.
    #[schema(required = false)]
    destination: Option<DestinationRecord>,
    /// Whether nothing was to be changed.
    #[schema(rename = "dryRun")]
    dry_run: bool,
    /// Who stopped it, if it was stopped and that is known.
    #[schema(required = false, rename = "cancelledBy")]
    cancelled_by: Option<String>,
    /// Why the file as a whole was refused.
    #[schema(required = false)]
    problem: Option<Object>,
    /// What was odd and no error.
    #[schema(required = false)]
    warnings: Option<Vec<String>>,
    /// How far the import is while it runs; promises nothing.
    #[schema(required = false)]
    progress: Option<Progress>,
}

/// What the objects of a drop folder are for.
#[derive(ToSchema)]
#[schema(as = Destination)]
pub(in crate::http) struct DestinationRecord {
    /// The product.
    product: String,
    /// Its channel.
    channel: String,
    /// Its environment.
    environment: String,
}

/// How far an import is.
#[derive(ToSchema)]
pub(in crate::http) struct Progress {
    /// Records in the file; 0 while that is not known.
    total: u64,
    /// Records that have an outcome, committed or not.
    applied: u64,
}

/// A page of metadata records.
#[derive(ToSchema)]
pub(in crate::http) struct MetadataRecords {
    result: Vec<MetadataRecord>,
    #[schema(inline)]
    #[serde(flatten)]
    page: PageMembers,
}

/// A page of failures.
#[derive(ToSchema)]
pub(in crate::http) struct FailureRecords {
    result: Vec<FailureRecord>,
    #[schema(inline)]
    #[serde(flatten)]
    page: PageMembers,
}

/// What every page says of itself.
#[derive(ToSchema)]
pub(in crate::http) struct PageMembers {
    /// How many records are on the page, or with `_countOnly` how many there are.
    #[schema(rename = "resultCount")]
    result_count: u64,
    /// Where the next page begins; null on the last one.
    #[schema(required = true, rename = "pagedResultsCookie")]
    paged_results_cookie: Option<String>,
    /// `EXACT` if `totalPagedResults` was asked for.
    #[schema(rename = "totalPagedResultsPolicy")]
    total_paged_results_policy: String,
    /// How many records there are on all pages; -1 if that was not asked for.
    #[schema(rename = "totalPagedResults")]
    total_paged_results: i64,
    /// Always -1.
    #[schema(rename = "remainingPagedResults")]
    remaining_paged_results: i64,
}

/// A record that was refused.
#[derive(ToSchema)]
pub(in crate::http) struct FailureRecord {
    /// Its row as a spreadsheet shows it.
    row: u64,
    /// Its cells by the columns of the file.
    record: BTreeMap<String, String>,
    /// Cells behind the last column.
    #[schema(required = false)]
    surplus: Option<Vec<String>>,
    /// Why it was refused, as PingIDM says it.
    problem: Object,
    /// The same, violation by violation.
    violations: Vec<ViolationRecord>,
}

/// What a value does not meet.
#[derive(ToSchema)]
pub(in crate::http) struct ViolationRecord {
    /// The column of the file, if it has one for the property.
    #[schema(required = false)]
    column: Option<String>,
    /// The property.
    property: String,
    /// The requirement, such as `REQUIRED`.
    requirement: String,
    /// What the requirement says.
    #[schema(required = false)]
    params: Option<Object>,
    /// The value.
    #[schema(required = false)]
    value: Option<String>,
    /// A sentence.
    message: String,
}

/// What an action was answered with.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum Acted {
    /// It was done.
    Done(Done),
    /// `apply`: the import that it made.
    Applied(ImportIds),
}

/// An action was done.
#[derive(ToSchema)]
pub(in crate::http) struct Done {
    /// `OK`.
    status: String,
}

/// Ids of imports.
#[derive(ToSchema)]
pub(in crate::http) struct ImportIds {
    /// One for each.
    #[schema(rename = "importUUIDs")]
    import_uuids: Vec<String>,
}
