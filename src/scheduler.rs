//! What runs beside the doors: threads that run the imports that wait, and one that clears away what nobody needs, until
//! they are told to stop.
//!
//! Nothing that goes wrong with an import ends a thread. What the machine did to it is tried again, later and later.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::app::App;
use crate::error::{Error, Result};
use crate::worker::Worker;

/// How often we look for imports that other processes have queued. For those of this process the bell rings.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The longest pause after an import could not go on.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often we clear away.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The threads.
#[derive(Debug)]
pub struct Scheduler {
    worker: Arc<Worker>,
    threads: Vec<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts to run imports, of so many object types at once.
    pub fn start(app: &Arc<App>, worker: &Arc<Worker>, lanes: usize) -> Result<Scheduler> {
        let mut scheduler = Scheduler { worker: Arc::clone(worker), threads: Vec::with_capacity(lanes + 1) };
        for number in 1..=lanes {
            let (app, worker) = (Arc::clone(app), Arc::clone(worker));
            scheduler.spawn(format!("imports {number}"), move || run(&app, &worker))?;
        }
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
