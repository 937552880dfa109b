//! Clients who hang up in the middle of what they asked for, a thousand times: nothing of theirs stays open.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::thread::{self, sleep};
use std::time::Duration;

use super::folder;
use crate::crash::{Dice, until};
use crate::service::{ADMIN, Service};

const REQUESTS: u32 = 1000;

const FILE: &str = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,bjensen@example.com\n";

/// A request as a client sends it.
fn request(dice: &mut Dice, number: u32) -> String {
    let upload = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"users.csv\"\r\n\r\n{FILE}\r\n--cut--\r\n"
    );
    let user = format!(
        "{{\"userName\": \"u{number}\", \"givenName\": \"Jo\", \"sn\": \"Jensen\", \"mail\": \"jo@example.com\"}}"
    );
    let (line, kind, body) = match dice.below(4) {
        0 => ("POST /upload/csv/managed/user?uniqueProperty=userName", "multipart/form-data; boundary=cut", upload),
        1 => ("POST /openidm/managed/user?_action=create", "application/json", user),
        2 => ("GET /openidm/managed/user?_queryFilter=true", "text/plain", String::new()),
        _ => ("GET /openidm/csv/metadata?_queryFilter=true", "text/plain", String::new()),
    };
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_thousand_requests_are_aborted() {
    let service = Service::on(folder("").file("users.csv", FILE));
    let address = service.address.strip_prefix("http://").unwrap();
    thread::scope(|scope| {
        for part in 0..8 {
            scope.spawn(move || {
                let mut dice = Dice::of_round(part);
                for number in (part..REQUESTS).step_by(8) {
                    let request = request(&mut dice, number);
                    let mut client = TcpStream::connect(address).unwrap();
                    // All of it, or a part.
                    let sent =
                        if dice.below(3) == 0 { dice.below(request.len() as u32) as usize } else { request.len() };
                    // The service may have hung up first.
                    let _ = client.write_all(&request.as_bytes()[..sent]);
                    sleep(Duration::from_micros(u64::from(dice.below(20_000))));
                    let _ = client.shutdown(Shutdown::Both);
                }
            });
        }
    });
    let mut look = service.folder.look();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND pid <> pg_backend_pid() AND state <> 'idle'";
    until(|| look.number("SELECT count(*) FROM import WHERE ended IS NULL") == 0 && look.number(open) == 0);
    // More than connections are kept.
    for _ in 0..20 {
        let id = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
        assert_eq!(service.finished(&id)["success"], 1);
    }
}
