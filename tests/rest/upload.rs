//! Files are uploaded.

use std::fs;

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::service::Service;

pub(super) const USERS: &str =
    "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,bjensen@example.com\nscarter,Sam,Carter,scarter@example.com\n";

pub(super) const TO_USERS: &str = "managed/user?uniqueProperty=userName";

pub(super) fn service() -> Service {
    Service::on(Folder::new().file("users.csv", USERS))
}

/// Nothing was queued, and nothing is in the spool.
#[track_caller]
pub(super) fn nothing_is_left(service: &Service) {
    let imports = service.curl("/openidm/csv/metadata?_queryFilter=true").json();
    assert_eq!(imports["result"], json!([]));
    assert_eq!(spooled(service), Vec::<String>::new());
}

pub(super) fn spooled(service: &Service) -> Vec<String> {
    service.folder.spooled()
}

pub(super) fn counts(metadata: &Value) -> [u64; 5] {
    ["total", "created", "updated", "unchanged", "failure"].map(|name| metadata[name].as_u64().unwrap())
}

#[test]
fn a_file_becomes_an_import() {
    let service = service();
    let ids = service.upload(TO_USERS, "users.csv");
    assert_eq!(ids.len(), 1);
    let metadata = service.finished(&ids[0]);
    assert_eq!(counts(&metadata), [2, 2, 0, 0, 0]);
    assert_eq!(metadata["filename"], "users.csv");
    assert_eq!(metadata["origin"], "upload");
    assert_eq!(metadata["authId"], "openidm-admin");
    assert_eq!(spooled(&service), Vec::<String>::new());
    let again = service.upload(TO_USERS, "users.csv");
    assert_eq!(counts(&service.finished(&again[0])), [2, 0, 0, 2, 0]);
}

#[test]
fn several_files_become_imports_in_their_order() {
    let service = Service::on(
        Folder::new()
            .file("users.csv", USERS)
            .file("more.csv", "\u{feff}userName,givenName,sn,mail,preferences/updates\r\njdoe,\"Jo,\r\nAnn\",Doe,jo@example.com,true\r\n")
            .file("none.csv", "userName,sn\n"),
    );
    let reply = service.curl(&format!(
        "--form upload=@users.csv --form comment=hello --form upload=@more.csv --form 'other=@none.csv;type=text/csv' \
         '/upload/csv/{TO_USERS}'"
    ));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let ids = reply.json()["importUUIDs"].as_array().unwrap().clone();
    let ended: Vec<Value> = ids.iter().map(|id| service.finished(id.as_str().unwrap())).collect();
    let names: Vec<&Value> = ended.iter().map(|metadata| &metadata["filename"]).collect();
    assert_eq!(names, ["users.csv", "more.csv", "none.csv"]);
    assert_eq!(ended.iter().map(counts).collect::<Vec<_>>(), [[2, 2, 0, 0, 0], [1, 1, 0, 0, 0], [0; 5]]);
    let jo = service.folder.run("objects list managed/user --filter 'userName eq \"jdoe\"' --json").json().remove(0);
    assert_eq!((&jo["givenName"], &jo["preferences"]), (&json!("Jo,\r\nAnn"), &json!({"updates": true})));
}

#[test]
fn what_is_wrong_with_the_request_is_said() {
    let service = service();
    let cases = [
        (
            "--form upload=@users.csv '/upload/csv/managed/user'",
            400,
            "the parameter 'uniqueProperty' is required: the properties, separated by commas, that together find the existing object",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=%20,/'",
            400,
            "the parameter 'uniqueProperty' is required: the properties, separated by commas, that together find the existing object",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=username'",
            400,
            "managed/user has no property 'username' (did you mean 'userName'?)",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=city'",
            400,
            "users.csv, row 1: the header does not fit managed/user: missing column 'city'",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/nobody?uniqueProperty=userName'",
            404,
            "there is no object type 'managed/nobody'; there are managed/assignment, managed/px_account, managed/px_user, managed/role, managed/user",
        ),
        (
            "--form upload=@users.csv '/upload/csv/system/user?uniqueProperty=userName'",
            400,
            "'system/user' is no name of an object type: object types are named managed/NAME",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/a/b?uniqueProperty=userName'",
            400,
            "'managed/a/b' is no name of an object type: after managed/ come letters, digits, '_' and '-'",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName&dryrun=true'",
            400,
            "there is no parameter 'dryrun' here (did you mean 'dryRun'?); there are uniqueProperty, dryRun, atomic, blankCells, dateFormat, timeZone",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName&dryRun=yes'",
            400,
            "the parameter 'dryRun' is 'true' or 'false', not 'yes'",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName&atomic=true&atomic=false'",
            400,
            "Multiple values provided for the single-valued request parameter 'atomic'",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName&blankCells=no'",
            400,
            "the parameter 'blankCells' is 'keep' or 'clear', not 'no'",
        ),
        (
            "--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName&timeZone=Mars'",
            400,
            "'Mars' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul",
        ),
        (
            "--data-binary @users.csv --header Content-Type:text/csv '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "the Content-Type is 'text/csv', not multipart/form-data: send files as parts of a form, as curl --form upload=@FILE does",
        ),
        (
            "--request POST '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "the request has no Content-Type: send files as parts of a form, as curl --form upload=@FILE does",
        ),
        (
            "--data-binary @users.csv --header Content-Type:multipart/form-data '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "the Content-Type 'multipart/form-data' names no boundary",
        ),
        (
            "--data-binary @users.csv --header 'Content-Type:multipart/form-data; boundary=x' '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "the request is not well-formed multipart/form-data: it ends too early, or a boundary is not where it has to be",
        ),
        (
            "--form comment=hello '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "there is no file in the request: a file is a part with a file name",
        ),
        (
            "--form 'upload=;filename=' '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "there is no file in the request: a file is a part with a file name",
        ),
        (
            "--form upload=@users.csv --header Content-Encoding:gzip '/upload/csv/managed/user?uniqueProperty=userName'",
            415,
            "the Content-Encoding 'gzip' is not taken: send the form as it is; its files may be gzip",
        ),
        (
            "--form upload=@users.csv --header 'Idempotency-Key: a b' '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "the header 'Idempotency-Key' has 1 to 255 visible characters of ASCII",
        ),
        (
            "--request GET '/upload/csv/managed/user?uniqueProperty=userName'",
            405,
            "'/upload/csv/managed/user' does not take GET",
        ),
        ("--request DELETE '/upload/csv/managed/user'", 405, "'/upload/csv/managed/user' does not take DELETE"),
    ];
    for (typed, status, message) in cases {
        let reply = service.curl(typed);
        assert_eq!((reply.status, reply.message()), (status, message.to_owned()), "{typed}");
        assert_eq!(reply.json()["code"], status);
    }
    nothing_is_left(&service);
}

/// All files of a request or none: one that is wrong refuses them all, wherever it stands.
#[test]
fn what_is_wrong_with_a_file_refuses_all() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "wrong.csv: the file is empty"),
        (b"\n\n", "wrong.csv: the file is empty"),
        (
            b"userName,sn\na,\"b\n",
            "wrong.csv, row 2, column 'sn': the quote that opens column 2, in line 2 of the file, is never closed",
        ),
        (
            b"userName,sn\na,\"b\"c\n",
            "wrong.csv, row 2, column 'sn': 'c' follows the closing quote of column 2, in line 2 of the file, where only a comma or the end of the record may come: a quote within a quoted cell is written twice",
        ),
        (
            b"userName,sn,sn\n",
            "wrong.csv, row 1: the header does not fit managed/user: column 'sn' stands twice (columns 2 and 3)",
        ),
        (
            b"userName,maill\n",
            "wrong.csv, row 1: the header does not fit managed/user: unknown column 'maill' (column 2) (did you mean 'mail'?)",
        ),
        (
            b"userName,password\n",
            "wrong.csv, row 1: the header does not fit managed/user: column 'password' (column 2) is private and cannot be imported",
        ),
        (
            b"userName;sn\n",
            "wrong.csv, row 1: the header does not fit managed/user: the header 'userName;sn' seems to be separated by ';': columns are separated by commas",
        ),
        (
            b"userName,sn\na,M\xe1laga\n",
            "wrong.csv, row 2, column 'sn': byte 0xE1 at offset 15 of the file is not UTF-8: looks like Windows-1252 ('\u{e1}'); save the file as CSV UTF-8",
        ),
        (
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
            "wrong.csv: the gzip data ends too early, after 0 bytes of text: the file is not complete",
        ),
    ];
    for (content, message) in cases {
        let service = Service::on(Folder::new().file("users.csv", USERS).file("wrong.csv", content));
        for files in [
            "--form a=@wrong.csv",
            "--form a=@users.csv --form a=@wrong.csv --form a=@users.csv",
            "--form a=@wrong.csv --form a=@users.csv",
        ] {
            let reply = service.curl(&format!("{files} '/upload/csv/{TO_USERS}'"));
            assert_eq!((reply.status, reply.message()), (400, (*message).to_owned()), "{files}");
        }
        nothing_is_left(&service);
    }
}

/// A service that takes so many bytes of files.
fn service_within(max_size: usize) -> Service {
    let folder = Folder::new().file("rollbook-data/rollbook.toml", format!("[upload]\nmax_size = '{max_size}'\n"));
    Service::on(folder.file("users.csv", USERS))
}

#[test]
fn the_limit_of_size_is_of_all_files_to_the_byte() {
    let tight = USERS.len();
    let message = |limit| format!("the files of the request have more than {limit} bytes, the most that is allowed");
    for (limit, files, status) in [
        (tight, "--form a=@users.csv", 200),
        (tight - 1, "--form a=@users.csv", 413),
        (2 * tight, "--form a=@users.csv --form a=@users.csv", 200),
        (2 * tight - 1, "--form a=@users.csv --form a=@users.csv", 413),
    ] {
        let service = service_within(limit);
        // With a length in front, and without.
        for how in ["", "--header Transfer-Encoding:chunked"] {
            let reply = service.curl(&format!("{how} {files} '/upload/csv/{TO_USERS}'"));
            assert_eq!(reply.status, status, "{limit} {files} {how}: {}", reply.body);
            if status == 413 {
                let problem = reply.json();
                assert_eq!(problem["reason"], "Request Entity Too Large");
                assert_eq!(problem["message"], message(limit));
                nothing_is_left(&service);
            }
        }
    }
}

/// Fifty megabytes, as PingIDM.
#[test]
fn the_standard_limit() {
    let service = service();
    let mut content = USERS.as_bytes().to_vec();
    content.resize(52_428_800, b'\n');
    for (more, status) in [(&b""[..], 200), (b"\n", 413)] {
        content.extend_from_slice(more);
        fs::write(service.folder.path("large.csv"), &content).unwrap();
        let reply = service.curl(&format!("--form upload=@large.csv '/upload/csv/{TO_USERS}'"));
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    let far_over =
        service.curl(&format!("--header Content-Length:99999999999 --form a=@users.csv '/upload/csv/{TO_USERS}'"));
    assert_eq!(far_over.status, 413);
}

#[test]
fn a_file_has_so_many_records_at_most() {
    let folder = Folder::new().file("rollbook-data/rollbook.toml", "[upload]\nmax_records = 1\nmax_size = '0'\n");
    let service = Service::on(folder.file("users.csv", USERS));
    let reply = service.curl(&format!("--form a=@users.csv '/upload/csv/{TO_USERS}'"));
    assert_eq!(reply.status, 400);
    assert_eq!(reply.message(), "users.csv: the file has 2 records, and 1 are allowed");
    nothing_is_left(&service);
}

#[test]
fn the_choices_of_an_upload() {
    let service = Service::on(
        Folder::new()
            .file("users.csv", USERS)
            .file("blank.csv", "userName,givenName,sn,mail,city\nbjensen,Babs,Jensen,bjensen@example.com,\n")
            .file("city.csv", "userName,givenName,sn,mail,city\nbjensen,Barbara,Jensen,bjensen@example.com,Oslo\n")
            .file("half.csv", "userName,givenName,sn,mail\nnew,N,New,new@example.com\nbad,B,Bad,nowhere\n")
            .file("px.csv", "id,signUpDate\n7,31.12.2025 13:00\n8,2026-01-02T03:04:05Z\n"),
    );
    let upload = |to: &str, file: &str| service.finished(&service.upload(to, file)[0]);
    let city = || {
        service.folder.run("objects list managed/user --filter 'userName eq \"bjensen\"' --json").json()[0]["city"]
            .clone()
    };
    let _ = upload(TO_USERS, "city.csv");
    assert_eq!(counts(&upload(&format!("{TO_USERS}&blankCells=keep"), "blank.csv")), [1, 0, 1, 0, 0]);
    assert_eq!(city(), "Oslo");
    assert_eq!(counts(&upload(&format!("{TO_USERS}&blankCells=clear"), "blank.csv")), [1, 0, 1, 0, 0]);
    assert_eq!(city(), Value::Null);
    let refused = upload(&format!("{TO_USERS}&atomic=true"), "half.csv");
    assert_eq!((refused["state"].as_str(), counts(&refused)), (Some("failed"), [2, 0, 0, 0, 1]));
    assert_eq!(counts(&upload(&format!("{TO_USERS}&atomic=false&_prettyPrint=true"), "half.csv")), [2, 1, 0, 0, 1]);
    let dates =
        "managed/px_user?uniqueProperty=/id&dateFormat=dd.MM.yyyy+HH:mm&dateFormat=iso8601&timeZone=Europe/Oslo";
    assert_eq!(counts(&upload(dates, "px.csv")), [2, 2, 0, 0, 0]);
    let moment =
        service.folder.run("objects list managed/px_user --filter 'id eq \"7\"' --json").json()[0]["signUpDate"]
            .clone();
    assert_eq!(moment, "2025-12-31T12:00:00Z");
}

/// A dry run changes nothing and keeps its bytes, which can then be applied as they are.
#[test]
fn a_dry_run_is_applied() {
    let service = service();
    let id = &service.upload(&format!("{TO_USERS}&dryRun=true"), "users.csv")[0];
    let metadata = service.finished(id);
    assert_eq!((counts(&metadata), metadata["dryRun"].as_bool()), ([2, 2, 0, 0, 0], Some(true)));
    assert_eq!(service.folder.objects("managed/user"), "");
    assert_eq!(spooled(&service), [format!("{id}.csv")]);
    let _ = service.folder.run(&format!("imports apply {id}")).success();
    assert_eq!(service.folder.objects("managed/user").lines().count(), 2);
    let applied = service.finished(&service.folder.last_import());
    assert_eq!((counts(&applied), applied["authId"].as_str()), ([2, 2, 0, 0, 0], Some("barbara")));
}

/// What failed is downloaded, corrected and uploaded again.
#[test]
fn a_corrected_failures_file_is_uploaded() {
    let wrong = USERS.replace("scarter@example.com", "nowhere").replace("Sam", "=Sam");
    let service = Service::on(Folder::new().file("users.csv", wrong));
    let id = &service.upload(TO_USERS, "users.csv")[0];
    assert_eq!(counts(&service.finished(id)), [2, 1, 0, 0, 1]);
    let failures = service.folder.run(&format!("imports failures {id}")).stdout();
    fs::write(service.folder.path("corrected.csv"), failures.replace("nowhere", "sam@example.com")).unwrap();
    let corrected = service.finished(&service.upload(TO_USERS, "corrected.csv")[0]);
    assert_eq!(counts(&corrected), [1, 1, 0, 0, 0]);
    let sam =
        service.folder.run("objects list managed/user --filter 'userName eq \"scarter\"' --json").json().remove(0);
    assert_eq!((sam["givenName"].as_str(), sam.get("_importError")), (Some("=Sam"), None));
}

#[test]
fn a_full_disk() {
    let mut large = USERS.to_owned();
    large.extend((0..60_000).map(|n| format!("user{n},Jo,Doe,user{n}@example.com\n")));
    let service = Service::within(1500, Folder::new().file("users.csv", USERS).file("large.csv", large));
    for files in ["--form a=@large.csv", "--form a=@users.csv --form a=@large.csv"] {
        let reply = service.curl(&format!("{files} '/upload/csv/{TO_USERS}'"));
        let problem = reply.json();
        assert_eq!((reply.status, problem["reason"].as_str()), (507, Some("Resource Exception")), "{problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.starts_with("large.csv: the file could not be spooled: "), "{message}");
        nothing_is_left(&service);
    }
    // What fits is taken.
    let id = &service.upload(TO_USERS, "users.csv")[0];
    assert_eq!(counts(&service.finished(id)), [2, 2, 0, 0, 0]);
}

#[test]
fn who_may_upload() {
    let service = service();
    for (typed, status) in [
        ("--name looks --role viewer", 403),
        ("--name roles --role importer --types managed/role", 404),
        ("--name users --role importer --types managed/user", 200),
    ] {
        let reply = service.ask(&service.token(typed), &format!("--form a=@users.csv '/upload/csv/{TO_USERS}'"));
        assert_eq!(reply.status, status, "{typed}: {}", reply.body);
        if status != 200 {
            nothing_is_left(&service);
        }
    }
    let metadata = service.finished(&service.folder.last_import());
    assert_eq!(metadata["authId"], "users");
}
