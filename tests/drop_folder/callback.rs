//! Who is told that a run is over, and how: Gainsight PX's status endpoint, with the headers of Standard Webhooks.
//!
//! What of it the article says itself is in `article`.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, verify};
use rollbook::run::{CallbackState, RunId};
use serde_json::{Value, json};

use super::receiver::{Answer, Received, Receiver};
use crate::dropping::{ACCOUNTS, USERS, drop_csv, drop_folder, mark};
use crate::harness::Folder;
use crate::service::Service;

const BASE: &str = "users_import";
const DATE: &str = "20210228";

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

const GOOD: Answer = Answer::Status(200, "");
const BROKEN: Answer = Answer::Status(500, "");

/// The settings of a drop folder with this endpoint.
fn told_at(settings: &str, url: &str) -> String {
    format!("{settings}callback = {{ url = \"{url}\", api_key = \"open-sesame\", allow_private = true }}\n")
}

/// Given a partition that is ready.
fn dropped(folder: &Folder, base: &str, date: &str) {
    drop_csv(folder, base, date, "users.csv.gz", "id\nu1\n");
    mark(folder, base, date);
}

/// Given a run of `px-users` that is over and was told of once, by hand.
fn told(endpoint: &Receiver) -> Folder {
    let folder = drop_folder(&told_at(USERS, &endpoint.url));
    dropped(&folder, BASE, DATE);
    let _ = folder.run("drop-folder poll px-users").success();
    folder
}

fn run_of(folder: &Folder, base: &str, date: &str) -> RunId {
    let status = folder.read(&format!("rollbook-data/drop/{base}/processed/{date}/status.json"));
    let status: Value = serde_json::from_str(&status).unwrap();
    status["runId"].as_str().unwrap().parse().unwrap()
}

/// What the ledger says of the callback about a run: where it stands, and every attempt.
fn account(folder: &Folder, base: &str, date: &str) -> String {
    let repository = folder.installation().repository;
    let run = run_of(folder, base, date);
    let state = match repository.callback(run).unwrap().unwrap().state {
        CallbackState::Waiting { .. } => "waiting",
        CallbackState::Delivered => "delivered",
        CallbackState::GivenUp => "given up",
    };
    let mut account = state.to_owned();
    for attempt in repository.callback_attempts(run).unwrap() {
        let status = attempt.status.map_or("-".to_owned(), |status| status.to_string());
        write!(account, "\n{status} {}", attempt.problem.as_deref().unwrap_or_default()).unwrap();
    }
    account
}

/// The account once it is this.
#[track_caller]
fn becomes(folder: &Folder, base: &str, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    while account(folder, base, DATE) != expected {
        assert!(Instant::now() < deadline, "{}\nand not\n{expected}", account(folder, base, DATE));
        sleep(Duration::from_millis(50));
    }
}

/// Whether a request is signed as Standard Webhooks has it, with the secret of this drop folder.
fn is_signed(received: &Received, folder: &Folder, name: &str) -> bool {
    let secret = folder.run(&format!("drop-folder show {name} --signing-secret")).stdout();
    let key = STANDARD.decode(secret.trim_end().strip_prefix("whsec_").unwrap()).unwrap();
    assert!((24..=64).contains(&key.len()));
    let [id, timestamp] = ["webhook-id", "webhook-timestamp"].map(|name| received.header(name));
    let signed = format!("{id}.{timestamp}.{}", received.body);
    let tag = STANDARD.decode(received.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    verify(&Key::new(HMAC_SHA256, &key), signed.as_bytes(), &tag).is_ok()
}

#[test]
fn a_callback_is_a_standard_webhook() {
    let endpoint = Receiver::new(&[GOOD]);
    let folder = told(&endpoint);
    let received = endpoint.received(1).remove(0);
    assert_eq!(received.first_line, "POST /prd/data-export HTTP/1.1");
    assert_eq!(received.header("x-api-key"), "open-sesame");
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("user-agent"), concat!("Rollbook/", env!("CARGO_PKG_VERSION")));
    assert_eq!(received.header("webhook-id"), format!("msg_{}", run_of(&folder, BASE, DATE)));
    let body = json!({
        "folder_path": "users_import/processed/20210228", "success": true, "message": "1 records were uploaded",
    });
    assert_eq!(received.json(), body);
    assert!(is_signed(&received, &folder, "px-users"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let sent: u64 = received.header("webhook-timestamp").parse().unwrap();
    assert!(now.abs_diff(sent) < 300, "{sent}");
    assert_eq!(account(&folder, BASE, DATE), "delivered\n200 ");
    // Nobody is told twice.
    let _ = folder.run("drop-folder poll px-users").success();
    assert_eq!(endpoint.count(), 1);
}

#[test]
fn the_folder_can_be_read_when_the_callback_comes() {
    let folder = Folder::new();
    let root = folder.path("rollbook-data/drop/users_import");
    let endpoint = Receiver::seeing(&[GOOD], move || {
        let left = std::fs::read_dir(root.join("current")).map_or(0, Iterator::count);
        let status = std::fs::read_to_string(root.join("processed/20210228/status.txt"));
        format!("{left} in current; {}", status.unwrap_or_default())
    });
    let folder = folder.file("rollbook-data/rollbook.toml", told_at(USERS, &endpoint.url));
    dropped(&folder, BASE, DATE);
    let _ = folder.run("drop-folder poll px-users").success();
    assert_eq!(endpoint.received(1)[0].seen, "0 in current; SUCCESS\n1 records were uploaded\n");
}

#[test]
fn a_callback_that_fails_is_made_again() {
    let endpoint = Receiver::new(&[BROKEN, GOOD]);
    let service = Service::on(drop_folder(&told_at(USERS, &endpoint.url)));
    dropped(&service.folder, BASE, DATE);
    let received = endpoint.received(2);
    becomes(&service.folder, BASE, "delivered\n500 the answer is 500 Internal Server Error\n200 ");
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(received[0].body, received[1].body);
    assert!(received[1].at - received[0].at >= Duration::from_secs(5));
    assert_ne!(received[0].header("webhook-timestamp"), received[1].header("webhook-timestamp"));
    assert!(received.iter().all(|received| is_signed(received, &service.folder, "px-users")));
}

#[test]
fn an_endpoint_may_ask_for_patience() {
    let endpoint =
        Receiver::new(&[Answer::Status(429, "retry-after: 7\r\n"), Answer::Status(503, "retry-after: 1\r\n"), GOOD]);
    let service = Service::on(drop_folder(&told_at(USERS, &endpoint.url)));
    dropped(&service.folder, BASE, DATE);
    let received = endpoint.received(3);
    becomes(
        &service.folder,
        BASE,
        "delivered\n429 the answer is 429 Too Many Requests\n503 the answer is 503 Service Unavailable\n200 ",
    );
    assert!(received[1].at - received[0].at >= Duration::from_secs(7));
    assert!(received[2].at - received[1].at >= Duration::from_secs(1));
}

#[test]
fn redirections_are_not_followed() {
    let elsewhere = Receiver::new(&[GOOD]);
    let location: &'static str = format!("location: {}\r\n", elsewhere.url).leak();
    for status in [301, 302, 307, 308] {
        let endpoint = Receiver::new(&[Answer::Status(status, location)]);
        let account = account(&told(&endpoint), BASE, DATE);
        assert!(account.starts_with(&format!("waiting\n{status} the answer is {status} ")), "{account}");
        assert!(account.ends_with(", and redirections are not followed"), "{account}");
        assert_eq!(endpoint.count(), 1);
    }
    assert_eq!(elsewhere.count(), 0);
}

#[test]
fn an_endpoint_that_cannot_be_found_is_tried_again() {
    let folder = told(&Receiver::new(&[Answer::Status(404, "")]));
    assert_eq!(account(&folder, BASE, DATE), "waiting\n404 the answer is 404 Not Found");
}

#[test]
fn an_endpoint_that_is_gone_is_left_alone_until_somebody_says_otherwise() {
    let endpoint = Receiver::new(&[Answer::Status(410, ""), GOOD]);
    let folder = told(&endpoint);
    assert_eq!(account(&folder, BASE, DATE), "given up\n410 the answer is 410 Gone");
    dropped(&folder, BASE, "20210301");
    let _ = folder.run("drop-folder poll px-users").success();
    let off = "given up\n- the callback is off: its endpoint has answered with 410, that it is gone, or somebody has \
               switched it off";
    assert_eq!(account(&folder, BASE, "20210301"), off);
    assert_eq!(endpoint.count(), 1);

    let run = run_of(&folder, BASE, "20210301");
    let _ = folder.run(&format!("drop-folder send-callback {run}")).success();
    assert_eq!(account(&folder, BASE, "20210301"), format!("{}\n200 ", off.replace("given up", "delivered")));
    assert_eq!(endpoint.received(2)[1].header("webhook-id"), run.webhook());
}

#[test]
fn answers_are_not_waited_for_without_end() {
    let folder = told(&Receiver::new(&[Answer::Endless]));
    assert_eq!(account(&folder, BASE, DATE), "delivered\n200 ");
    let folder = told(&Receiver::new(&[Answer::Silence]));
    assert_eq!(account(&folder, BASE, DATE), "waiting\n- there was no answer in time");
}

#[test]
fn an_endpoint_that_hangs_up_is_tried_again() {
    let account = account(&told(&Receiver::new(&[Answer::HangUp])), BASE, DATE);
    assert!(account.starts_with("waiting\n- the call did not come through: "), "{account}");
    let nobody = drop_folder(&told_at(USERS, "http://127.0.0.1:1/"));
    dropped(&nobody, BASE, DATE);
    let _ = nobody.run("drop-folder poll px-users").success();
    let account = self::account(&nobody, BASE, DATE);
    assert!(account.starts_with("waiting\n- no connection could be made: "), "{account}");
}

#[test]
fn a_slow_endpoint_does_not_keep_others_waiting() {
    let slow = Receiver::new(&[Answer::Silence]);
    let good = Receiver::new(&[GOOD]);
    let settings = format!("{}{}", told_at(USERS, &slow.url), told_at(ACCOUNTS, &good.url));
    let service = Service::on(drop_folder(&settings));
    dropped(&service.folder, "users_import", DATE);
    let _ = slow.received(1);
    dropped(&service.folder, "accounts_import", DATE);
    let _ = good.received(1);
    becomes(&service.folder, "accounts_import", "delivered\n200 ");
    // The first one is still being waited for.
    assert_eq!(account(&service.folder, "users_import", DATE), "waiting");
}

#[test]
fn a_callback_is_made_again_with_the_same_id_by_who_comes_after_a_crash() {
    let endpoint = Receiver::new(&[Answer::Silence, GOOD]);
    let mut service = Service::on(drop_folder(&told_at(USERS, &endpoint.url)));
    dropped(&service.folder, BASE, DATE);
    let _ = endpoint.received(1);
    service.kill();
    assert_eq!(account(&service.folder, BASE, DATE), "waiting");
    service.restart();
    let received = endpoint.received(2);
    becomes(&service.folder, BASE, "delivered\n200 ");
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(received[0].body, received[1].body);
}

#[test]
fn a_service_and_a_command_do_not_tell_twice() {
    let endpoint = Receiver::new(&[Answer::Silence]);
    let service = Service::on(drop_folder(&told_at(USERS, &endpoint.url)));
    dropped(&service.folder, BASE, DATE);
    let _ = endpoint.received(1);
    let _ = service.folder.run("drop-folder poll px-users").success();
    assert_eq!(endpoint.count(), 1);
}

#[test]
fn a_drop_folder_that_is_gone_or_has_no_callback_any_more_is_not_told_of() {
    for (settings, problem) in
        [(USERS, "the drop folder has no callback any more"), (ACCOUNTS, "the drop folder is gone")]
    {
        let endpoint = Receiver::new(&[BROKEN]);
        let folder = told(&endpoint).file("rollbook-data/rollbook.toml", settings);
        let service = Service::on(folder);
        let expected = format!("given up\n500 the answer is 500 Internal Server Error\n- {problem}");
        becomes(&service.folder, BASE, &expected);
        assert_eq!(endpoint.count(), 1);
    }
}

#[test]
fn private_addresses_are_refused_when_they_are_set() {
    let said = |url: &str| {
        let callback = format!("callback = {{ url = \"{url}\", api_key = \"open-sesame\" }}\n");
        drop_folder(&format!("{USERS}{callback}")).run("drop-folder poll px-users").failed()
    };
    let urls =
        ["https://169.254.169.254/latest", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "http://example.com/"];
    insta::assert_snapshot!(urls.map(said).concat(), @r"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': callback.url: 'https://169.254.169.254/latest' leads to 169.254.169.254, a private address: name a public host (callback.allow_private = true allows it)
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': callback.url: 'https://[::ffff:127.0.0.1]/' leads to ::ffff:127.0.0.1, a private address: name a public host (callback.allow_private = true allows it)
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': callback.url: 'https://2130706433/' leads to 127.0.0.1, a private address: name a public host (callback.allow_private = true allows it)
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': callback.url: 'http://example.com/' is not encrypted: write 'https://HOST/PATH', or allow private addresses (callback.allow_private = true allows it)
    ");
}

#[test]
fn private_addresses_are_refused_when_they_are_called() {
    // Where this is a name of this machine, it is one that cannot be told from others when it is set.
    let here = std::net::TcpListener::bind("[::]:0").or_else(|_| std::net::TcpListener::bind("0.0.0.0:0")).unwrap();
    here.set_nonblocking(true).unwrap();
    let url = format!("https://ip6-localhost:{}/", here.local_addr().unwrap().port());
    let callback = format!("callback = {{ url = \"{url}\", api_key = \"open-sesame\" }}\n");
    let folder = drop_folder(&format!("{USERS}{callback}"));
    dropped(&folder, BASE, DATE);
    let _ = folder.run("drop-folder poll px-users").success();
    let account = account(&folder, BASE, DATE);
    assert!(account.starts_with("waiting\n- no connection could be made: "), "{account}");
    assert!(here.accept().is_err(), "somebody has called");
}
