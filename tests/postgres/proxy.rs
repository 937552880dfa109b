//! A way to the database that is cut when a test says so.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::Folder;

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cut {
    Never,
    /// Once, when so many bytes have gone through all connections together.
    OnceAfter(u64),
    /// Each connection, when so many bytes have gone through it.
    EachAfter(u64),
    /// When this COMMIT is on its way, which the server never sees.
    BeforeCommit(u64),
    /// When the server has done this COMMIT, which nobody hears of.
    AfterCommit(u64),
    /// The same, and nobody gets through any more.
    GoneAfterCommit(u64),
}

/// A running proxy, on a free port of 127.0.0.1.
#[must_use]
pub(super) struct Proxy {
    /// The address of the database through it.
    pub(super) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    cut: Mutex<Cut>,
    is_cut: AtomicBool,
    passed: AtomicU64,
    commits: AtomicU64,
}

impl Proxy {
    /// Given a way to a folder's database.
    pub(super) fn to(folder: &Folder) -> Proxy {
        let direct = folder.variables().remove(0).1;
        let (before, rest) = direct.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{before}@{}/{database}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            cut: Mutex::new(Cut::Never),
            is_cut: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            commits: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if serving.is_gone() {
                    continue;
                }
                // The database is gone with its test.
                let Ok(server) = TcpStream::connect(&serving.server) else { return };
                Link::start(&serving, client.unwrap(), server);
            }
        });
        Proxy { url, shared }
    }

    /// From now on it is cut then, and counted anew.
    pub(super) fn cut(&self, when: Cut) {
        *self.shared.cut.lock().unwrap() = when;
        self.shared.is_cut.store(false, Ordering::SeqCst);
        self.shared.passed.store(0, Ordering::SeqCst);
        self.shared.commits.store(0, Ordering::SeqCst);
    }

    /// Whether it was cut.
    pub(super) fn was_cut(&self) -> bool {
        self.shared.is_cut.load(Ordering::SeqCst)
    }

    /// How many bytes have gone through.
    pub(super) fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::SeqCst)
    }

    /// How many transactions were to be committed.
    pub(super) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn is_gone(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst) && matches!(*self.cut.lock().unwrap(), Cut::GoneAfterCommit(_))
    }
}

/// One connection.
struct Link {
    shared: Arc<Shared>,
    client: TcpStream,
    server: TcpStream,
    passed: AtomicU64,
    /// Whether the next answer is not to be heard.
    is_mute: AtomicBool,
}

impl Link {
    fn start(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) {
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let link = Link {
            shared: Arc::clone(shared),
            client,
            server,
            passed: AtomicU64::new(0),
            is_mute: AtomicBool::new(false),
        };
        let link = Arc::new(link);
        for way in [Link::up, Link::down] {
            let link = Arc::clone(&link);
            thread::spawn(move || {
                // It ends when somebody hangs up.
                let _ = way(&link);
                link.hang_up();
            });
        }
    }

    fn hang_up(&self) {
        for stream in [&self.client, &self.server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// From the client to the server, message by message.
    fn up(&self) -> Option<()> {
        let (mut pending, mut has_begun) = (Vec::new(), false);
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = (&self.client).read(&mut piece).ok().filter(|count| *count > 0)?;
            pending.extend_from_slice(&piece[..count]);
            while let Some(length) = length_of_message(&pending, has_begun) {
                let message: Vec<u8> = pending.drain(..length).collect();
                // What asks whether the server speaks TLS is not the beginning yet.
                has_begun |= length != 8;
                if message[0] == b'Q' && message.ends_with(b"COMMIT\0") {
                    self.commit()?;
                }
                self.pass(&message, &self.server)?;
            }
        }
    }

    /// From the server to the client.
    fn down(&self) -> Option<()> {
        let mut piece = vec![0; 64 << 10];
        let mut unheard = Vec::new();
        loop {
            let count = (&self.server).read(&mut piece).ok().filter(|count| *count > 0)?;
            if self.is_mute.load(Ordering::SeqCst) {
                unheard.extend_from_slice(&piece[..count]);
                if unheard.ends_with(b"Z\0\0\0\x05I") {
                    self.shared.is_cut.store(true, Ordering::SeqCst);
                    return None;
                }
                continue;
            }
            self.pass(&piece[..count], &self.client)?;
        }
    }

    fn commit(&self) -> Option<()> {
        let number = self.shared.commits.fetch_add(1, Ordering::SeqCst) + 1;
        match *self.shared.cut.lock().unwrap() {
            Cut::BeforeCommit(which) if which == number => {
                self.shared.is_cut.store(true, Ordering::SeqCst);
                return None;
            }
            Cut::AfterCommit(which) | Cut::GoneAfterCommit(which) if which == number => {
                self.is_mute.store(true, Ordering::SeqCst)
            }
            _ => {}
        }
        Some(())
    }

    /// Passes bytes on, up to where it is cut.
    fn pass(&self, bytes: &[u8], mut to: &TcpStream) -> Option<()> {
        let length = bytes.len() as u64;
        let before = self.shared.passed.fetch_add(length, Ordering::SeqCst);
        let here = self.passed.fetch_add(length, Ordering::SeqCst);
        let cut = *self.shared.cut.lock().unwrap();
        let left = match cut {
            Cut::OnceAfter(limit) if (before..before + length).contains(&limit) => limit - before,
            Cut::EachAfter(limit) if here + length > limit => limit.saturating_sub(here),
            _ => {
                return to.write_all(bytes).ok();
            }
        };
        self.shared.is_cut.store(true, Ordering::SeqCst);
        let _ = to.write_all(&bytes[..left as usize]);
        None
    }
}

/// The length of the client's first message, once it is there. The very first ones have no letter in front.
fn length_of_message(bytes: &[u8], has_begun: bool) -> Option<usize> {
    let letters = usize::from(has_begun);
    let length = bytes.get(letters..letters + 4)?;
    let length = u32::from_be_bytes(length.try_into().unwrap()) as usize + letters;
    (bytes.len() >= length).then_some(length)
}
