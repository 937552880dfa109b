//! Processes that are killed, at every request that they make and at random moments, and what the next one makes of
//! what they left: the same as one that nobody disturbed.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::stage::{Ending, Kind, Stage, users};
use crate::crash::{Dice, rounds, start};
use crate::database::Backend;
use crate::s3::Fate;

const POLL: &str = "drop-folder poll --all";

/// How many stages there are at a time. Most of the time goes by with waiting for partitions to settle.
const THREADS: usize = 6;

const SERVE: &str = "serve --listen 127.0.0.1:0";

/// Has something done with 1, 2, 3 and so on, on several threads, until it says that this is enough.
fn until_enough(attempt: impl Fn(u32) -> bool + Sync) -> u32 {
    let (next, is_enough) = (AtomicU32::new(1), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !is_enough.load(Ordering::Relaxed) {
                    if attempt(next.fetch_add(1, Ordering::Relaxed)) {
                        is_enough.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    next.into_inner()
}

/// Ends a process, which is told of as soon as it is started.
fn kill(victim: &OnceLock<u32>) {
    let id = victim.wait().to_string();
    assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
}

/// A partition of a good and a bad file and something else, dropped for the second time.
fn partition(kind: Kind) -> Stage {
    let mut stage = Stage::new(kind);
    stage.put("users_import/processed/20210228/status.txt", "SUCCESS\n1 records were uploaded\n");
    stage.put("users_import/processed/20210228/old.csv.gz", "old");
    stage.drop_csv("users_import", "20210228", "1_good.csv.gz", &users(0..50, 1));
    stage.drop_csv("users_import", "20210228", "2_bad.csv.gz", &users(0..9, 2).replace(",7,", ",seven,"));
    stage.put("users_import/current/dt=20210228/notes.txt", "ours");
    stage.mark("users_import", "20210228");
    stage
}

/// How a look ends that nobody disturbs, and how long it takes.
fn undisturbed(stage: &Stage) -> (Ending, Duration) {
    let begun = Instant::now();
    let _ = stage.folder.run(POLL).refused();
    let took = begun.elapsed();
    (stage.ending("undisturbed"), took)
}

/// Kills a look at its `n`th request, before or after that is done; says whether there was no such request.
fn survives(n: u32, is_done: bool, undisturbed: &Ending) -> bool {
    let stage = partition(Kind::S3);
    let s3 = stage.s3.as_ref().unwrap();
    let victim = Arc::new(OnceLock::new());
    let ours = Arc::clone(&victim);
    s3.decide(move |request| {
        let ours = Arc::clone(&ours);
        match request.number == n as usize {
            true if is_done => Fate::DoneThen(Box::new(move || kill(&ours))),
            true => {
                kill(&ours);
                Fate::Dropped
            }
            false => Fate::Done,
        }
    });
    let mut process = start(&stage.folder, POLL);
    victim.set(process.id()).unwrap();
    let survived = process.wait().unwrap().code().is_some();
    s3.behave();
    let context = format!("killed at request {n}, done: {is_done}, {:?}", s3.log().last());
    go_on(&stage, undisturbed, &context);
    survived
}

/// What the next look makes of it.
#[track_caller]
fn go_on(stage: &Stage, undisturbed: &Ending, context: &str) {
    stage.look(context);
    let waiting = "SELECT count(*) FROM callback WHERE state = 'waiting'";
    let begun = Instant::now();
    loop {
        let _ = stage.folder.run(POLL);
        // A lock of the system goes with its process, a lease when its time is over.
        let may_wait = stage.folder.backend() != Backend::Sqlite && begun.elapsed() < Duration::from_secs(30);
        if !may_wait || stage.folder.look().number(waiting) == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    stage.ending(context).must_equal(undisturbed, context);
}

/// After SQLite's `writecrash.test`.
#[test]
fn before_every_request() {
    let (undisturbed, _) = undisturbed(&partition(Kind::S3));
    assert!(until_enough(|n| survives(n, false, &undisturbed)) > 20);
}

#[test]
fn after_every_request() {
    let (undisturbed, _) = undisturbed(&partition(Kind::S3));
    assert!(until_enough(|n| survives(n, true, &undisturbed)) > 20);
}

/// Whoever was told may be told again, in the same words and with the same id.
#[test]
fn when_the_callback_has_come() {
    for kind in [Kind::Directory, Kind::S3] {
        let (undisturbed, _) = undisturbed(&partition(kind));
        let stage = partition(kind);
        let victim = Arc::new(OnceLock::new());
        let ours = Arc::clone(&victim);
        stage.when_told(move || kill(&ours));
        let mut process = start(&stage.folder, POLL);
        victim.set(process.id()).unwrap();
        assert_eq!(process.wait().unwrap().code(), None, "{kind:?}: it was not killed");
        go_on(&stage, &undisturbed, "killed when the callback had come");
        assert_eq!(stage.receiver.count(), 2, "{kind:?}");
    }
}

/// Kills looks and services at random moments, up to three in a row.
fn at_random_moments(kind: Kind) {
    let (undisturbed, took) = undisturbed(&Stage::new(kind).drop_all());
    until_enough(|round| {
        let mut dice = Dice::of_round(round);
        let stage = Stage::new(kind).drop_all();
        let mut context = format!("round {round}");
        for _ in 0..=dice.below(3) {
            let (command, delay) = ([POLL, SERVE][dice.below(2) as usize], dice.moment(took, round % rounds()));
            let mut process = start(&stage.folder, command);
            thread::sleep(delay);
            process.kill().unwrap();
            process.wait().unwrap();
            context += &format!(", '{command}' killed after {delay:?}");
            stage.look(&context);
        }
        go_on(&stage, &undisturbed, &context);
        round >= rounds()
    });
}

#[test]
fn at_random_moments_in_a_directory() {
    at_random_moments(Kind::Directory);
}

#[test]
fn at_random_moments_in_s3() {
    at_random_moments(Kind::S3);
}
