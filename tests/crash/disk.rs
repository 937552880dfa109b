//! Not enough room.

use std::process::Stdio;

use super::account::{Account, imports_of, look, look_at_rest, must_equal, users};
use super::{IMPORT, folder, go_on, people};
use crate::harness::Folder;

/// Runs a command that may write no file larger than so many kilobytes: writing more is an error, as on a full disk.
fn run_within(folder: &Folder, kilobytes: usize, command: &str) -> (Option<i32>, String) {
    let rollbook = folder.command(command);
    // Unless the signal is ignored, it is not an error but the end.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kilobytes * 2);
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(rollbook.get_program())
        .args(rollbook.get_args())
        .current_dir(rollbook.get_current_dir().unwrap())
        .envs(folder.variables())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn starve(file: &[u8], command: &str) {
    let undisturbed = folder(file);
    let _ = undisturbed.run(command);
    let account = Account::of(&undisturbed, &imports_of(&undisturbed, "users.csv.gz")[0]);
    let spooled = file.len() / 1024;
    let mut failed = 0;
    // From no room for the file itself to room for everything.
    for kilobytes in [spooled / 2, spooled + 64, spooled * 2, spooled * 4, spooled * 6, spooled * 8, spooled * 16] {
        let folder = folder(file);
        let context = format!("{command} within {kilobytes} KB");
        let (code, complaint) = run_within(&folder, kilobytes, command);
        look(&folder, &context);
        if code == Some(2) {
            failed += 1;
            assert!(complaint.starts_with("rollbook: "), "{context}: {complaint}");
            assert!(!complaint.contains("panicked"), "{context}: {complaint}");
            assert_eq!(complaint.contains("no room for a copy"), kilobytes < spooled, "{context}: {complaint}");
        } else {
            assert_eq!(code, undisturbed.run(command).code(), "{context}: {complaint}");
        }
        go_on(&folder);
        if imports_of(&folder, "users.csv.gz").is_empty() {
            // It was not accepted.
            let _ = folder.run(command);
        }
        let imports = imports_of(&folder, "users.csv.gz");
        Account::of(&folder, &imports[0]).must_equal(&account, &context);
        must_equal(&users(&folder), &users(&undisturbed), &context);
        look_at_rest(&folder, &context);
    }
    assert!(failed >= 3, "{command}: starved {failed} times");
}

#[test]
fn batched() {
    starve(people::faulty(), IMPORT);
}

#[test]
fn atomic() {
    starve(people::sound(), &format!("{IMPORT} --atomic"));
}
