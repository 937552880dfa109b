//! What goes over the wire: requests as clients really send them, byte by byte where need be.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::service::{ADMIN, Service};

const USERS: &str = "userName,givenName,sn,mail\n\"GET \"\"b\"\"\",Barbara,Jensen,b@example.com\n";

/// A file of this length, which takes no room on the disk.
fn sparse(folder: &Folder, name: &str, length: u64) {
    std::fs::File::create(folder.path(name)).unwrap().set_len(length).unwrap();
}

fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.address.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Everything that is said until the connection is closed.
fn heard(mut stream: &TcpStream) -> String {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    String::from_utf8(heard).unwrap()
}

/// The statuses of the answers on a connection.
fn statuses(heard: &str) -> Vec<&str> {
    heard.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {ADMIN}\r\n")
}

#[test]
fn quotes_in_addresses_are_what_they_mean() {
    let service = Service::new();
    let template = "/openidm/csv/template?resourceCollection=managed/role";
    for foreign in ["\"", "<", ">", "{", "}", "|", "\\", "^", "`", "ä"] {
        let reply = service.curl(&format!("/openidm/csv/template?resourceCollection={foreign}managed/role"));
        assert_eq!(reply.status, 400, "{foreign}");
        assert!(reply.message().contains(foreign), "{}", reply.body);
    }
    // curl keeps the connection for the second request.
    let mut curl = service.command();
    curl.args(["--header", &format!("Authorization: Bearer {ADMIN}")]);
    curl.args([0, 1].map(|_| format!("{}{template}&_mimeType='text/plain'&_fields=header&x=\"y\"", service.address)));
    let output = curl.arg("--verbose").output().unwrap();
    let (told, answers) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
    assert!(told.contains("Re-using existing"), "{told}");
    assert_eq!(statuses(&answers), ["200", "200"], "{answers}");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let service = Service::new();
    let mut stream = connect(&service);
    stream.set_nodelay(true).unwrap();
    let request = get("/openidm/csv/template?resourceCollection=\"managed/role\"") + "Connection: close\r\n\r\n";
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    let heard = heard(&stream);
    assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("'\\\"managed/role\\\"'"), "{heard}");
}

#[test]
fn bodies_are_left_alone() {
    let service = Service::new();
    let (head, form) = upload("Content-Length: LENGTH");
    let counted = head + &form;
    let (head, form) = upload("Transfer-Encoding: chunked");
    let chunked = head + &format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len());
    let mut stream = connect(&service);
    let last = get("/openidm/csv/template?x=%22") + "Connection: close\r\n\r\n";
    stream.write_all((counted.clone() + &counted + &chunked + &last).as_bytes()).unwrap();
    let heard = heard(&stream);
    assert_eq!(statuses(&heard), ["200", "200", "200", "400"], "{heard}");
    let imports = service.folder.run("imports list --json").json();
    assert_eq!(imports.len(), 3);
    for import in imports {
        let id = import["_id"].as_str().unwrap().to_owned();
        while service.folder.run(&format!("imports show {id} --json")).json()[0].get("end").is_none() {}
    }
    assert!(service.folder.objects("managed/user").contains(r#""userName":"GET \"b\"""#));
}

/// The head and the body of an upload of a user.
fn upload(framing: &str) -> (String, String) {
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"users.csv\"\r\n\r\n{USERS}\r\n--b--\r\n"
    );
    let head = get("/upload/csv/managed/user?uniqueProperty=userName").replacen("GET", "POST", 1);
    let framing = framing.replace("LENGTH", &form.len().to_string());
    (format!("{head}Content-Type: multipart/form-data; boundary=b\r\n{framing}\r\n\r\n"), form)
}

#[test]
fn what_is_refused_is_refused_at_once() {
    let service = Service::new();
    sparse(&service.folder, "large", 2 << 30);
    sparse(&service.folder, "too_large", 60 << 20);
    let upload = "--form upload=@large /upload/csv/managed/user?uniqueProperty=userName";
    for expect in ["", "--header Expect:"] {
        let reply = service.curl(&format!("{expect} --header 'Authorization: Bearer wrong' {upload}"));
        assert_eq!(reply.status, 401);
        assert_eq!(reply.header("connection"), Some("close"));
        let reply = service.curl(&format!("{expect} {upload}"));
        assert_eq!(reply.status, 413, "{}", reply.body);
        let post = "--request POST --upload-file too_large";
        let reply = service.curl(&format!("{expect} {post} /openidm/managed/user?_action=create"));
        insta::allow_duplicates! { insta::assert_snapshot!(reply.shown(), @r#"
        413
        {"code":413,"reason":"Request Entity Too Large","message":"the body is larger than 5242880 bytes"}
        "#) };
    }
}

/// As browsers do: everything is sent before anything is read.
#[test]
fn a_refusal_is_read_by_who_sends_first() {
    let service = Service::new();
    let mut stream = connect(&service);
    let (post, length) = (get("/openidm/managed/user?_action=create").replacen("GET", "POST", 1), 60 << 20);
    let head = format!("{post}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..60 {
        stream.write_all(&piece).unwrap();
    }
    let heard = heard(&stream);
    assert_eq!(statuses(&heard), ["413"], "{heard}");
    assert!(heard.to_lowercase().contains("connection: close"), "{heard}");
}

#[test]
fn nobody_is_asked_to_go_on_for_nothing() {
    let service = Service::new();
    let asked = |token: &str, path: &str, length: u64| {
        let mut stream = connect(&service);
        let head = get(path).replacen("GET", "POST", 1).replace(ADMIN, token);
        let rest =
            format!("Content-Type: application/json\r\nExpect: 100-Continue\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + &rest).as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        if first.ends_with(b"100") {
            stream.shutdown(Shutdown::Both).unwrap();
        }
        String::from_utf8(first[9..].to_vec()).unwrap()
    };
    let create = "/openidm/managed/user?_action=create";
    assert_eq!(asked("wrong", create, 100), "401");
    assert_eq!(asked(ADMIN, create, 6 << 20), "413");
    assert_eq!(asked(ADMIN, create, 100), "100");
    assert_eq!(service.curl("--header 'Expect: tea' /openidm/csv/template").status, 417);
}

#[test]
fn a_request_ends_in_one_place() {
    let service = Service::new();
    let lengths = ["Content-Length: 4", "Transfer-Encoding: chunked"];
    for [first, second] in [lengths, [lengths[1], lengths[0]]] {
        let mut stream = connect(&service);
        let post = get("/openidm/csv/template").replacen("GET", "POST", 1);
        let good = get("/openidm/csv/template") + "\r\n";
        stream.write_all(format!("{good}{post}{first}\r\n{second}\r\n\r\n0\r\n\r\n{good}").as_bytes()).unwrap();
        let heard = heard(&stream);
        assert_eq!(statuses(&heard), ["400", "400"], "{heard}");
        assert!(heard.contains("a request has a Content-Length or a Transfer-Encoding, not both"), "{heard}");
    }
}

#[test]
fn what_breaks_off_leaves_nothing_behind() {
    let service = Service::new();
    let (head, form) = upload("Content-Length: LENGTH");
    for sent in [&form[..form.len() - 1], &form[..40], ""] {
        let mut stream = connect(&service);
        stream.write_all((head.clone() + sent).as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let heard = heard(&stream);
        assert!(!statuses(&heard).contains(&"200"), "{heard}");
    }
    assert!(service.folder.run("imports list --json").json().is_empty());
    assert_eq!(service.folder.spooled(), Vec::<String>::new());
}

/// Some clients close their side as soon as they have said everything.
#[test]
fn who_has_nothing_more_to_say_is_answered() {
    let service = Service::new();
    let (head, form) = upload("Content-Length: LENGTH");
    let template = get("/openidm/csv/template?resourceCollection=managed/role") + "\r\n";
    for request in [template.clone(), head + &form, template.clone() + &template] {
        let mut stream = connect(&service);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let heard = heard(&stream);
        assert!(!heard.is_empty() && statuses(&heard).iter().all(|status| *status == "200"), "{heard}");
    }
}

#[test]
fn what_cannot_be_read_is_a_problem_too() {
    let service = Service::new();
    let good = get("/openidm/csv/template");
    for (request, status, message) in [
        ("tea please\r\n\r\n".to_owned(), 400, "the request is not well-formed HTTP"),
        (good.clone() + "no header\r\n\r\n", 400, "the request is not well-formed HTTP"),
        (good.clone() + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "the request is not well-formed HTTP"),
        (get(&"/a".repeat(40_000)) + "\r\n", 414, "the address is too long"),
        (good.clone() + &"X: y\r\n".repeat(200) + "\r\n", 431, "the headers are too long or too many"),
        (good + "X: " + &"y".repeat(1 << 20), 431, "the headers are too long or too many"),
    ] {
        let mut stream = connect(&service);
        stream.write_all(request.as_bytes()).unwrap();
        let heard = heard(&stream);
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        for header in [
            "connection: close",
            "content-type: application/json; charset=UTF-8",
            "cache-control: no-cache",
            &format!("content-length: {}", body.len()),
        ] {
            assert!(head.lines().any(|line| line == header), "{header} in {head}");
        }
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["code"], &problem["message"]), (&json!(status), &json!(message)), "{body}");
    }
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let mut service = Service::new();
    let (head, form) = upload("Content-Length: LENGTH\r\nExpect: 100-continue");
    let mut stream = connect(&service);
    stream.write_all(head.as_bytes()).unwrap();
    // Now it is being read.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    service.terminate();
    while TcpStream::connect(stream.peer_addr().unwrap()).is_ok() {}
    stream.write_all(form.as_bytes()).unwrap();
    let heard = heard(&stream);
    assert_eq!(statuses(&heard), ["200"], "{heard}");
    assert_eq!(service.ended(), Some(0));
}

#[test]
fn slow_clients_hold_up_nobody() {
    let service = Service::new();
    let head = get("/openidm/csv/template") + "X: ";
    let slow: Vec<TcpStream> = (0..500)
        .map(|number: usize| {
            let mut stream = connect(&service);
            stream.write_all(&head.as_bytes()[..number % head.len()]).unwrap();
            stream
        })
        .collect();
    assert_eq!(service.curl("/openidm/csv/template?resourceCollection=managed/role&_fields=header").status, 200);
    drop(slow);
}

#[test]
fn patience_with_clients_ends() {
    let settings = "[server]\nheader_timeout = '300ms'\nbody_timeout = '300ms'\nmin_body_rate = '100'\n";
    let service = Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings));
    // Nothing, half a head, and nothing more behind a request.
    for sent in [String::new(), get("/healthz"), get("/healthz") + "\r\n"] {
        let mut stream = connect(&service);
        stream.write_all(sent.as_bytes()).unwrap();
        let heard = heard(&stream);
        assert_eq!(statuses(&heard).len(), usize::from(sent.ends_with("\r\n\r\n")), "{heard}");
    }
    let post = get("/openidm/managed/user?_action=create").replacen("GET", "POST", 1);
    for request in [
        post.clone() + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
        post + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{",
        upload("Content-Length: LENGTH").0 + "--b\r\n",
    ] {
        let mut stream = connect(&service);
        stream.write_all(request.as_bytes()).unwrap();
        let heard = heard(&stream);
        assert_eq!(statuses(&heard), ["408"], "{heard}");
        let (_, body) = heard.split_once("\r\n\r\n").unwrap();
        insta::allow_duplicates! { insta::assert_snapshot!(body, @r#"{"code":408,"reason":"Request Time-out","message":"the body came too slowly: less than 1 bytes in 300ms"}"#) };
    }
    assert!(service.folder.run("imports list --json").json().is_empty());
}
