//! `/upload/csv/TYPE`: files in, an import for each out.
//!
//! The bytes are passed on as they come in; what becomes of them is for the [`App`](crate::app::App) to know. An upload is
//! answered as soon as it is clear that it is refused, else once its imports are queued for good. It never waits for them
//! to run.

mod disposition;
mod parts;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde_json::json;
use utoipa::ToSchema;

use self::parts::{FRAME, Part, Parts};
use super::Door;
use super::addressing::{Addressed, TypeParameter};
use super::answer::Answer;
use super::params::Params;
use super::patience::LastStep;
use super::problem::{Problem, ProblemBody};
use crate::access::{Principal, Role};
use crate::app::{self, Receiving};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::plan::{BlankCells, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan};
use crate::schema::TypeName;

/// The parameters that there are.
const PARAMETERS: [&str; 6] = ["uniqueProperty", "dryRun", "atomic", "blankCells", "dateFormat", "timeZone"];

/// The files: every part with a file name is one, whatever the part is called.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the form in the description of the routes")]
pub(super) struct UploadForm {
    /// CSV files, plain or gzip, each with the names of properties in its first row.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1)]
    upload: Vec<Vec<u8>>,
}

/// What an upload became.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "stands for the JSON in the description of the routes")]
pub(super) struct Uploaded {
    /// The id of an import for each file, in the order of the files.
    #[schema(rename = "importUUIDs")]
    import_uuids: Vec<String>,
}

/// Upload files, each of which becomes an import.
///
/// All files are taken or none. What is wrong with one as a whole (its header, its structure) is answered here; what is
/// wrong with single records is told by the import.
#[utoipa::path(
    post, path = "/upload/csv/managed/{type}", tag = "imports",
    params(
        TypeParameter,
        ("uniqueProperty" = String, Query, description = "The properties that together find the existing object, \
            separated by commas", example = "userName"),
        ("dryRun" = Option<bool>, Query, description = "Report what would happen, and change nothing"),
        ("atomic" = Option<bool>, Query, description = "Import nothing of a file in which a record fails"),
        ("blankCells" = Option<String>, Query, description = "What an empty cell means: clear removes the property, keep \
            leaves it as it is"),
        ("dateFormat" = Option<Vec<String>>, Query, description = "How dates are written, as a Java pattern; also \
            iso8601, epoch_s and epoch_ms. Of several, the first that fits is taken"),
        ("timeZone" = Option<String>, Query, description = "The time zone of dates that name none"),
        ("Idempotency-Key" = Option<String>, Header, description = "With it, a request that is sent again is answered \
            as before, and nothing is imported twice"),
    ),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The imports that wait now", body = Uploaded),
        (status = 400, description = "A parameter, the form or a file is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object type", body = ProblemBody),
        (status = 409, description = "The Idempotency-Key was used for another request, or the \
            request that it was sent with before is not answered yet", body = ProblemBody),
        (status = 413, description = "The files are larger than is allowed", body = ProblemBody),
        (status = 415, description = "The body is encoded", body = ProblemBody),
        (status = 507, description = "The disk is full", body = ProblemBody),
    ),
)]
pub(super) async fn upload(
    State(door): State<Door>,
    principal: Principal,
    Addressed { object_type, .. }: Addressed,
    params: Params,
    Extension(last_step): Extension<LastStep>,
    request: Request,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    let (head, body) = request.into_parts();
    let uploading = Uploading::new(&head.headers, body, door.app.config.upload.max_size)?;
    let asked = head.uri.path_and_query().map_or("", |asked| asked.as_str());
    let keyed = idempotency_key(&head.headers)?.map(|key| app::Request { key, asked: asked.to_owned() });
    let receiving = door
        .run(move |door| {
            principal.object_type(&door.app, &object_type)?;
            door.app.receive(plan(object_type, &params, &principal, &door.app.config)?, keyed)
        })
        .await?;
    let receiving = uploading.receive(&door, receiving).await?;
    last_step.begin();
    let ids = door.run(move |_| receiving.queue()).await?;
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    Ok(Answer::json(json!({ "importUUIDs": ids })))
}

/// The answer to an upload to what is no object type.
pub(super) async fn upload_elsewhere(principal: Principal, Path(name): Path<String>) -> Problem {
    let name = principal.must_be(Role::Importer).and_then(|()| name.parse::<TypeName>());
    name.map_or_else(|error| error, |name| Error::request(format!("write the path as /upload/csv/{name}"))).into()
}

/// A form with files that comes in.
pub(crate) struct Uploading {
    parts: Parts,
    /// A file that has begun and nobody was told of.
    begun: Option<String>,
    /// Bytes of files that came.
    size: u64,
    max_size: u64,
}

impl Uploading {
    /// A form that is the body of a request with these headers. Of no limit if `max_size` is 0.
    ///
    /// # Errors
    /// What can be seen to be wrong before a byte of the body was read.
    pub(crate) fn new(headers: &HeaderMap, body: Body, max_size: u64) -> Result<Uploading, Problem> {
        let boundary = boundary(headers)?;
        refuse_early(headers, max_size)?;
        Ok(Uploading { parts: Parts::new(body, boundary), begun: None, size: 0, max_size })
    }

    /// The fields in front of the first file, which has begun then.
    pub(crate) async fn fields(&mut self) -> Result<Params> {
        let mut fields = Vec::new();
        while let Some(part) = self.parts.next().await? {
            match part {
                Part::Field { name, value } => match str::from_utf8(&value) {
                    Ok(value) => fields.push((name, value.to_owned())),
                    Err(_) => return Err(Error::request(format!("the field '{name}' is not UTF-8"))),
                },
                Part::File(name) => {
                    self.begun = Some(name);
                    break;
                }
            }
        }
        Ok(Params::of_pairs(fields))
    }

    /// The name of the file that has begun and was not passed on.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.begun.as_deref()
    }

    /// Passes the files on. On every way out but the good one the receiving is dropped where that may block, and before
    /// the answer: nothing is left then.
    pub(crate) async fn receive(mut self, door: &Door, mut receiving: Receiving) -> Result<Receiving, Problem> {
        loop {
            match self.next().await {
                Ok(Some(piece)) => receiving = door.run(move |_| pass_on(receiving, piece)).await?,
                Ok(None) => return Ok(receiving),
                Err(error) => {
                    return door
                        .run(move |_| {
                            drop(receiving);
                            Err(error)
                        })
                        .await;
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(name) = self.begun.take() {
            return Ok(Some(Piece::File(name)));
        }
        if let Some(bytes) = self.parts.piece().await? {
            self.size += bytes.len() as u64;
            let is_too_large = self.max_size > 0 && self.size > self.max_size;
            return if is_too_large { Err(too_large(self.max_size)) } else { Ok(Some(Piece::Bytes(bytes))) };
        }
        while let Some(part) = self.parts.next().await? {
            if let Part::File(name) = part {
                return Ok(Some(Piece::File(name)));
            }
        }
        Ok(None)
    }
}

/// What comes in of files.
enum Piece {
    /// A file of this name begins.
    File(String),
    Bytes(Bytes),
}

fn pass_on(mut receiving: Receiving, piece: Piece) -> Result<Receiving> {
    match piece {
        Piece::File(name) => receiving.begin_file(name)?,
        Piece::Bytes(bytes) => receiving.write(bytes)?,
    }
    Ok(receiving)
}

/// What the parameters ask for.
fn plan(object_type: TypeName, params: &Params, principal: &Principal, config: &Config) -> Result<Plan> {
    params.must_be_of(&PARAMETERS)?;
    let correlation: Vec<String> =
        params.all("uniqueProperty").flat_map(|list| list.split(',')).map(|path| path.trim().to_owned()).collect();
    if correlation.iter().all(|path| path.trim_matches('/').is_empty()) {
        let message = "the parameter 'uniqueProperty' is required: the properties, separated by commas, that together \
                       find the existing object";
        return Err(Error::request(message));
    }
    let blank_cells = match params.one("blankCells")? {
        None => BlankCells::Clear,
        Some(word) => word
            .parse()
            .map_err(|_| Error::request(format!("the parameter 'blankCells' is 'keep' or 'clear', not '{word}'")))?,
    };
    Ok(Plan {
        object_type,
        correlation,
        on_failure: if params.flag("atomic")? { OnFailure::RejectFile } else { OnFailure::SkipRecord },
        blank_cells,
        duplicate_keys: DuplicateKeys::FailLater,
        date_formats: params.all("dateFormat").map(str::to_owned).collect(),
        time_zone: params.one("timeZone")?.unwrap_or(&config.time_zone).to_owned(),
        max_records: config.upload.max_records,
        columns: ColumnRules::default(),
        null_token: None,
        create_missing: true,
        encoding: None,
        gzip_only: false,
        dropped: None,
        origin: Origin::Upload,
        caller: principal.caller(),
        dry_run: params.flag("dryRun")?,
    })
}

/// The boundary between the parts of the body.
fn boundary(headers: &HeaderMap) -> Result<String> {
    let send = "send files as parts of a form, as curl --form upload=@FILE does";
    let Some(media_type) = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes())) else {
        return Err(Error::request(format!("the request has no Content-Type: {send}")));
    };
    match multer::parse_boundary(&media_type) {
        Ok(boundary) if !boundary.is_empty() => Ok(boundary),
        Ok(_) | Err(multer::Error::NoBoundary) => {
            Err(Error::request(format!("the Content-Type '{media_type}' names no boundary")))
        }
        Err(_) => Err(Error::request(format!("the Content-Type is '{media_type}', not multipart/form-data: {send}"))),
    }
}

/// Refuses what can be seen to be wrong before a byte of the body was read.
fn refuse_early(headers: &HeaderMap, max_size: u64) -> Result<(), Problem> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()));
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let message =
            format!("the Content-Encoding '{encoding}' is not taken: send the form as it is; its files may be gzip");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if max_size > 0 && length > max_size.saturating_add(FRAME) => Err(too_large(max_size).into()),
        _ => Ok(()),
    }
}

fn too_large(max_size: u64) -> Error {
    let message = format!("the files of the request have more than {max_size} bytes, the most that is allowed");
    Error::new(Kind::TooLarge, message)
}

/// The word by which the client knows this request.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let key = match (keys.next(), keys.next()) {
        (None, _) => return Ok(None),
        (Some(key), None) => key.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Err(Error::request("the request has several headers 'Idempotency-Key'")),
    };
    match (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Some(key.to_owned())),
        false => Err(Error::request("the header 'Idempotency-Key' has 1 to 255 visible characters of ASCII")),
    }
}
