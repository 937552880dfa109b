//! Leases that are given back, lost and taken over.

use std::time::{Duration, Instant};

use super::folder;

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
