//! Uploads that end too early, at any byte.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::upload::{TO_USERS, USERS, nothing_is_left, service, spooled};
use crate::service::{ADMIN, Service};

/// An upload of which a part was sent.
pub(super) struct Cut<'s> {
    service: &'s Service,
    stream: TcpStream,
}

impl<'s> Cut<'s> {
    /// Begins an upload with these headers more, and waits until the service has some of its file.
    pub(super) fn begin(service: &'s Service, headers: &str) -> Cut<'s> {
        let body = body(&["users.csv"]);
        let mut stream = TcpStream::connect(service.address.strip_prefix("http://").unwrap()).unwrap();
        stream.write_all(head(&format!("Content-Length: {}\r\n{headers}", body.len())).as_bytes()).unwrap();
        stream.write_all(&body[..body.len() / 2]).unwrap();
        // Before it has its name nobody knows whose it is, and it is left alone for a while.
        until(|| spooled(service).iter().any(|name| name.ends_with(".incoming")));
        Cut { service, stream }
    }

    /// Goes away, and waits until the service has seen it.
    pub(super) fn end(self) {
        drop(self.stream);
        until(|| spooled(self.service).is_empty());
    }
}

fn head(headers: &str) -> String {
    format!(
        "POST /upload/csv/{TO_USERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\n\
         Content-Type: multipart/form-data; boundary=cut\r\n{headers}\r\n"
    )
}

fn body(files: &[&str]) -> Vec<u8> {
    let part = |name: &&str| {
        format!("--cut\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"{name}\"\r\n\r\n{USERS}\r\n")
    };
    let parts: String = files.iter().map(part).collect();
    format!("{parts}--cut--\r\n").into_bytes()
}

fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain");
        sleep(Duration::from_millis(1));
    }
}

fn connect(service: &Service) -> TcpStream {
    TcpStream::connect(service.address.strip_prefix("http://").unwrap()).unwrap()
}

/// The status of what is answered, and nothing if the connection just ends.
fn answer(mut stream: TcpStream) -> Option<u16> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap().split(' ').nth(1).map(|status| status.parse().unwrap())
}

/// The client goes away, or says that it is through: both ways, at every seventh byte and near the end at every one.
#[test]
fn nothing_is_left_of_what_was_cut() {
    let service = service();
    let body = body(&["users.csv", "more.csv"]);
    let head = head(&format!("Content-Length: {}\r\nConnection: close\r\n", body.len()));
    let places = (0..body.len()).step_by(7).chain(body.len() - 12..body.len());
    for place in places {
        for goes_away in [true, false] {
            let mut stream = connect(&service);
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body[..place]).unwrap();
            match goes_away {
                true => drop(stream),
                false => {
                    stream.shutdown(Shutdown::Write).unwrap();
                    assert!(matches!(answer(stream), None | Some(400)), "{place}");
                }
            }
        }
    }
    until(|| spooled(&service).is_empty());
    nothing_is_left(&service);
    // The whole of it is fine.
    let mut stream = connect(&service);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    assert_eq!(answer(stream), Some(200));
}

/// The service dies, and begins the next life with a clean spool.
#[test]
fn nothing_is_left_of_what_was_coming_in_when_the_service_died() {
    let mut service = service();
    let stream = Cut::begin(&service, "").stream;
    service.kill();
    drop(stream);
    assert_eq!(spooled(&service).len(), 1);
    service.restart();
    until(|| spooled(&service).is_empty());
    nothing_is_left(&service);
}

/// A chunked body without its last chunk is cut as well, although its last part is there.
#[test]
fn a_chunked_body_has_a_last_chunk() {
    let service = service();
    let body = body(&["users.csv"]);
    for (end, status) in [("", None), ("0\r\n\r\n", Some(200))] {
        let mut stream = connect(&service);
        stream.write_all(head("Transfer-Encoding: chunked\r\nConnection: close\r\n").as_bytes()).unwrap();
        for piece in body.chunks(5) {
            write!(stream, "{:x}\r\n", piece.len()).unwrap();
            stream.write_all(piece).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        stream.write_all(end.as_bytes()).unwrap();
        match status {
            None => {
                stream.shutdown(Shutdown::Write).unwrap();
                let answered = answer(stream);
                assert!(matches!(answered, None | Some(400)));
                until(|| spooled(&service).is_empty());
                nothing_is_left(&service);
            }
            status => assert_eq!(answer(stream), status),
        }
    }
}

/// Bodies that no client sends by itself.
#[test]
fn odd_forms() {
    let file = |headers: &str| format!("--cut\r\n{headers}\r\n\r\n{USERS}\r\n");
    let upload = file("Content-Disposition: form-data; name=upload; filename=users.csv");
    let many = |count: usize, part: &str| format!("{}--cut--\r\n", part.repeat(count));
    let field = "--cut\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n";
    let cases = [
        (format!("preamble\r\n{upload}--cut--\r\nepilogue"), 200),
        (format!("{upload}--cut--"), 200),
        (format!("{}--cut--\r\n", file("content-disposition:form-data;filename=\"a--cut\"\r\nX-More: 1")), 200),
        // The boundary at the start of a line is one, elsewhere it is data.
        (many(1, &upload.replace("\r\n\r\n", "\r\n\r\n--cu")), 400),
        (many(1, &upload.replace("Sam", "Sam--cut")), 200),
        (many(1, &upload.replace("\r\n", "\n")), 400),
        (many(1, &file("X-None: 1")), 400),
        (many(1, &file("Content Disposition: no")), 400),
        (many(100, &upload), 200),
        (many(101, &upload), 400),
        (format!("{}{}", field.repeat(999), many(1, &upload)), 200),
        (format!("{}{}", field.repeat(1000), many(1, &upload)), 400),
        (many(1, &field.replace("\r\nb\r\n", &format!("\r\n{}\r\n", "b".repeat(3 << 20)))), 400),
        (many(1, &file(&format!("X-Long: {}", "x".repeat(3 << 20)))), 400),
        (format!("{}{upload}--cut--\r\n", "x".repeat(3 << 20)), 400),
        (format!("{upload}--cut--\r\n{}", "x".repeat(3 << 20)), 400),
        ("--cut--\r\n".to_owned(), 400),
        (String::new(), 400),
    ];
    for (body, status) in cases {
        let service = service();
        let mut stream = connect(&service);
        stream.write_all(head(&format!("Content-Length: {}\r\nConnection: close\r\n", body.len())).as_bytes()).unwrap();
        // It may be refused before all of it was sent.
        let _ = stream.write_all(body.as_bytes());
        let answered = answer(stream);
        let begin: String = body.chars().take(200).collect();
        assert_eq!(answered, Some(status), "{begin}");
        if status == 400 {
            nothing_is_left(&service);
        }
    }
}
