//! The bucket of a spool.
//!
//! The bytes of an import are one file, `ID.DIGEST.csv`, whose name has the BLAKE3 digest of the bytes: who reads them
//! back knows that they are those that were put there, whatever the store says of them. What a killed process left behind
//! of a file in several parts is no file and is not seen; a rule of the bucket's life cycle removes it.

use std::fmt;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Incoming;
use super::identity::{self, IDENTITY};
use crate::bucket::Listed;
use crate::bucket::credentials::Credentials;
use crate::bucket::reach::Reach;
use crate::bucket::s3::{S3, Spot, prefix};
use crate::config::SpoolBucket;
use crate::error::{Error, Kind, Result};
use crate::import::ImportId;
use crate::outbound::Outbound;

/// How often a file is put or fetched, beside what is repeated of each request.
const ATTEMPTS: u32 = 3;

/// The pause before it is tried again; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How often it is looked for what nobody needs.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// The file that is written to see what time it is for the store.
const TIME: &str = "rollbook.time";

/// See the module's head.
pub(super) struct Remote {
    settings: SpoolBucket,
    outbound: Outbound,
    opened: OnceLock<S3>,
    /// What the identity file has to say, and whether it was seen to.
    identity: OnceLock<String>,
    is_known: OnceLock<()>,
    swept: Mutex<Option<Instant>>,
}

/// The bytes of an import, as they lie in the bucket.
pub(super) struct Stored {
    pub(super) import: ImportId,
    pub(super) modified: Option<Timestamp>,
    digest: String,
    file: Listed,
}

impl Stored {
    fn of(file: Listed) -> Option<Stored> {
        let (id, digest) = file.key.strip_suffix(".csv")?.split_once('.')?;
        let (import, digest) = (id.parse().ok()?, digest.to_owned());
        Some(Stored { import, modified: file.version.modified.parse().ok(), digest, file })
    }
}

impl Remote {
    pub(super) fn new(settings: &SpoolBucket) -> Result<Remote> {
        Ok(Remote {
            settings: settings.clone(),
            outbound: Outbound::new()?,
            opened: OnceLock::new(),
            identity: OnceLock::new(),
            is_known: OnceLock::new(),
            swept: Mutex::default(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.settings.url
    }

    /// From now on the bucket is used only if its identity file says this.
    pub(super) fn expect(&self, identity: &str) {
        let _ = self.identity.set(identity.to_owned());
    }

    pub(super) fn check(&self) -> Result<()> {
        self.patiently(|| self.s3().map(|_| ()))
    }

    /// The bucket, which is the one that the installation's other processes use.
    fn s3(&self) -> Result<&S3> {
        let s3 = self.unchecked()?;
        if let (None, Some(expected)) = (self.is_known.get(), self.identity.get()) {
            identity::expect(self.url(), self.found_identity()?.as_deref(), expected)?;
            let _ = self.is_known.set(());
        }
        Ok(s3)
    }

    fn unchecked(&self) -> Result<&S3> {
        if let Some(s3) = self.opened.get() {
            return Ok(s3);
        }
        let SpoolBucket { name, folders, s3, key, .. } = &self.settings;
        let reach = Reach {
            client: self.outbound.client(true)?,
            runtime: self.outbound.runtime.handle().clone(),
            allow_private: true,
            identity: None,
        };
        let spot = Spot { bucket: name, prefix: prefix(folders, ""), settings: s3 };
        let opened = S3::open(spot, |_| Ok(Credentials::keys(key.clone())), &reach)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    pub(super) fn read_identity(&self) -> Result<Option<String>> {
        self.patiently(|| self.found_identity())
    }

    fn found_identity(&self) -> Result<Option<String>> {
        let s3 = self.unchecked()?;
        let Some(version) = s3.look(IDENTITY)? else { return Ok(None) };
        let mut content = Vec::new();
        s3.read(IDENTITY, &version, &mut |piece| {
            content.extend_from_slice(&piece);
            Ok(())
        })?;
        Ok(Some(String::from_utf8_lossy(&content).into_owned()))
    }

    pub(super) fn write_identity(&self, content: &str) -> Result<()> {
        self.patiently(|| self.unchecked()?.write(IDENTITY, content.len() as u64, &mut content.as_bytes()))
    }

    /// The bytes of an import, if they are there.
    fn find(&self, id: ImportId) -> Result<Option<Stored>> {
        let found = self.patiently(|| self.s3()?.starting_with(&format!("{id}.")))?;
        Ok(found.into_iter().find_map(Stored::of))
    }

    pub(super) fn is_whole(&self, id: ImportId, size: u64) -> Result<bool> {
        Ok(self.find(id)?.is_some_and(|stored| stored.file.version.size == size))
    }

    /// Puts the bytes of an import into the bucket, whole or not at all.
    pub(super) fn put(&self, id: ImportId, path: &Path) -> Result<()> {
        let open = || {
            let failed = |error| Error::storage("the file could not be read after it was spooled", error);
            File::open(path).map_err(failed)
        };
        let mut hasher = blake3::Hasher::new();
        let hashed = hasher.update_reader(open()?);
        hashed.map_err(|error| Error::storage("the file could not be read after it was spooled", error))?;
        let (size, key) = (hasher.count(), format!("{id}.{}.csv", hasher.finalize().to_hex()));
        self.patiently(|| self.s3()?.write(&key, size, &mut open()?))
    }

    /// Copies the bytes of an import from the bucket.
    pub(super) fn fetch(&self, id: ImportId, copy: &mut Incoming) -> Result<()> {
        let Some(Stored { digest, file, .. }) = self.find(id)? else {
            return Err(Error::new(Kind::Storage, format!("the spool '{}' has no file of import {id}", self.url())));
        };
        self.patiently(|| {
            let failed = |error| Error::storage("the spooled file could not be brought back", error);
            let rewound = copy.file.set_len(0).and_then(|()| copy.file.seek(SeekFrom::Start(0)));
            rewound.map_err(failed)?;
            let mut hasher = blake3::Hasher::new();
            self.s3()?.read(&file.key, &file.version, &mut |piece| {
                hasher.update(&piece);
                copy.write(&piece)
            })?;
            match hasher.finalize().to_hex().as_str() == digest {
                true => Ok(()),
                false => {
                    let key = &file.key;
                    Err(Error::new(Kind::Busy, format!("'{key}' came in with other bytes than were put there")))
                }
            }
        })
    }

    /// Removes the bytes of an import, if they are there.
    pub(super) fn remove(&self, id: ImportId) -> Result<()> {
        self.patiently(|| {
            let s3 = self.s3()?;
            s3.starting_with(&format!("{id}."))?.iter().try_for_each(|file| s3.delete(&file.key, &file.version))
        })
    }

    /// Removes what was put there for an import that is not to be. If that fails it is swept away some day.
    pub(super) fn give_up(self: Arc<Remote>, id: ImportId) {
        let removing = std::thread::Builder::new().name("spool clean-up".into()).spawn(move || {
            if let Err(error) = self.remove(id) {
                tracing::warn!(import = %id, %error, "spooled bytes could not be removed yet");
            }
        });
        // A command that has nothing else to do must not end before.
        let _ = removing.map(std::thread::JoinHandle::join);
    }

    /// All that lies in the bucket, if it was not looked at lately.
    pub(super) fn listed(&self) -> Result<Vec<Stored>> {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_some_and(|swept| swept.elapsed() < SWEEP_EVERY) {
            return Ok(Vec::new());
        }
        let found = self.patiently(|| self.s3()?.starting_with(""))?;
        *swept = Some(Instant::now());
        Ok(found.into_iter().filter_map(Stored::of).collect())
    }

    /// What time it is for the store.
    pub(super) fn now(&self) -> Result<Option<Timestamp>> {
        self.patiently(|| {
            let s3 = self.s3()?;
            s3.write(TIME, 0, &mut [].as_slice())?;
            Ok(s3.look(TIME)?.and_then(|version| version.modified.parse().ok()))
        })
    }

    /// Tries a few times what may pass. What remains may pass too, as far as imports are concerned: it is no fault of
    /// theirs.
    fn patiently<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            match work() {
                Err(error) if error.kind() == Kind::Busy && attempt < ATTEMPTS => sleep(pause),
                Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NoRoom) => return Err(error),
                done => return done.map_err(|error| self.told(&error)),
            }
            attempt += 1;
            pause *= 2;
        }
    }

    fn told(&self, error: &Error) -> Error {
        let kind = if error.kind() == Kind::Busy { Kind::Busy } else { Kind::Storage };
        let message = error.to_string();
        let named = format!("the spool '{}'", self.url());
        Error::new(kind, if message.starts_with(&named) { message } else { format!("{named}: {message}") })
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.settings.url).finish_non_exhaustive()
    }
}
