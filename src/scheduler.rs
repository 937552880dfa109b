//! What runs beside the doors, until it is told to stop: threads that run the imports that wait, one that has drop folders
//! looked at, one that makes callbacks, and one that clears away what nobody needs.
//!
//! Nothing that goes wrong with an import or a drop folder ends a thread. What the machine did to it is tried again, later
//! and later.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::app::App;
use crate::drop_folder::{DropFolders, Imports};
use crate::error::{Error, Kind, Result};
use crate::import::ImportId;
use crate::worker::Worker;

/// How often we look for imports that other processes have queued. For those of this process the bell rings.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The longest pause after an import could not go on, and the one after drop folders could not be looked up.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often we clear away.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How often we look which drop folders are due.
const TICK: Duration = Duration::from_millis(250);

/// The threads.
#[derive(Debug)]
pub struct Scheduler {
    worker: Arc<Worker>,
    threads: Vec<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts to run imports, of so many object types at once, and to look at drop folders.
    pub fn start(
        app: &Arc<App>,
        worker: &Arc<Worker>,
        drop_folders: &Arc<DropFolders>,
        lanes: usize,
    ) -> Result<Scheduler> {
        let mut scheduler = Scheduler { worker: Arc::clone(worker), threads: Vec::with_capacity(lanes + 3) };
        for number in 1..=lanes {
            let (app, worker) = (Arc::clone(app), Arc::clone(worker));
            scheduler.spawn(format!("imports {number}"), move || run(&app, &worker))?;
        }
        let lanes = Lanes { app: Arc::clone(app), worker: Arc::clone(worker) };
        let folders = Arc::clone(drop_folders);
        scheduler.spawn("drop folders".to_owned(), move || look_at_drop_folders(&folders, &lanes))?;
        let (folders, told) = (Arc::clone(drop_folders), Arc::clone(worker));
        scheduler.spawn("callbacks".to_owned(), move || folders.keep_delivering(&|| told.is_stopping()))?;
        let (app, worker) = (Arc::clone(app), Arc::clone(worker));
        scheduler.spawn("sweeper".to_owned(), move || sweep(&app, &worker))?;
        Ok(scheduler)
    }

    fn spawn(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name).spawn(work);
        self.threads.push(thread.map_err(|error| Error::storage("a thread for imports could not start", error))?);
        Ok(())
    }

    /// Stops after the current rounds, and waits for that.
    pub fn stop(self) {
        self.worker.stop();
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

/// Runs what waits, until the worker is told to stop.
fn run(app: &App, worker: &Worker) {
    let mut pause = LOOK_AGAIN;
    while !worker.is_stopping() {
        let heard = app.bell.rings();
        match worker.run_waiting() {
            // Something may have been queued for a type whose imports were just over.
            Ok(1..) => pause = LOOK_AGAIN,
            Ok(0) => {
                pause = LOOK_AGAIN;
                app.bell.wait(heard, pause);
            }
            Err(error) => {
                tracing::error!(%error, "an import could not go on; it is tried again");
                app.bell.wait(heard, pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The threads that run imports, as a look at a drop folder sees them.
struct Lanes {
    app: Arc<App>,
    worker: Arc<Worker>,
}

impl Imports for Lanes {
    fn wait(&self, import: ImportId) -> Result<()> {
        while !self.worker.is_stopping() {
            let heard = self.app.bell.rings();
            match self.app.import(import) {
                Ok(import) if import.state.end().is_some() => break,
                Ok(import) => match self.worker.trouble_of(import.id) {
                    Some(trouble) => return Err(trouble),
                    None => self.app.bell.wait(heard, LOOK_AGAIN),
                },
                // Somebody has deleted its record.
                Err(error) if error.kind() == Kind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.worker.is_stopping()
    }
}

/// Has every drop folder looked at when it is due, each in a thread of its own, so that none waits for another.
fn look_at_drop_folders(folders: &DropFolders, lanes: &Lanes) {
    thread::scope(|scope| {
        while !lanes.worker.is_stopping() {
            let heard = lanes.app.bell.rings();
            let (begun, pause) = match folders.begin_due() {
                Ok(begun) => (begun, TICK),
                Err(error) => {
                    tracing::error!(%error, "the drop folders could not be looked up");
                    (Vec::new(), LONGEST_PAUSE)
                }
            };
            for name in begun {
                let thread = thread::Builder::new().name(format!("look at {name}"));
                let named = name.clone();
                if let Err(error) = thread.spawn_scoped(scope, move || folders.look(&named, lanes)) {
                    folders.give_up_look(&name, &Error::storage("a thread for a drop folder could not start", error));
                }
            }
            lanes.app.bell.wait(heard, pause);
        }
    });
}

fn sweep(app: &App, worker: &Worker) {
    while !worker.is_stopping() {
        if let Err(error) = app.sweep() {
            tracing::warn!(%error, "what is not needed any more could not be cleared away");
        }
        let next = Instant::now() + SWEEP_EVERY;
        loop {
            let heard = app.bell.rings();
            let left = next.saturating_duration_since(Instant::now());
            if worker.is_stopping() || left.is_zero() {
                break;
            }
            app.bell.wait(heard, left);
        }
    }
}
