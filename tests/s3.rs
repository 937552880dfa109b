//! An S3 server for tests, which checks signatures and fails when it is told to.
//!
//! A test reads: given a bucket, and these files in it, when it is looked at, then those lie there.
//!
//! ```ignore
//! let s3 = S3Server::new();
//! s3.plant("export/users_import/current/dt=20210228/users.csv.gz", gzip("id\n1\n"));
//! s3.forbid("s3:DeleteObject", "export/users_import/current/");
//! let folder = drop_folder(&format!("... bucket = \"{BUCKET}/export\" ...{}", s3.settings()));
//! ```
//!
//! It is s3s-fs on a free port of 127.0.0.1, stopped with the test, with what that lacks of S3 and what tests need
//! added: entity tags in listings, conditions, times in whole seconds, rights, temporary keys, and a fate for each
//! request. The objects are files in a directory.

mod access;
mod fate;
mod itself;
pub(crate) mod moto;
mod signature;
mod store;
mod sts;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use self::access::Guests;
use self::fate::{Answer, answer};
use self::store::Store;

use crate::dropping::files;

pub(crate) use self::access::{KEY, SECRET};
pub(crate) use self::fate::{Fate, Request};
pub(crate) use self::moto::Moto;
pub(crate) use self::sts::Sts;

/// The one bucket of a server.
pub(crate) const BUCKET: &str = "exports";

/// A running server.
#[must_use]
pub(crate) struct S3Server {
    /// `http://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    directory: TempDir,
    house: Arc<House>,
    runtime: Option<Runtime>,
}

/// What all connections share.
struct House {
    s3: S3Service,
    store: Arc<Store>,
    guests: Arc<Guests>,
    decide: Mutex<Arc<Decide>>,
    log: Mutex<Vec<Request>>,
    /// How many requests there were when it was last said how to decide.
    counted: Mutex<usize>,
}

/// What becomes of a request.
type Decide = dyn Fn(&Request) -> Fate + Send + Sync;

impl S3Server {
    /// Given a server with an empty bucket, which lets in who has [`KEY`] and [`SECRET`].
    pub(crate) fn new() -> S3Server {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(BUCKET)).unwrap();
        let (store, guests) = (Arc::new(Store::new(directory.path())), Arc::new(Guests::new()));
        let mut s3 = S3ServiceBuilder::new(store::Shared(Arc::clone(&store)));
        s3.set_auth(access::Door(Arc::clone(&guests)));
        s3.set_access(access::Door(Arc::clone(&guests)));
        let house = Arc::new(House {
            s3: s3.build(),
            store,
            guests,
            decide: Mutex::new(Arc::new(|_: &Request| Fate::Done)),
            log: Mutex::default(),
            counted: Mutex::default(),
        });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(serve(listener, Arc::clone(&house)));
        S3Server { endpoint, directory, house, runtime: Some(runtime) }
    }

    /// The lines of a drop folder's settings that let it in with the access keys.
    pub(crate) fn settings(&self) -> String {
        format!(
            "s3 = {{ endpoint = \"{}\", region = \"us-east-1\" }}\naccess_key = {{ id = \"{KEY}\", secret = \"{SECRET}\" }}\n",
            self.endpoint
        )
    }

    /// Given an object, written now, in the place of what is there.
    pub(crate) fn plant(&self, key: &str, content: impl AsRef<[u8]>) {
        self.house.store.put(key, content.as_ref());
    }

    /// Given an object that somebody has removed.
    pub(crate) fn remove(&self, key: &str) {
        self.house.store.remove(key);
    }

    /// Given an empty object whose key ends with `/`, as consoles make them for folders.
    pub(crate) fn plant_folder(&self, key: &str) {
        self.house.store.plant_folder(key);
    }

    /// Given that listings come in pages of so many.
    pub(crate) fn page(&self, size: i32) {
        self.house.store.page(size);
    }

    /// Given a server that takes no notice of `If-Match` and its like, as some do.
    pub(crate) fn ignore_conditions(&self) {
        self.house.store.ignore_conditions();
    }

    /// Then this is the content of the object.
    #[track_caller]
    pub(crate) fn read(&self, key: &str) -> Vec<u8> {
        fs::read(self.path(key)).unwrap_or_else(|error| panic!("{key}: {error}; there are {:?}", self.keys()))
    }

    /// Then this is the text of the object.
    #[track_caller]
    pub(crate) fn text(&self, key: &str) -> String {
        String::from_utf8(self.read(key)).unwrap()
    }

    /// The keys of all objects, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        files(&self.path(""))
    }

    /// The file that an object is, or would be.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.directory.path().join(BUCKET).join(key)
    }

    /// Given that the right to an action (`s3:DeleteObject`, `s3:ListBucket`) on all keys that begin like this is missing.
    pub(crate) fn forbid(&self, action: &str, prefix: &str) {
        self.house.guests.forbid(action, prefix);
    }

    /// Given a temporary key that lets in for so long.
    pub(crate) fn let_in(&self, id: &str, secret: &str, token: &str, lifetime: Duration) {
        self.house.guests.let_in(id, secret, token, lifetime);
    }

    /// Given that every right is there again.
    pub(crate) fn allow_all(&self) {
        self.house.guests.allow_all();
    }

    /// Given that this says of each request from now on, the first of which is number 1, what becomes of it. It is asked
    /// before anything is done, and may take its time, or do what is to happen just then.
    pub(crate) fn decide(&self, decide: impl Fn(&Request) -> Fate + Send + Sync + 'static) {
        *self.house.counted.lock().unwrap() = self.house.log.lock().unwrap().len();
        *self.house.decide.lock().unwrap() = Arc::new(decide);
    }

    /// Given that every request is done and answered again.
    pub(crate) fn behave(&self) {
        self.decide(|_| Fate::Done);
    }

    /// The requests there were, whatever became of them.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.house.log.lock().unwrap().clone()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl House {
    /// Enters a request into the log, with its number.
    fn enter(&self, mut request: Request) -> (Request, Arc<Decide>) {
        let (decide, mut log) = (Arc::clone(&self.decide.lock().unwrap()), self.log.lock().unwrap());
        request.number = log.len() + 1 - *self.counted.lock().unwrap();
        log.push(request.clone());
        (request, decide)
    }
}

async fn serve(listener: TcpListener, house: Arc<House>) {
    while let Ok((stream, _)) = listener.accept().await {
        let house = Arc::clone(&house);
        let service = service_fn(move |request| undisturbed(Arc::clone(&house), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// What is begun is done, even if whoever asked for it is killed meanwhile.
async fn undisturbed(house: Arc<House>, request: hyper::Request<Incoming>) -> Answer {
    tokio::spawn(answer(house, request)).await?
}
