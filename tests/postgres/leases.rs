//! Leases that are given back, lost and taken over.

use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls};

use super::folder;
use crate::crash::until;
use crate::harness::Folder;

const QUICK: &str = "[repository]\nlease = '1s'\n";

#[test]
fn a_lease_is_one_process_s_until_it_is_given_back() {
    let folder = folder(QUICK);
    let [one, other] = [(); 2].map(|()| folder.installation());
    let users = "managed/user".parse().unwrap();
    let lease = one.repository.lease(&users).unwrap().expect("free");
    assert!(one.repository.lease(&users).unwrap().is_none());
    assert!(other.repository.lease(&users).unwrap().is_none());
    assert!(other.repository.lease(&"managed/role".parse().unwrap()).unwrap().is_some());
    // Longer than it is good for without being prolonged.
    std::thread::sleep(Duration::from_millis(1500));
    assert!(other.repository.lease(&users).unwrap().is_none());
    assert!(!lease.is_lost());
    drop(lease);
    assert!(other.repository.lease(&users).unwrap().is_some());
    assert!(one.repository.lease(&users).unwrap().is_some());
}

/// As that of a process that was killed.
#[test]
fn a_lease_that_nobody_prolongs_is_taken_over_and_its_holder_knows() {
    let folder = folder(QUICK);
    let [one, other] = [(); 2].map(|()| folder.installation());
    let users = "managed/user".parse().unwrap();
    let lease = one.repository.lease(&users).unwrap().expect("free");
    // Between two beats of the holder's heart.
    let taken = (0..100).find_map(|_| {
        folder.look().run("UPDATE lease SET until = now() - interval '1 hour'");
        other.repository.lease(&users).unwrap()
    });
    assert!(taken.is_some());
    let begun = Instant::now();
    while !lease.is_lost() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the holder never hears of it");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(one.repository.lease(&users).unwrap().is_none());
    drop((lease, taken));
    assert!(one.repository.lease(&users).unwrap().is_some());
}

/// A process that was killed has no connections, so nobody waits for the end of its leases.
#[test]
fn the_lease_of_a_dead_process_is_taken_at_once() {
    let folder = folder("");
    let installation = folder.installation();
    let users = "managed/user".parse().unwrap();
    let held = "INSERT INTO lease (name, owner, token, until) \
                VALUES ('type managed/user', 'somebody', 7, now() + interval '1 hour')";
    folder.look().run(held);
    let alive = named(&folder, "rollbook somebody");
    assert!(installation.repository.lease(&users).unwrap().is_none());
    drop(alive);
    until(|| installation.repository.lease(&users).unwrap().is_some());
    // No token is given twice.
    assert!(folder.look().number("SELECT token FROM lease WHERE name = 'type managed/user'") > 7);
}

/// A process that is frozen in a transaction must not be in the way of who goes on with its work.
#[test]
fn the_connections_of_a_frozen_process_are_closed() {
    let folder = folder("");
    let installation = folder.installation();
    let users = "managed/user".parse().unwrap();
    let held = "INSERT INTO lease (name, owner, token, until) \
                VALUES ('type managed/user', 'somebody', 7, now() - interval '1 second')";
    folder.look().run(held);
    let mut frozen = named(&folder, "rollbook somebody type managed/user");
    frozen.batch_execute("BEGIN; SELECT * FROM lease WHERE owner = 'somebody' FOR UPDATE").unwrap();
    let begun = Instant::now();
    assert!(installation.repository.lease(&users).unwrap().is_some());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(frozen.batch_execute("COMMIT").is_err());
}

/// A connection that is known by this name.
fn named(folder: &Folder, name: &str) -> Client {
    let mut config: Config = folder.variables()[0].1.parse().unwrap();
    config.application_name(name).connect(NoTls).unwrap()
}
