//! An OpenID Connect issuer for tests: keys, JWTs signed with them, and the answers that a service asks for.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// An issuer that answers on a free port of 127.0.0.1 until the test is over.
pub(crate) struct Issuer {
    /// `http://127.0.0.1:PORT`, which is its name too.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    /// How often the keys were asked for.
    asked: usize,
    is_silent: bool,
    /// What it says of itself besides.
    described: Value,
    /// What is given for a code, once.
    codes: HashMap<String, (u16, Value)>,
    /// What codes were redeemed with: the `Authorization` header, and the form.
    redeemed: Vec<(String, String)>,
}

/// A key pair.
pub(crate) struct Key {
    pub(crate) id: String,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    /// Given a new key for this algorithm.
    pub(crate) fn new(id: &str, algorithm: Algorithm) -> Key {
        let private = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(&generate("EC -pkeyopt ec_paramgen_curve:P-256", PKCS8)),
            Algorithm::ES384 => EncodingKey::from_ec_der(&generate("EC -pkeyopt ec_paramgen_curve:P-384", PKCS8)),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&generate("ED25519", PKCS8)),
            _ => EncodingKey::from_rsa_der(&generate("RSA -pkeyopt rsa_keygen_bits:2048", PKCS1)),
        };
        Key { id: id.to_owned(), algorithm, private }
    }

    /// What the issuer tells of it.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.clone());
        serde_json::to_value(jwk).unwrap()
    }

    /// A JWT with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.private).unwrap()
    }

    /// The same with a header of the test's own.
    pub(crate) fn sign_with(&self, header: Header, claims: &Value) -> String {
        encode(&header, claims, &self.private).unwrap()
    }
}

const PKCS1: &str = "rsa -traditional";

const PKCS8: &str = "pkcs8 -topk8 -nocrypt";

/// A private key in DER form, as the `openssl` command makes it and writes it.
fn generate(algorithm: &str, form: &str) -> Vec<u8> {
    let openssl = format!("openssl genpkey -algorithm {algorithm} | openssl {form} -outform DER");
    Command::new("sh").args(["-c", &openssl]).stderr(Stdio::null()).output().unwrap().stdout
}

impl Issuer {
    /// Given an issuer with these keys.
    pub(crate) fn new(keys: &[&Key]) -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Issuer { url: url.clone(), state: Arc::default() };
        issuer.publish(keys);
        let state = Arc::clone(&issuer.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &url, &state);
            }
        });
        issuer
    }

    /// Given that it has these keys from now on.
    pub(crate) fn publish(&self, keys: &[&Key]) {
        self.state.lock().unwrap().keys = keys.iter().map(|key| key.public()).collect();
    }

    /// Given that it does not answer from now on.
    pub(crate) fn fall_silent(&self) {
        self.state.lock().unwrap().is_silent = true;
    }

    /// Given that it describes itself with these members too.
    pub(crate) fn describe(&self, members: Value) {
        self.state.lock().unwrap().described = members;
    }

    /// Given that it gives this, with this status, for a code.
    pub(crate) fn give(&self, code: &str, status: u16, answer: Value) {
        self.state.lock().unwrap().codes.insert(code.to_owned(), (status, answer));
    }

    /// What codes were redeemed with: the `Authorization` header, and the form.
    pub(crate) fn redeemed(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().redeemed.clone()
    }

    /// How often its keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    /// Claims that are good, for somebody with these words in `scope`.
    pub(crate) fn claims(&self, scope: &str) -> Value {
        json!({ "iss": self.url, "aud": "rollbook", "exp": now() + 300, "sub": "zoe", "scope": scope })
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn answer(mut stream: TcpStream, url: &str, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let header = |name: &str| {
        let found =
            head.iter().filter_map(|line| line.split_once(": ")).find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut form = vec![0; header("content-length").parse().unwrap_or(0)];
    let _ = reader.read_exact(&mut form);
    let form = String::from_utf8(form).unwrap();
    let first = head.first().cloned().unwrap_or_default();
    let mut state = state.lock().unwrap();
    let body = match first.split(' ').nth(1) {
        _ if state.is_silent => None,
        Some("/.well-known/openid-configuration") => {
            let mut description = json!({
                "issuer": url,
                "jwks_uri": format!("{url}/keys"),
                "authorization_endpoint": format!("{url}/authorize?tenant=a%20b"),
                "token_endpoint": format!("{url}/token"),
            });
            for (name, value) in state.described.as_object().into_iter().flatten() {
                description[name] = value.clone();
            }
            Some((200, description))
        }
        Some("/keys") => {
            state.asked += 1;
            let mut keys = state.keys.clone();
            keys.push(json!({ "kty": "NEW", "kid": "of a kind that nobody knows" }));
            Some((200, json!({ "keys": keys })))
        }
        Some("/token") => {
            state.redeemed.push((header("authorization"), form.clone()));
            let code = form.split('&').find_map(|field| field.strip_prefix("code=")).unwrap_or_default();
            let known = state.codes.remove(code);
            Some(known.unwrap_or_else(|| (400, json!({ "error": "invalid_grant", "error_description": "<b>no</b>" }))))
        }
        _ => None,
    };
    let (status, body) = body.map_or((503, String::new()), |(status, body)| (status, body.to_string()));
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
