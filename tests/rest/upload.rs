//! Files are uploaded.

use std::fs;

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::service::Service;

const USERS: &str =
    "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,bjensen@example.com\nscarter,Sam,Carter,scarter@example.com\n";

const TO_USERS: &str = "managed/user?uniqueProperty=userName";

fn service() -> Service {
    Service::on(Folder::new().file("users.csv", USERS))
}

/// Nothing was queued, and nothing is in the spool.
#[track_caller]
fn nothing_is_left(service: &Service) {
    let imports = service.curl("/openidm/csv/metadata?_queryFilter=true").json();
    assert_eq!(imports["result"], json!([]));
    assert_eq!(spooled(service), Vec::<String>::new());
}

fn spooled(service: &Service) -> Vec<String> {
    let files = fs::read_dir(service.folder.path("rollbook-data/spool")).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn counts(metadata: &Value) -> [u64; 5] {
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
            "there is no file in the request",
        ),
        (
            "--form 'upload=;filename=' '/upload/csv/managed/user?uniqueProperty=userName'",
            400,
            "there is no file in the request",
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
        assert_eq!((reply.status, reply.json()["message"].as_str().unwrap()), (status, message), "{typed}");
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
            assert_eq!((reply.status, reply.json()["message"].as_str().unwrap()), (400, *message), "{files}");
        }
        nothing_is_left(&service);
    }
}
