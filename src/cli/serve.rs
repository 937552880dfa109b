//! `rollbook serve`: the REST door and whoever runs what comes in.

use std::env;
use std::ffi::OsString;
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rollbook::access::Access;
use rollbook::console;
use rollbook::drop_folder::DropFolders;
use rollbook::error::{Error, Kind, Result};
use rollbook::http::{self, Door, Manners, Server};
use rollbook::scheduler::Scheduler;
use rollbook::worker::Worker;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::Verdict;
use super::context::Context;
use super::log;

/// How many object types imports are run of at a time: as many as keep two cores busy while one waits for the disk.
const LANES: usize = 2;

/// Threads that block, beside one for each connection: files, name look-ups, questions to an issuer.
const SPARE_THREADS: usize = 64;

/// How long work may go on that was begun for requests which nobody waits for any more.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// Serve the REST API, and run imports as they come
///
/// The first line printed says where the service listens. It ends when it is sent SIGTERM or SIGINT: requests are
/// answered to their end, imports stop where the next start goes on with them. A second signal ends it at once.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 picks one [default: server.listen of the settings, which is 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
}

pub(crate) fn run(context: &mut Context, args: ServeArgs) -> Result<Verdict> {
    log::start()?;
    if let Some(listen) = args.listen {
        context.config.listen_at(listen, "--listen");
    }
    // A slow reader of a long answer holds a thread; with one for each connection nobody waits for them.
    let threads = context.config.server.max_connections + SPARE_THREADS;
    let runtime = Builder::new_multi_thread().enable_all().max_blocking_threads(threads).build();
    let runtime = runtime.map_err(|error| Error::storage("the runtime could not start", error))?;
    let server = runtime.block_on(Server::bind(&context.config.server))?;
    let app = context.installation()?;
    let Some(_place) = app.repository.claim_service()? else {
        let data = context.config.data.display();
        return Err(Error::conflict(format!("another 'rollbook serve' works with '{data}' already")));
    };
    match app.spool.check() {
        // What keeps it from being reached may pass; imports wait for it.
        Err(error) if error.kind() != Kind::Conflict => tracing::warn!(%error, "the spool cannot be used yet"),
        checked => checked?,
    }
    let worker = Arc::new(Worker::new(Arc::clone(&app)));
    let access = Arc::new(Access::new(Arc::clone(&app)));
    let drop_folders = Arc::new(DropFolders::new(Arc::clone(&app))?);
    drop_folders.check()?;
    // Before anybody can ask: to look at them changes nothing.
    drop_folders.make_up_all()?;
    // Whoever reads that we listen may also stop us.
    let stop = runtime.block_on(async { told_to_stop(Arc::clone(&worker)) })?;
    // Behind the last thing that can go wrong: what is shown once must be seen.
    let administrator = access.admit_administrator(administrators_token()?.as_deref())?;
    context.out.line(format!("listening on {}", server.url()?))?;
    if let Some(token) = administrator {
        context.out.line(format!("admin token (shown once): {token}"))?;
    }
    context.out.flush()?;
    let scheduler = Scheduler::start(&app, &worker, &drop_folders, LANES)?;
    let door = Door { app, worker, access, drop_folders };
    let manners = Manners::new(&door);
    let service = console::pages(&door, &manners).fallback_service(http::service(door, &manners));
    runtime.block_on(server.run(service, stop));
    scheduler.stop();
    runtime.shutdown_timeout(LEFTOVERS);
    Ok(Verdict::Good)
}

/// Waits for SIGTERM or SIGINT. Imports are told to stop at once; whoever cannot wait for them signals again.
fn told_to_stop(worker: Arc<Worker>) -> Result<impl Future<Output = ()>> {
    let deaf = |error| Error::storage("the service could not be made to hear signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(deaf)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(deaf)?;
    let (told, stop) = oneshot::channel();
    tokio::spawn(async move {
        let mut hear = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        hear().await;
        tracing::info!("stopping");
        worker.stop();
        drop(told);
        hear().await;
        exit(2);
    });
    Ok(async {
        let _: Result<(), _> = stop.await;
    })
}

/// The token that the operator has chosen for the administrator.
fn administrators_token() -> Result<Option<String>> {
    let token = env::var_os("ROLLBOOK_ADMIN_TOKEN").map(OsString::into_string).transpose();
    token.map_err(|_| Error::request("ROLLBOOK_ADMIN_TOKEN is not UTF-8"))
}
