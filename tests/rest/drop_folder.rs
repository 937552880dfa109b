//! `/openidm/dropFolder`: how drop folders stand, their runs, and what is done with them.
//!
//! `settings`: `/openidm/config/dropFolder`.

mod settings;

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::database::Row;
use crate::drop_folder::receiver::{Answer, Receiver};
use crate::dropping::{drop_csv, drop_file, drop_folder, mark, tree};
use crate::harness::steady;
use crate::service::Service;
use crate::visitor::Visitor;

/// Drop folders that are looked at only when somebody asks.
const FOLDERS: &str = r#"
[[drop_folder]]
name = "px-users"
object_type = "managed/px_user"
bucket = "file:drop"
base_folder = "users_import"
settle_time = "0s"
paused = true

[[drop_folder]]
name = "px-accounts"
object_type = "managed/px_account"
bucket = "file:drop"
base_folder = "accounts_import"
settle_time = "0s"
paused = true
"#;

const POLL: &str = "-X POST '/openidm/dropFolder/px-users?_action=poll&waitForCompletion=true'";

const GOOD: &str = "id,email\n1,a@example.com\n2,b@example.com\n";

const BAD: &str = "id,score\n1,secret-cell\n";

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn service() -> Service {
    Service::on(drop_folder(FOLDERS))
}

/// Given a partition of users that is ready, with one file.
fn dropped(service: &Service, date: &str, csv: &str) {
    drop_csv(&service.folder, "users_import", date, "users.csv.gz", csv);
    mark(&service.folder, "users_import", date);
}

/// When it is looked at, and that is waited for. Gives what came of it.
fn polled(service: &Service) -> Value {
    let reply = service.curl(POLL);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

/// What came of a look, without what the store and the import say of the files.
fn bare(mut polled: Value) -> Value {
    for run in polled["runs"].as_array_mut().unwrap() {
        for file in run["files"].as_array_mut().unwrap() {
            file["metadata"].take();
            file["modified"].take();
        }
    }
    polled
}

fn ids(page: &Value) -> Vec<&str> {
    page["result"].as_array().unwrap().iter().map(|each| each["_id"].as_str().unwrap()).collect()
}

#[test]
fn a_look_is_asked_for_and_waited_for() {
    let service = service();
    dropped(&service, "20210228", GOOD);
    let reply = service.curl(POLL);
    insta::assert_snapshot!(steady(&bare(reply.json()).to_string()), @r#"{"_id":"px-users","state":"SUCCESS","runs":[{"_id":"00000000-0000-0000-0000-000000000000","dropFolder":"px-users","partition":"20210228","step":"cleared","begin":"2026-02-28T17:05:00.000Z","end":"2026-02-28T17:05:00.000Z","success":true,"files":[{"name":"users.csv.gz","size":50,"modified":null,"import":"00000000-0000-0000-0000-000000000000","success":true,"records":2,"errors":[],"moreErrors":0,"warnings":[],"metadata":null}]}],"notices":[]}"#);
    assert_eq!(
        service.folder.read("rollbook-data/drop/users_import/processed/20210228/status.txt"),
        "SUCCESS\n2 records were uploaded\n"
    );
    let import = reply.json()["runs"][0]["files"][0]["import"].as_str().unwrap().to_owned();
    let record = service.curl(&format!("/openidm/csv/metadata/{import}")).json();
    assert_eq!([&record["dropFolder"], &record["partition"], &record["authId"]], ["px-users", "20210228", "px-users"]);
    // Nothing is there any more.
    let again = polled(&service);
    assert_eq!(again, json!({ "_id": "px-users", "state": "SUCCESS", "runs": [], "notices": [] }));
}

#[test]
fn a_look_need_not_be_waited_for() {
    let service = service();
    dropped(&service, "20210228", GOOD);
    let reply = service.curl("-X POST '/openidm/dropFolder/px-users?_action=poll'");
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"_id":"px-users","state":"ACTIVE"}
    "#);
    let deadline = Instant::now() + PATIENCE;
    while ids(&service.curl("'/openidm/dropFolder/px-users/run?_queryFilter=end+pr'").json()).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", tree(&service.folder));
        sleep(Duration::from_millis(20));
    }
    assert_eq!(service.curl("'/openidm/managed/px_user?_queryFilter=true&_countOnly=true'").json()["resultCount"], 2);
}

#[test]
fn how_drop_folders_stand() {
    let service = service();
    let before = service.curl("/openidm/dropFolder/px-users");
    insta::assert_snapshot!(before.shown(), @r#"
    200
    {"_id":"px-users","objectType":"managed/px_user","state":"paused","callbackOff":false,"openRuns":0,"notices":[]}
    "#);
    drop_file(&service.folder, "users_import", "2021-02-28", "_SUCCESS", "");
    let _ = polled(&service);
    let after = service.curl("/openidm/dropFolder/px-users");
    insta::assert_snapshot!(after.shown(), @r#"
    200
    {"_id":"px-users","objectType":"managed/px_user","state":"paused","lastPoll":"2026-02-28T17:05:00.000Z","callbackOff":false,"openRuns":0,"notices":["'dt=2021-02-28' in 'current' is left alone: a partition is called dt=YYYYMMDD"]}
    "#);
    let all = service.curl("/openidm/dropFolder").json();
    assert_eq!(ids(&all), ["px-accounts", "px-users"]);
    let some = service.curl("'/openidm/dropFolder?_queryFilter=lastPoll+pr&_fields=state'");
    insta::assert_snapshot!(some.shown(), @r#"
    200
    {"result":[{"_id":"px-users","state":"paused"}],"resultCount":1,"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}
    "#);
}

/// What is known of all drop folders, as it is stored.
fn states(service: &Service) -> Vec<Row> {
    service.folder.look().rows("SELECT name, external_id, since, last_poll FROM drop_folder_state ORDER BY name")
}

/// What has to be made up for a drop folder is there when it is set, and for those of rollbook.toml when it is said that the
/// service listens. So whoever looks first finds what everybody finds, and changes nothing.
#[test]
fn to_look_at_drop_folders_changes_nothing() {
    let mut service = service();
    let names = |states: &[Row]| states.iter().map(|row| row[0].clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(names(&states(&service)), ["px-accounts", "px-users"]);
    let settings = r#"{"objectType":"managed/px_user","bucket":"file:drop","baseFolder":"more","paused":true}"#;
    let set = format!("-X PUT -H Content-Type:application/json --data '{settings}' /openidm/config/dropFolder/px-more");
    assert_eq!(service.curl(&set).status, 201);
    let before = states(&service);
    assert_eq!(names(&before), ["px-accounts", "px-more", "px-users"]);
    let mut visitor = Visitor::admin(&service);
    for path in ["", "/px-users", "/px-more", "/px-more/settings"] {
        let page = visitor.ask(&format!("/console/integrations{path}"));
        assert_eq!(page.status, 200, "{path}: {}", page.html);
    }
    let lists = ["/metrics", "/openidm/dropFolder", "/openidm/config/dropFolder"].map(str::to_owned);
    let each = ["px-accounts", "px-more", "px-users"]
        .into_iter()
        .flat_map(|name| ["dropFolder", "config/dropFolder"].map(|resource| format!("/openidm/{resource}/{name}")));
    let asked: Vec<String> = lists.into_iter().chain(each).collect();
    let ask = |service: &Service| {
        let answer = |path: &String| {
            let reply = service.curl(path);
            assert_eq!(reply.status, 200, "{path}: {}", reply.body);
            if path == "/metrics" { String::new() } else { reply.body }
        };
        asked.iter().map(answer).collect::<Vec<String>>()
    };
    let answers = ask(&service);
    assert_eq!(states(&service), before);
    assert_eq!(ask(&service), answers);
    assert_eq!(service.stop(), Some(0));
    service.restart();
    assert_eq!(states(&service), before);
    assert_eq!(ask(&service), answers);
    // Nor does the command line where a service was, nor is anything left to be made up for one that follows.
    let shown = service.folder.run("drop-folder show px-users --json").json().remove(0);
    assert_eq!(shown["_externalId"].as_str(), before[2][1].as_deref());
    assert_eq!(states(&service), before);
}

/// What cannot be made up does not keep the service from anything else, and is told to who asks.
#[test]
fn without_its_key_nothing_is_made_up() {
    let folder = drop_folder(&format!("{FOLDERS}[secrets]\nkey = {{ file = 'gone' }}\n"));
    let service = Service::on(folder);
    assert_eq!(states(&service), Vec::<Row>::new());
    let reply = service.curl("/openidm/dropFolder/px-users");
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(reply.body.contains("secrets.key"), "{}", reply.body);
    assert_eq!(service.curl("'/openidm/managed/px_user?_queryFilter=true'").status, 200);
}

#[test]
fn what_is_in_the_way_is_told() {
    let service = service();
    dropped(&service, "20210228", GOOD);
    // A file where the folder is to be: nothing can be filed.
    drop_file(&service.folder, "users_import", "x", "y", "");
    let processed = service.folder.path("rollbook-data/drop/users_import/processed");
    fs::write(&processed, "").unwrap();
    let polled = polled(&service);
    assert_eq!((&polled["state"], &polled["runs"][0]["step"]), (&json!("FAILED"), &json!("imported")), "{polled}");
    let stands = service.curl("/openidm/dropFolder/px-users").json();
    assert_eq!((&stands["openRuns"], &stands["state"]), (&json!(1), &json!("paused")), "{stands}");
    assert_eq!(stands["problem"], polled["runs"][0]["trouble"]["message"]);
    let metrics = service.curl("/metrics").body;
    assert!(!metrics.contains("rollbook_drop_folder_oldest_open_run_age_seconds 0.0\n"), "{metrics}");
    fs::remove_file(&processed).unwrap();
    let polled = self::polled(&service);
    assert_eq!((&polled["state"], &polled["runs"][0]["success"]), (&json!("SUCCESS"), &json!(true)), "{polled}");
    assert!(service.curl("/openidm/dropFolder/px-users").json().get("problem").is_none());
}

#[test]
fn runs_are_found_the_latest_first() {
    let service = service();
    for (date, csv) in [("20210226", GOOD), ("20210227", BAD), ("20210228", GOOD)] {
        dropped(&service, date, csv);
        let _ = polled(&service);
    }
    let runs = "/openidm/dropFolder/px-users/run";
    let all = service.curl(runs).json();
    let dates: Vec<&str> =
        all["result"].as_array().unwrap().iter().map(|run| run["partition"].as_str().unwrap()).collect();
    assert_eq!(dates, ["20210228", "20210227", "20210226"]);
    let first = service.curl(&format!("'{runs}?_pageSize=2'")).json();
    assert_eq!(ids(&first), ids(&all)[..2]);
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let second = service.curl(&format!("'{runs}?_pageSize=2&_pagedResultsCookie={cookie}'")).json();
    assert_eq!((ids(&second), &second["pagedResultsCookie"]), (ids(&all)[2..].to_vec(), &Value::Null));
    let failed = service.curl(&format!("'{runs}?_queryFilter=success+eq+false'")).json();
    assert_eq!(ids(&failed), ids(&all)[1..2]);
    let one = service.curl(&format!("{runs}/{}", ids(&all)[1]));
    assert_eq!(one.json(), all["result"][1]);
    let shown = service.curl(&format!("'{runs}/{}?_fields=partition,step,success'", ids(&all)[1]));
    insta::assert_snapshot!(steady(&shown.body), @r#"{"_id":"00000000-0000-0000-0000-000000000000","partition":"20210227","step":"cleared","success":false}"#);
    let errors = &one.json()["files"][0]["errors"];
    assert_eq!(errors, &json!(["Invalid Number value 'secret-cell' for Column 'score' at row 2"]));
    // Who drops what is counted, by drop folder.
    let metrics = service.curl("/metrics").body;
    for line in [
        r#"rollbook_drop_folders{state="paused"} 2"#,
        r#"rollbook_drop_folders{state="blocked"} 0"#,
        r#"rollbook_drop_folder_runs_total{drop_folder="px-users",result="success"} 2"#,
        r#"rollbook_drop_folder_runs_total{drop_folder="px-users",result="error"} 1"#,
        "rollbook_drop_folder_oldest_open_run_age_seconds 0.0",
        r#"rollbook_callbacks{state="waiting"} 0"#,
        r#"rollbook_callbacks{state="given_up"} 0"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("secret-cell") && !metrics.contains("users.csv"), "{metrics}");
}

#[test]
fn what_is_not_there_is_not_found() {
    let service = service();
    dropped(&service, "20210228", GOOD);
    let run = polled(&service)["runs"][0]["_id"].as_str().unwrap().to_owned();
    let nothing = "there is no drop folder 'nothing'; there are px-accounts, px-users";
    for typed in [
        "/openidm/dropFolder/nothing",
        "/openidm/dropFolder/nothing/run",
        "/openidm/dropFolder/nothing/policy",
        "/openidm/dropFolder/n%6fthing/run/x",
        "/openidm/config/dropFolder/nothing",
        "-X POST '/openidm/dropFolder/nothing?_action=poll'",
        "-X POST '/openidm/dropFolder/nothing?_action=test'",
        "-X POST '/openidm/dropFolder/nothing?_action=pause'",
        "-X POST '/openidm/dropFolder/nothing/run/x?_action=sendCallback'",
    ] {
        let reply = service.curl(typed);
        assert_eq!(reply.json(), json!({ "code": 404, "reason": "Not Found", "message": nothing }), "{typed}");
    }
    for id in ["nothing", "0199f3a4-0000-7000-8000-000000000000"] {
        let reply = service.curl(&format!("/openidm/dropFolder/px-users/run/{id}"));
        assert_eq!((reply.status, reply.message()), (404, format!("there is no run '{id}'")));
    }
    // It is another drop folder's.
    assert_eq!(service.curl(&format!("/openidm/dropFolder/px-users/run/{run}")).status, 200);
    assert_eq!(service.curl(&format!("/openidm/dropFolder/px-accounts/run/{run}")).status, 404);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let service = service();
    let refused = |typed: &str| service.curl(typed).shown();
    insta::assert_snapshot!(refused("-X POST '/openidm/dropFolder/px-users?_action=look'"), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"Action look is not supported. There is 'poll', 'test', 'pause' and 'resume'"}
    "#);
    insta::assert_snapshot!(refused("-X POST /openidm/dropFolder/px-users"), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the parameter '_action' is required: it is one of 'poll', 'test', 'pause' and 'resume'"}
    "#);
    insta::assert_snapshot!(refused("-X POST '/openidm/dropFolder/px-users?_action=poll&waitForCompletion=maybe'"), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the parameter 'waitForCompletion' is 'true' or 'false', not 'maybe'"}
    "#);
    insta::assert_snapshot!(refused("-X POST -H 'If-Match: *' '/openidm/dropFolder/px-users?_action=poll'"), @r#"
    412
    {"code":412,"reason":"Precondition Failed","message":"If-Match not supported for POST requests"}
    "#);
    insta::assert_snapshot!(refused("-X POST '/openidm/dropFolder/px-users/run/x?_action=send'"), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"Action send is not supported. There is 'sendCallback'"}
    "#);
    insta::assert_snapshot!(refused("'/openidm/dropFolder?_queryFilter=what'"), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"The value 'what' for parameter '_queryFilter' could not be parsed as a valid query filter","detail":{"message":"the filter is wrong at character 5: the filter ends where an operator such as 'eq', 'co', 'sw' or 'pr' belongs"}}
    "#);
}

/// Who may see some object types only finds their drop folders, and those with lower roles do less.
#[test]
fn roles_and_scopes() {
    let service = service();
    dropped(&service, "20210228", GOOD);
    let run = polled(&service)["runs"][0]["_id"].as_str().unwrap().to_owned();
    let token = |name: &str, role: &str, types: &str| service.token(&format!("--name {name} --role {role} {types}"));
    let [viewer, importer] = ["viewer", "importer"].map(|role| token(role, role, ""));
    let stranger = token("stranger", "admin", "--types managed/px_account");
    let act = |action: &str| format!("-X POST '/openidm/dropFolder/px-users?_action={action}'");
    let send = format!("-X POST '/openidm/dropFolder/px-users/run/{run}?_action=sendCallback'");
    for (typed, needed) in [
        ("/openidm/dropFolder/px-users".to_owned(), 0),
        ("/openidm/config/dropFolder/px-users".to_owned(), 0),
        (format!("/openidm/dropFolder/px-users/run/{run}"), 0),
        ("/openidm/dropFolder/px-users/run".to_owned(), 0),
        (act("poll"), 1),
        (act("test"), 2),
        (act("pause"), 2),
        (act("resume"), 2),
        (send, 2),
    ] {
        let statuses = [&viewer, &importer].map(|token| service.ask(token, &typed).status);
        let expected = [0, 1].map(|role| if role < needed { 403 } else { 200 });
        assert_eq!(statuses, expected, "{typed}");
        let hidden = service.ask(&stranger, &typed);
        let message = "there is no drop folder 'px-users'; there are px-accounts";
        assert_eq!((hidden.status, hidden.message()), (404, message.to_owned()), "{typed}");
        assert_eq!(service.ask("nobodys", &typed).status, 401, "{typed}");
    }
    for collection in ["/openidm/dropFolder", "/openidm/config/dropFolder"] {
        assert_eq!(ids(&service.ask(&viewer, collection).json()), ["px-accounts", "px-users"]);
        assert_eq!(ids(&service.ask(&stranger, collection).json()), ["px-accounts"]);
    }
}

#[test]
fn a_callback_is_sent_again() {
    let endpoint = Receiver::new(&[Answer::Status(410, ""), Answer::Status(200, "")]);
    let callback =
        format!("callback = {{ url = \"{}\", api_key = \"open-sesame\", allow_private = true }}\n", endpoint.url);
    let service =
        Service::on(drop_folder(&FOLDERS.replacen("paused = true\n", &format!("paused = true\n{callback}"), 1)));
    dropped(&service, "20210228", GOOD);
    let run = polled(&service)["runs"][0]["_id"].as_str().unwrap().to_owned();
    let told = endpoint.received(1).remove(0);
    let record = |state: &str| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let callback = service.curl(&format!("/openidm/dropFolder/px-users/run/{run}")).json()["callback"].take();
            if callback["state"] == state {
                return callback;
            }
            assert!(Instant::now() < deadline, "{callback}");
            sleep(Duration::from_millis(20));
        }
    };
    let given_up = record("given-up");
    assert_eq!(given_up["attempts"][0]["status"], 410, "{given_up}");
    let is_off = || service.curl("/openidm/dropFolder/px-users").json()["callbackOff"].clone();
    assert_eq!(is_off(), true);
    let metrics = service.curl("/metrics").body;
    assert!(metrics.lines().any(|line| line == r#"rollbook_callbacks{state="given_up"} 1"#), "{metrics}");
    let send = format!("-X POST '/openidm/dropFolder/px-users/run/{run}?_action=sendCallback'");
    let sent = service.curl(&send);
    assert_eq!((sent.status, sent.body.as_str()), (200, r#"{"status":"OK"}"#));
    let again = endpoint.received(2).remove(1);
    let id = |received: &crate::drop_folder::receiver::Received| {
        received.headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1.clone()
    };
    assert_eq!((id(&told), &told.body), (id(&again), &again.body));
    assert_eq!(id(&told), format!("msg_{run}"));
    let delivered = record("delivered");
    assert_eq!((delivered["attempts"].as_array().unwrap().len(), is_off()), (2, json!(false)), "{delivered}");
    // Of what nobody was to be told there is nothing to send.
    drop_csv(&service.folder, "accounts_import", "20210228", "accounts.csv.gz", "id\n1\n");
    mark(&service.folder, "accounts_import", "20210228");
    let run = service.curl(&POLL.replace("px-users", "px-accounts")).json()["runs"][0]["_id"].clone();
    let run = run.as_str().unwrap();
    let refused = service.curl(&format!("-X POST '/openidm/dropFolder/px-accounts/run/{run}?_action=sendCallback'"));
    insta::assert_snapshot!(refused.shown(), @r#"
    409
    {"code":409,"reason":"Conflict","message":"the drop folder 'px-accounts' has no callback any more"}
    "#);
}
