//! Uploaded to a service that is killed at random moments, and started again.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::account::{Account, imports_of, look, look_at_rest, must_equal, users};
use super::{Dice, folder, people, rounds};
use crate::service::{ADMIN, Service};

/// The uploads of a client, one after the other; each has a key, and is sent again until it is answered.
const KEYS: [&str; 2] = ["first", "again"];

/// Uploads the users. Gives the id of the import, if it was answered.
fn upload(from: &Path, address: &str, key: &str) -> Option<String> {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "60", "--form", "upload=@users.csv.gz"])
        .args(["--header", &format!("Authorization: Bearer {ADMIN}"), "--header", &format!("Idempotency-Key: {key}")])
        .arg(format!("{address}/upload/csv/managed/user?uniqueProperty=userName"))
        .current_dir(from)
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(answer["importUUIDs"][0].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

/// Two imports of the same file that nobody disturbed, and the users after each.
struct Undisturbed {
    took: Duration,
    accounts: Vec<Account>,
    users: Vec<(String, u64)>,
}

impl Undisturbed {
    fn new() -> Undisturbed {
        let service = Service::on(folder(people::faulty()));
        let begun = Instant::now();
        let ids = KEYS.map(|key| upload(&service.folder.path(""), &service.address, key).unwrap());
        let accounts = ids.map(|id| Account::of(&service.folder, &service.finished(&id))).into();
        Undisturbed { took: begun.elapsed(), accounts, users: users(&service.folder) }
    }
}

/// Has the client send what was not answered yet, kills the service meanwhile, and starts it again.
fn disturb(service: &mut Service, answers: &mut [Option<String>; 2], delay: Duration) {
    let (from, address) = (service.folder.path(""), service.address.clone());
    thread::scope(|scope| {
        scope.spawn(move || {
            for (key, answer) in KEYS.iter().zip(answers) {
                if answer.is_none() {
                    *answer = upload(&from, &address, key);
                }
            }
        });
        thread::sleep(delay);
        service.kill();
    });
    service.restart();
}

#[test]
fn every_upload_that_was_answered_is_imported_once() {
    let undisturbed = Undisturbed::new();
    let mut dice = Dice::new();
    let mut killed = 0;
    while killed < rounds() {
        let mut service = Service::on(folder(people::faulty()));
        let mut answers = [None, None];
        let mut context = String::from("killed");
        for _ in 0..=dice.below(3).min(rounds() - killed - 1) {
            let delay = dice.moment(undisturbed.took, killed);
            disturb(&mut service, &mut answers, delay);
            context += &format!(" after {delay:?}");
            look(&service.folder, &context);
            killed += 1;
        }
        let ids = KEYS.map(|key| upload(&service.folder.path(""), &service.address, key).unwrap());
        for (id, answer) in ids.iter().zip(&answers) {
            assert!(answer.as_ref().is_none_or(|answer| answer == id), "{context}: sent again, answered otherwise");
        }
        for (id, account) in ids.iter().zip(&undisturbed.accounts) {
            Account::of(&service.folder, &service.finished(id)).must_equal(account, &context);
        }
        service.kill();
        assert_eq!(imports_of(&service.folder, "users.csv.gz").len(), 2, "{context}: imported twice");
        must_equal(&users(&service.folder), &undisturbed.users, &context);
        look_at_rest(&service.folder, &context);
    }
}
