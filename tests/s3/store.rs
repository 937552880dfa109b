//! The objects: s3s-fs, with what it lacks of S3.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex as Lock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;
use tokio::sync::Mutex;

use super::BUCKET;

/// The objects of a server.
pub(super) struct Store {
    files: FileSystem,
    root: PathBuf,
    /// Held by whoever changes an object, or looks at it for a condition.
    order: Mutex<()>,
    folders: Lock<BTreeSet<String>>,
    page: AtomicI32,
    ignores_conditions: AtomicBool,
    planted: AtomicU64,
}

/// A part of S3's protocol that is s3s's to answer.
pub(super) struct Shared(pub(super) Arc<Store>);

type Outcome<T> = S3Result<S3Response<T>>;

impl Store {
    pub(super) fn new(root: &Path) -> Store {
        Store {
            files: FileSystem::new(root).unwrap(),
            root: root.to_owned(),
            order: Mutex::default(),
            folders: Lock::default(),
            page: AtomicI32::new(1000),
            ignores_conditions: AtomicBool::new(false),
            planted: AtomicU64::new(0),
        }
    }

    pub(super) fn page(&self, size: i32) {
        self.page.store(size, Ordering::Relaxed);
    }

    pub(super) fn ignore_conditions(&self) {
        self.ignores_conditions.store(true, Ordering::Relaxed);
    }

    pub(super) fn plant_folder(&self, key: &str) {
        self.folders.lock().unwrap().insert(key.to_owned());
    }

    /// Writes an object at once, as if somebody else had sent it. Not to be called where requests are answered.
    pub(super) fn put(&self, key: &str, content: &[u8]) {
        let _order = self.order.blocking_lock();
        let path = self.root.join(BUCKET).join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let new = self.root.join(format!(".planted-{}", self.planted.fetch_add(1, Ordering::Relaxed)));
        fs::write(&new, content).unwrap();
        self.forget(key);
        fs::rename(new, path).unwrap();
    }

    pub(super) fn remove(&self, key: &str) {
        let _order = self.order.blocking_lock();
        fs::remove_file(self.root.join(BUCKET).join(key)).unwrap();
        self.forget(key);
    }

    /// Removes the entity tag that s3s-fs remembers of an object, also when the object is another one by now.
    fn forget(&self, key: &str) {
        let [bucket, key] = [BUCKET, key].map(|text| BASE64_URL_SAFE_NO_PAD.encode(text));
        let _ = fs::remove_file(self.root.join(format!(".bucket-{bucket}.object-{key}.internal.json")));
    }

    /// The entity tag and the time of an object that there is.
    async fn look(&self, key: &str) -> S3Result<(ETag, Timestamp)> {
        let input = HeadObjectInput::builder().bucket(BUCKET.to_owned()).key(key.to_owned()).build().unwrap();
        let found = self.files.head_object(alone(input)).await?.output;
        Ok((found.e_tag.unwrap(), whole_seconds(found.last_modified.unwrap())))
    }

    /// Whether the object, if there is one, is the one that is asked for.
    async fn hold(&self, key: &str, tag: Option<&ETagCondition>, since: Option<&Timestamp>) -> S3Result<()> {
        if self.ignores_conditions.load(Ordering::Relaxed) || (tag.is_none() && since.is_none()) {
            return Ok(());
        }
        let (found, modified) = self.look(key).await?;
        let holds = match (tag, since) {
            (Some(ETagCondition::ETag(tag)), _) => tag.strong_cmp(&found),
            (None, Some(since)) => modified <= *since,
            _ => true,
        };
        let message = "At least one of the pre-conditions you specified did not hold";
        if holds { Ok(()) } else { Err(S3Error::with_message(S3ErrorCode::PreconditionFailed, message)) }
    }

    /// The folders' own objects, which a file system does not have, among what is listed.
    fn add_folders(&self, prefix: &str, delimiter: Option<&str>, found: &mut ListObjectsV2Output) {
        for key in self.folders.lock().unwrap().iter().filter(|key| key.starts_with(prefix)) {
            let end = delimiter.and_then(|delimiter| key[prefix.len()..].find(delimiter));
            match end {
                Some(end) => {
                    let below = Some(key[..=prefix.len() + end].to_owned());
                    let prefixes = found.common_prefixes.get_or_insert_default();
                    if prefixes.iter().all(|known| known.prefix != below) {
                        prefixes.push(CommonPrefix { prefix: below });
                    }
                }
                None => {
                    let empty = ETag::Strong("d41d8cd98f00b204e9800998ecf8427e".to_owned());
                    found.contents.get_or_insert_default().push(Object {
                        key: Some(key.clone()),
                        size: Some(0),
                        e_tag: Some(empty),
                        last_modified: Some(Timestamp::from(UNIX_EPOCH)),
                        ..Object::default()
                    });
                }
            }
        }
    }
}

/// A request that nobody has sent.
fn alone<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: hyper::Method::GET,
        uri: hyper::Uri::default(),
        headers: hyper::HeaderMap::default(),
        extensions: hyper::http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

/// S3 knows no parts of seconds.
fn whole_seconds(time: Timestamp) -> Timestamp {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).unwrap();
    Timestamp::parse(TimestampFormat::HttpDate, &String::from_utf8(text).unwrap()).unwrap()
}

#[async_trait::async_trait]
impl S3 for Shared {
    async fn list_objects_v2(&self, mut request: S3Request<ListObjectsV2Input>) -> Outcome<ListObjectsV2Output> {
        let page = self.0.page.load(Ordering::Relaxed);
        request.input.max_keys = Some(request.input.max_keys.map_or(page, |keys| keys.min(page)));
        let input = request.input.clone();
        let mut response = self.0.files.list_objects_v2(request).await?;
        for object in response.output.contents.iter_mut().flatten() {
            // What is gone meanwhile was there when it was listed.
            let Ok((tag, modified)) = self.0.look(object.key.as_deref().unwrap_or_default()).await else { continue };
            (object.e_tag, object.last_modified) = (Some(tag), Some(modified));
        }
        if input.continuation_token.is_none() && input.start_after.is_none() {
            let prefix = input.prefix.unwrap_or_default();
            self.0.add_folders(&prefix, input.delimiter.as_deref(), &mut response.output);
        }
        Ok(response)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Outcome<GetObjectOutput> {
        let _order = self.0.order.lock().await;
        let input = &request.input;
        self.0.hold(&input.key, input.if_match.as_ref(), input.if_unmodified_since.as_ref()).await?;
        self.0.files.get_object(request).await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Outcome<HeadObjectOutput> {
        let _order = self.0.order.lock().await;
        let input = &request.input;
        self.0.hold(&input.key, input.if_match.as_ref(), input.if_unmodified_since.as_ref()).await?;
        self.0.files.head_object(request).await
    }

    async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> Outcome<PutObjectOutput> {
        if self.0.ignores_conditions.load(Ordering::Relaxed) {
            (request.input.if_match, request.input.if_none_match) = (None, None);
        }
        let _order = self.0.order.lock().await;
        self.0.files.put_object(request).await
    }

    async fn copy_object(&self, mut request: S3Request<CopyObjectInput>) -> Outcome<CopyObjectOutput> {
        let _order = self.0.order.lock().await;
        if self.0.ignores_conditions.load(Ordering::Relaxed) {
            request.input.copy_source_if_match = None;
            request.input.copy_source_if_unmodified_since = None;
        }
        self.0.files.copy_object(request).await
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Outcome<DeleteObjectOutput> {
        let _order = self.0.order.lock().await;
        let key = request.input.key.clone();
        self.0.hold(&key, request.input.if_match.as_ref(), None).await?;
        let response = self.0.files.delete_object(request).await?;
        self.0.forget(&key);
        self.0.folders.lock().unwrap().remove(&key);
        Ok(response)
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Outcome<DeleteObjectsOutput> {
        let _order = self.0.order.lock().await;
        let keys: Vec<String> = request.input.delete.objects.iter().map(|object| object.key.clone()).collect();
        let response = self.0.files.delete_objects(request).await?;
        keys.iter().for_each(|key| self.0.forget(key));
        Ok(response)
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> Outcome<GetBucketLocationOutput> {
        self.0.files.get_bucket_location(request).await
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Outcome<HeadBucketOutput> {
        self.0.files.head_bucket(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Outcome<CreateMultipartUploadOutput> {
        self.0.files.create_multipart_upload(request).await
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Outcome<UploadPartOutput> {
        self.0.files.upload_part(request).await
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Outcome<UploadPartCopyOutput> {
        self.0.files.upload_part_copy(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Outcome<CompleteMultipartUploadOutput> {
        let _order = self.0.order.lock().await;
        self.0.files.complete_multipart_upload(request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Outcome<AbortMultipartUploadOutput> {
        self.0.files.abort_multipart_upload(request).await
    }
}
