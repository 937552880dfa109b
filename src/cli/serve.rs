//! `rollbook serve`: the REST door and whoever runs what comes in.

use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use rollbook::access::Access;
use rollbook::error::{Error, Result};
use rollbook::http::{Door, Server, service};
use rollbook::scheduler::Scheduler;
use rollbook::worker::Worker;

use super::Verdict;
use super::context::Context;
use super::log;

/// Serve the REST API, and run imports as they come
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 picks one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

pub(crate) fn run(context: &mut Context, args: &ServeArgs) -> Result<Verdict> {
    log::start()?;
    let app = context.installation()?;
    let worker = Arc::new(Worker::new(Arc::clone(&app)));
    let access = Arc::new(Access::new(Arc::clone(&app)));
    let scheduler = Scheduler::start(Arc::clone(&worker), 2)?;
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Error::storage("the runtime could not start", error))?;
    let served = runtime.block_on(async {
        let server = Server::bind(args.listen).await?;
        // Behind the last thing that can go wrong: what is shown once must be seen.
        let administrator = access.admit_administrator(administrators_token()?.as_deref())?;
        context.out.line(format!("listening on http://{}", server.address()?))?;
        if let Some(token) = administrator {
            context.out.line(format!("admin token (shown once): {token}"))?;
        }
        context.out.flush()?;
        let stop = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        server.run(service(Door { app, worker, access }), stop).await
    });
    scheduler.stop();
    served?;
    Ok(Verdict::Good)
}

/// The token that the operator has chosen for the administrator.
fn administrators_token() -> Result<Option<String>> {
    let token = env::var_os("ROLLBOOK_ADMIN_TOKEN").map(OsString::into_string).transpose();
    token.map_err(|_| Error::request("ROLLBOOK_ADMIN_TOKEN is not UTF-8"))
}
