//! What runs beside the doors: threads that run the imports that wait, until they are told to stop.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::worker::Worker;

/// How often we look for imports that other processes have queued.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The threads.
#[derive(Debug)]
pub struct Scheduler {
    worker: Arc<Worker>,
    lanes: Vec<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts to run imports, of so many object types at once.
    pub fn start(worker: Arc<Worker>, lanes: usize) -> Result<Scheduler> {
        let lane = |number: usize| {
            let worker = Arc::clone(&worker);
            let lane = thread::Builder::new().name(format!("imports {number}"));
            let lane = lane.spawn(move || run(&worker));
            lane.map_err(|error| Error::storage("a thread for imports could not start", error))
        };
        let lanes = (1..=lanes).map(lane).collect::<Result<_>>()?;
        Ok(Scheduler { worker, lanes })
    }

    /// Stops after the current rounds, and waits for that.
    pub fn stop(self) {
        self.worker.stop();
        for lane in self.lanes {
            let _ = lane.join();
        }
    }
}

fn run(worker: &Worker) {
    while !worker.is_stopping() {
        match worker.run_waiting() {
            Ok(0) | Err(_) => thread::sleep(LOOK_AGAIN),
            Ok(_) => {}
        }
    }
}
