//! An STS for tests: it lets a role be assumed by whom the role trusts, with the right ExternalId only.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::S3Server;
use super::access::Guests;
use super::signature::Received;

/// The role.
pub(crate) const ROLE: &str = "arn:aws:iam::210987654321:role/rollbook-import";

/// The ARN of the caller, whom the role trusts.
pub(crate) const CALLER: &str = "arn:aws:iam::123456789012:user/rollbook";

const CALLER_KEY: &str = "AKIAI44QH8DHBEXAMPLE";

const CALLER_SECRET: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY";

/// An STS that answers on a free port of 127.0.0.1 until the test is over, and whose keys a server lets in.
pub(crate) struct Sts {
    /// `http://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
}

struct State {
    guests: Arc<Guests>,
    /// What the trust policy of the role says; without one, no ExternalId is asked for.
    external_id: Option<String>,
    lifetime: Duration,
    /// The ExternalIds that came, wherever they led.
    seen: Vec<Option<String>>,
    issued: usize,
}

/// An error, as AWS answers it.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Sts {
    /// Given an STS with a [`ROLE`] that may be assumed with this ExternalId.
    pub(crate) fn new(s3: &S3Server, external_id: &str) -> Sts {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            guests: Arc::clone(&s3.house.guests),
            external_id: Some(external_id.to_owned()),
            lifetime: Duration::from_mins(5),
            seen: Vec::new(),
            issued: 0,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = converse(stream, &shared);
            }
        });
        Sts { endpoint, state }
    }

    /// Given that the role asks for this ExternalId from now on; for none, if there is none.
    pub(crate) fn trust(&self, external_id: Option<&str>) {
        self.state.lock().unwrap().external_id = external_id.map(str::to_owned);
    }

    /// Given that credentials are good for so long from now on.
    pub(crate) fn lifetime(&self, lifetime: Duration) {
        self.state.lock().unwrap().lifetime = lifetime;
    }

    /// How often credentials were issued.
    pub(crate) fn issued(&self) -> usize {
        self.state.lock().unwrap().issued
    }

    /// The ExternalIds that were sent, in their order.
    pub(crate) fn seen(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().seen.clone()
    }

    /// The environment of the caller.
    pub(crate) fn environment() -> [(&'static str, &'static str); 3] {
        [("AWS_ACCESS_KEY_ID", CALLER_KEY), ("AWS_SECRET_ACCESS_KEY", CALLER_SECRET), ("AWS_REGION", "us-east-1")]
    }
}

fn converse(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let received = receive(&stream)?;
    let (status, body) = match state.lock().unwrap().answer(&received) {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.status, refusal.xml()),
    };
    let head = format!("HTTP/1.1 {status} -\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())
}

fn receive(stream: &TcpStream) -> std::io::Result<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut first = first.split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut received = Received { method, path, query, headers, body: Vec::new() };
    received.body.resize(received.header("content-length").parse().unwrap_or(0), 0);
    reader.read_exact(&mut received.body)?;
    Ok(received)
}

impl State {
    fn answer(&mut self, received: &Received) -> Result<String, Refusal> {
        let signer = received.signer().ok_or_else(|| {
            Refusal::new("MissingAuthenticationToken", "Request is missing Authentication Token".to_owned())
        })?;
        if signer != CALLER_KEY {
            let message = "The security token included in the request is invalid.";
            return Err(Refusal::new("InvalidClientTokenId", message.to_owned()));
        }
        if !received.is_signed(CALLER_SECRET, "sts") {
            let message = "The request signature we calculated does not match the signature you provided. Check your AWS \
                           Secret Access Key and signing method. Consult the service documentation for details.";
            return Err(Refusal::new("SignatureDoesNotMatch", message.to_owned()));
        }
        let form = parameters(&received.body);
        let parameter = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        match parameter("Action").as_deref() {
            Some("AssumeRole") => self.assume(&parameter),
            Some("GetCallerIdentity") => Ok(caller_identity()),
            action => {
                let message = format!("Could not find operation {} for version 2011-06-15", action.unwrap_or("null"));
                Err(Refusal { status: 400, code: "InvalidAction", message })
            }
        }
    }

    fn assume(&mut self, parameter: &dyn Fn(&str) -> Option<String>) -> Result<String, Refusal> {
        let external_id = parameter("ExternalId");
        self.seen.push(external_id.clone());
        if parameter("Version").as_deref() != Some("2011-06-15") || parameter("RoleSessionName").is_none() {
            let message = "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member \
                           must not be null";
            return Err(Refusal { status: 400, code: "ValidationError", message: message.to_owned() });
        }
        let role = parameter("RoleArn").unwrap_or_default();
        // As it is at AWS: of two reasons nobody is told which one it is.
        if role != ROLE || self.external_id.is_some() && external_id != self.external_id {
            let message = format!("User: {CALLER} is not authorized to perform: sts:AssumeRole on resource: {role}");
            return Err(Refusal::new("AccessDenied", message));
        }
        self.issued += 1;
        let (id, secret, token) = (
            format!("ASIAEXAMPLE{:05}", self.issued),
            format!("temporary-secret-{}", uuid::Uuid::new_v4()),
            format!("temporary-token-{}", uuid::Uuid::new_v4()),
        );
        self.guests.let_in(&id, &secret, &token, self.lifetime);
        let until = Timestamp::try_from(SystemTime::now() + self.lifetime).unwrap();
        Ok(format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:rollbook</AssumedRoleId>\
             <Arn>arn:aws:sts::210987654321:assumed-role/rollbook-import/rollbook</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{}</Expiration></Credentials>\
             </AssumeRoleResult></AssumeRoleResponse>",
            until.strftime("%Y-%m-%dT%H:%M:%SZ")
        ))
    }
}

impl Refusal {
    fn new(code: &'static str, message: String) -> Refusal {
        Refusal { status: 403, code, message }
    }

    fn xml(&self) -> String {
        let Refusal { code, message, .. } = self;
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>"
        )
    }
}

fn caller_identity() -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{CALLER}</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
}

/// The pairs of a form.
fn parameters(form: &[u8]) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = std::str::from_utf8(form).unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
