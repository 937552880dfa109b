//! An endpoint that is told of runs, and answers as a test says.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running endpoint, on a free port of 127.0.0.1.
#[must_use]
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    received: Mutex<Vec<Received>>,
    more: Condvar,
    on_request: Box<dyn Fn() -> String + Send + Sync>,
}

/// What an endpoint does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Answers so, with these further headers.
    Status(u16, &'static str),
    /// Reads the request and never answers.
    Silence,
    /// Answers with 200 and a body that never ends.
    Endless,
    /// Hangs up without an answer.
    HangUp,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    /// `POST /prd/data-export HTTP/1.1`.
    pub(crate) first_line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// What was seen at that moment.
    pub(crate) seen: String,
}

impl Receiver {
    /// Given an endpoint that answers so, one after the other, and then always with the last.
    pub(crate) fn new(answers: &[Answer]) -> Receiver {
        Receiver::seeing(answers, String::new)
    }

    /// The same, which looks at something whenever a request comes, before it answers.
    pub(crate) fn seeing(answers: &[Answer], look: impl Fn() -> String + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/prd/data-export", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            answers: Mutex::new(answers.iter().cloned().collect()),
            received: Mutex::default(),
            more: Condvar::new(),
            on_request: Box::new(look),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        Receiver { url, shared }
    }

    /// What has come once there are so many requests.
    pub(crate) fn received(&self, count: usize) -> Vec<Received> {
        let received = self.shared.received.lock().unwrap();
        let waiting = |received: &mut Vec<Received>| received.len() < count;
        let (received, waited) = self.shared.more.wait_timeout_while(received, PATIENCE, waiting).unwrap();
        assert!(!waited.timed_out(), "{} requests came and not {count}", received.len());
        received.clone()
    }

    /// How many requests have come so far.
    pub(crate) fn count(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let Some(mut received) = read(&stream) else { return };
        received.seen = (self.on_request)();
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
        };
        self.received.lock().unwrap().push(received);
        self.more.notify_all();
        // Whoever has asked may be gone.
        let _ = match answer {
            Answer::Status(status, headers) => {
                write!(stream, "HTTP/1.1 {status} Said\r\n{headers}content-length: 2\r\nconnection: close\r\n\r\nok")
            }
            Answer::Silence => stream.read_to_end(&mut Vec::new()).map(drop),
            Answer::Endless => {
                let mut sent = write!(stream, "HTTP/1.1 200 OK\r\n\r\n");
                while sent.is_ok() {
                    sent = stream.write_all(&[b'x'; 4096]);
                }
                sent
            }
            Answer::HangUp => Ok(()),
        };
    }
}

/// The request, if the connection brings one.
fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap_or(0);
        line.trim_end().to_owned()
    };
    let first_line = line();
    if first_line.is_empty() {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    Some(Received { at: Instant::now(), first_line, headers, body, seen: String::new() })
}

impl Received {
    /// The only header of this name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = &found.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).1;
        assert!(found.next().is_none(), "{name} comes twice");
        value
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}
