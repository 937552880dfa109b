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

/// A process that was killed has no connections and prolongs nothing, so nobody waits for the end of its leases.
#[test]
fn the_lease_of_a_dead_process_is_taken_before_its_end() {
    let folder = folder("[repository]\nlease = '1h'\n");
    let installation = folder.installation();
    let users = "managed/user".parse().unwrap();
    let held = "INSERT INTO lease (name, owner, token, until) \
                VALUES ('type managed/user', 'somebody', 7, now() + interval '29 minutes')";
    folder.look().run(held);
    let alive = named(&folder, "rollbook somebody");
    assert!(installation.repository.lease(&users).unwrap().is_none());
    drop(alive);
    until(|| installation.repository.lease(&users).unwrap().is_some());
    // No token is given twice.
    assert!(folder.look().number("SELECT token FROM lease WHERE name = 'type managed/user'") > 7);
}

/// As of a process whose connections were cut, or whose server was started again: it has prolonged the lease just now.
#[test]
fn who_has_no_connection_for_a_moment_keeps_its_leases() {
    let folder = folder("[repository]\nlease = '1h'\n");
    let installation = folder.installation();
    let users = "managed/user".parse().unwrap();
    let held = "INSERT INTO lease (name, owner, token, until) \
                VALUES ('type managed/user', 'somebody', 7, now() + interval '40 minutes')";
    folder.look().run(held);
    assert!(installation.repository.lease(&users).unwrap().is_none());
}

/// The next beat of the heart after that makes another connection.
#[test]
fn leases_are_prolonged_over_another_connection() {
    let folder = folder("[repository]\nlease = '3s'\n");
    let installation = folder.installation();
    let users = "managed/user".parse().unwrap();
    let lease = installation.repository.lease(&users).unwrap().expect("free");
    let mut look = folder.look();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(look.number(cut) > 0);
    let left =
        "SELECT CAST(1000 * extract(epoch FROM until - now()) AS bigint) FROM lease WHERE name = 'type managed/user'";
    let begun = Instant::now();
    let least = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(5));
        look.number(left)
    });
    let least = least.take_while(|_| begun.elapsed() < Duration::from_millis(1500)).min().unwrap();
    // A third of it passes between two beats. With one more pause it would be five twelfths.
    assert!(least > 3000 - 1000 - 200, "{least} ms were left");
    assert!(!lease.is_lost());
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
