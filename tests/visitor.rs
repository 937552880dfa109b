//! Somebody with a browser who visits the console of a service.
//!
//! A test reads: given who has signed in, when he goes to a page, fills in its form and presses a button, then he sees
//! this.
//!
//! ```ignore
//! let service = Service::new();
//! let mut zoe = Visitor::of(&service, "importer");
//! let page = zoe.go("/console/imports");
//! insta::assert_snapshot!(page.text(), @"...");
//! let mut form = page.form("Cancel import");
//! form.fill("Reason", "a mistake");
//! let page = zoe.press(&form, "Cancel import");
//! ```
//!
//! As a browser does, it keeps cookies, follows redirections and sends every field of a form, hidden ones included. It
//! runs no JavaScript.

use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Duration;

use fancy_regex::Regex;
use html5gum::{DefaultEmitter, Token, Tokenizer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::harness::steady;
use crate::service::{ADMIN, Service};

/// Longer than any page takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// More redirections than this are a circle.
const REDIRECTIONS: usize = 10;

const BOUNDARY: &str = "------a-boundary-that-nobody-writes";

/// Elements without an end.
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Elements that begin a line.
const BLOCKS: [&str; 33] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "header",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "svg",
    "table",
    "tr",
    "ul",
];

/// Somebody with a browser.
#[must_use]
#[derive(Clone)]
pub(crate) struct Visitor {
    /// `http://127.0.0.1:PORT`.
    address: String,
    client: Client,
    /// Names and values of cookies.
    pub(crate) cookies: Vec<(String, String)>,
    /// The page that he saw last.
    page: Option<String>,
}

/// What somebody sees.
#[must_use]
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// Where it was found in the end, below the service's address: `/console/imports?done=deleted`.
    pub(crate) address: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) html: String,
    bytes: Vec<u8>,
}

/// An element of a page, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) tag: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// All text in it, blanks made one.
    pub(crate) text: String,
    range: (usize, usize),
}

/// A form of a page, filled in as far as it is.
#[must_use]
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Where it is sent to.
    pub(crate) action: String,
    method: String,
    is_multipart: bool,
    pub(crate) fields: Vec<Field>,
    buttons: Vec<Button>,
}

/// A field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The type of an input, or `select` or `textarea`.
    pub(crate) kind: String,
    pub(crate) value: String,
    /// What is written at it.
    pub(crate) label: String,
    /// Whether it is ticked, where that is possible.
    pub(crate) is_on: bool,
    /// Of a select: values and texts.
    pub(crate) options: Vec<(String, String)>,
    /// Names and contents of files.
    files: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
struct Button {
    text: String,
    name: Option<String>,
    value: String,
    action: Option<String>,
}

impl Visitor {
    /// Given somebody who has not signed in.
    pub(crate) fn new(service: &Service) -> Visitor {
        // That there is one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Visitor { address: service.address.clone(), client, cookies: Vec::new(), page: None }
    }

    /// Given the administrator, who has signed in.
    pub(crate) fn admin(service: &Service) -> Visitor {
        Visitor::with(service, ADMIN)
    }

    /// Given somebody with this role, who has signed in with a token of that name.
    pub(crate) fn of(service: &Service, role: &str) -> Visitor {
        Visitor::with(service, &service.token(&format!("--name {role} --role {role}")))
    }

    /// Given somebody who has signed in with this token.
    pub(crate) fn with(service: &Service, token: &str) -> Visitor {
        let mut visitor = Visitor::new(service);
        let page = visitor.sign_in(token);
        assert_eq!(page.status, 200, "{}", page.html);
        assert_eq!(visitor.cookies.len(), 1, "{:?}", visitor.cookies);
        visitor
    }

    /// When he signs in with this token.
    pub(crate) fn sign_in(&mut self, token: &str) -> Page {
        let mut form = self.go("/console/sign-in").form("Sign in");
        form.fill("token", token);
        self.press(&form, "Sign in")
    }

    /// When he goes to this page, and from there where he is sent.
    pub(crate) fn go(&mut self, path: &str) -> Page {
        let page = self.ask(path);
        self.follow(page)
    }

    /// When he follows the link with this text.
    pub(crate) fn click(&mut self, page: &Page, link: &str) -> Page {
        let found = page.elements("a").into_iter().find(|element| element.is_called(link));
        let found = found.unwrap_or_else(|| panic!("no link '{link}' on the page:\n{}", page.text()));
        let to = page.resolved(&found.attribute("href").unwrap());
        self.go(&to)
    }

    /// When he asks for this page. Redirections are not followed.
    pub(crate) fn ask(&mut self, path: &str) -> Page {
        self.ask_with(path, &[])
    }

    /// The same with headers of the test's own, such as `HX-Request`.
    pub(crate) fn ask_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request, path)
    }

    /// When this is sent without a form, as nobody does who has a page before him. Redirections are not followed.
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[])
    }

    /// The same with headers of the test's own.
    pub(crate) fn post_with(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = urlencoded(fields.iter().map(|(name, value)| (*name, *value)));
        let mut request = self.request(Method::POST, path).header("Content-Type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body), path)
    }

    /// The same as `multipart/form-data`.
    pub(crate) fn post_parts(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let parts: Vec<u8> = fields.iter().flat_map(part).chain(format!("--{BOUNDARY}--\r\n").into_bytes()).collect();
        let request = self.request(Method::POST, path);
        let request = request.header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}"));
        self.send(request.body(parts), path)
    }

    /// When the service is elsewhere from now on.
    pub(crate) fn move_to(&mut self, service: &Service) {
        self.address.clone_from(&service.address);
    }

    /// When he presses this button of a form.
    pub(crate) fn press(&mut self, form: &Form, button: &str) -> Page {
        let page = self.press_only(form, button);
        self.follow(page)
    }

    /// The same, but redirections are not followed.
    pub(crate) fn press_only(&mut self, form: &Form, button: &str) -> Page {
        let pressed = form.buttons.iter().find(|known| known.text == button);
        let pressed = pressed.unwrap_or_else(|| panic!("no button '{button}' in {form:?}"));
        let mut fields: Vec<(&str, &str)> = form.sent().collect();
        if let Some(name) = &pressed.name {
            fields.push((name, &pressed.value));
        }
        let action = pressed.action.as_ref().unwrap_or(&form.action);
        let request = match (form.method.as_str(), form.is_multipart) {
            ("get", _) => {
                let path = format!("{}?{}", action.split('?').next().unwrap(), urlencoded(fields.into_iter()));
                return self.ask(&path);
            }
            (_, true) => {
                let request = self.request(Method::POST, action);
                request
                    .header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}"))
                    .body(form.multipart(&fields))
            }
            (_, false) => {
                let request = self.request(Method::POST, action);
                let request = request.header("Content-Type", "application/x-www-form-urlencoded");
                request.body(urlencoded(fields.into_iter()))
            }
        };
        self.send(request, action)
    }

    /// When he reads what is told as it happens (server-sent events) until some text is in it. Gives what was told.
    pub(crate) fn listen(&mut self, path: &str, until: &str) -> String {
        let mut response = self.request(Method::GET, path).header("Accept", "text/event-stream").send().unwrap();
        let (mut told, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let length = response.read(&mut piece).unwrap();
            told.extend_from_slice(&piece[..length]);
            let text = String::from_utf8_lossy(&told);
            if text.contains(until) {
                return text.into_owned();
            }
            assert!(length > 0, "the end came before '{until}':\n{text}");
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let is_form = method == Method::POST;
        let request = self.client.request(method, format!("{}{path}", self.address));
        // As browsers name the page that a form is on.
        let request = match &self.page {
            Some(page) if is_form => request.header("Referer", format!("{}{page}", self.address)),
            _ => request,
        };
        match self.cookies.is_empty() {
            true => request,
            false => request.header("Cookie", self.cookie_header()),
        }
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn send(&mut self, request: RequestBuilder, path: &str) -> Page {
        let response = request.send().unwrap();
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers: Vec<(String, String)> = response.headers().iter().map(header).collect();
        let bytes = response.bytes().unwrap().to_vec();
        let page = Page {
            status,
            address: path.to_owned(),
            headers,
            html: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        };
        if status < 300 {
            self.page = Some(path.to_owned());
        }
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            self.keep(cookie);
        }
        page
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        self.cookies.retain(|(known, _)| known != name);
        if !parts.any(|part| part == "Max-Age=0") {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..REDIRECTIONS {
            match page.header("location") {
                Some(location) if page.status / 100 == 3 => page = self.ask(&page.resolved(location)),
                _ => return page,
            }
        }
        panic!("in circles at {}", page.address);
    }
}

impl Page {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.html).expect(&self.html)
    }

    /// What is written on the page, without the bar above it and without what differs from run to run. A link is
    /// `[text](address)`, a button `[text]`, a field `{name: value}`; cells are divided by `|`.
    pub(crate) fn text(&self) -> String {
        let tokens = tokens(&self.html);
        let start = tokens.iter().position(|token| matches!(token, Piece::Open(tag, _) if tag == "main"));
        steady_page(&readable(&tokens[start.unwrap_or(0)..]))
    }

    /// The same, of the element that this is in: `("class", "empty")`, or `("id", "counts")`.
    pub(crate) fn text_of(&self, attribute: &str, value: &str) -> String {
        let found = self.all().into_iter().find(|element| element.has(attribute, value));
        let found =
            found.unwrap_or_else(|| panic!("no element with {attribute} '{value}' on the page:\n{}", self.text()));
        steady_page(&readable(&tokens(&self.html)[found.range.0..found.range.1]))
    }

    /// The elements with this tag.
    pub(crate) fn elements(&self, tag: &str) -> Vec<Element> {
        self.all().into_iter().filter(|element| element.tag == tag).collect()
    }

    /// All elements, in order.
    pub(crate) fn all(&self) -> Vec<Element> {
        let tokens = tokens(&self.html);
        let open = tokens.iter().enumerate().filter_map(|(at, token)| match token {
            Piece::Open(tag, attributes) => Some((at, tag, attributes)),
            _ => None,
        });
        open.map(|(at, tag, attributes)| {
            let end = end_of(&tokens, at);
            let text = words(&tokens[at..end]);
            Element { tag: tag.clone(), attributes: attributes.clone(), text, range: (at, end) }
        })
        .collect()
    }

    /// The title of the window.
    pub(crate) fn title(&self) -> String {
        self.elements("title").remove(0).text
    }

    /// The first heading.
    pub(crate) fn heading(&self) -> String {
        self.elements("h1").remove(0).text
    }

    /// The addresses of all links, as they stand there.
    pub(crate) fn links(&self) -> Vec<String> {
        self.elements("a").iter().filter_map(|link| link.attribute("href")).collect()
    }

    /// The form with a button of this text; also one whose action ends like this, when it begins with a slash.
    pub(crate) fn form(&self, button: &str) -> Form {
        let wanted = |form: &Form| match button.starts_with('/') {
            true => form.action.ends_with(button),
            false => form.buttons.iter().any(|known| known.text == button),
        };
        let found = self.forms().into_iter().find(wanted);
        found.unwrap_or_else(|| panic!("no form with '{button}' on the page:\n{}", self.text()))
    }

    /// Whether there is a form with a button of this text.
    pub(crate) fn has_form(&self, button: &str) -> bool {
        self.forms().iter().any(|form| form.buttons.iter().any(|known| known.text == button))
    }

    /// All forms, in order.
    pub(crate) fn forms(&self) -> Vec<Form> {
        let tokens = tokens(&self.html);
        self.elements("form").iter().map(|form| Form::read(form, &tokens, self)).collect()
    }

    /// An address on this page, below the service's address.
    fn resolved(&self, address: &str) -> String {
        let here = self.address.split('#').next().unwrap();
        match address.split('#').next().unwrap() {
            "" => here.to_owned(),
            query if query.starts_with('?') => format!("{}{query}", here.split('?').next().unwrap()),
            path if path.starts_with('/') || path.contains("://") => path.to_owned(),
            relative => {
                let path = here.split('?').next().unwrap();
                format!("{}/{relative}", path.rsplit_once('/').unwrap().0)
            }
        }
    }
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Whether an attribute is, or has among its words, this.
    pub(crate) fn has(&self, attribute: &str, value: &str) -> bool {
        self.attribute(attribute).is_some_and(|all| all == value || all.split_whitespace().any(|word| word == value))
    }

    fn is_called(&self, name: &str) -> bool {
        self.text == name || self.attribute("aria-label").as_deref() == Some(name)
    }
}

impl Form {
    fn read(element: &Element, all: &[Piece], page: &Page) -> Form {
        let inside = &all[element.range.0..element.range.1];
        let attribute = |attributes: &[(String, String)], name: &str| {
            attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let (mut fields, mut buttons) = (Vec::new(), Vec::new());
        for (at, piece) in inside.iter().enumerate() {
            let Piece::Open(tag, attributes) = piece else { continue };
            let get = |name: &str| attribute(attributes, name);
            let content = &inside[at..end_of(inside, at)];
            if get("disabled").is_some() {
                continue;
            }
            let kind = get("type").unwrap_or_else(|| "text".to_owned());
            let is_button = tag == "button" || tag == "input" && ["submit", "image"].contains(&kind.as_str());
            if is_button {
                if get("type").is_none_or(|kind| kind == "submit") {
                    let shown = words(content);
                    let text =
                        if shown.is_empty() { get("aria-label").or(get("value")).unwrap_or_default() } else { shown };
                    let action = get("formaction").map(|action| page.resolved(&action));
                    buttons.push(Button { text, name: get("name"), value: get("value").unwrap_or_default(), action });
                }
                continue;
            }
            let options = options_of(content);
            let (kind, value) = match tag.as_str() {
                "input" => {
                    let is_box = ["checkbox", "radio"].contains(&kind.as_str());
                    let value = get("value").unwrap_or_else(|| if is_box { "on".to_owned() } else { String::new() });
                    (kind, value)
                }
                "textarea" => ("textarea".to_owned(), raw(content).trim_start_matches('\n').to_owned()),
                "select" => {
                    let selected = options.iter().find(|(_, _, selected)| *selected).or(options.first());
                    ("select".to_owned(), selected.map(|(value, ..)| value.clone()).unwrap_or_default())
                }
                _ => continue,
            };
            let Some(name) = get("name") else { continue };
            fields.push(Field {
                name,
                label: label_of(inside, at, attributes),
                is_on: get("checked").is_some(),
                options: options.into_iter().map(|(value, text, _)| (value, text)).collect(),
                files: Vec::new(),
                kind,
                value,
            });
        }
        let action = element.attribute("action").map_or_else(|| page.address.clone(), |action| page.resolved(&action));
        Form {
            action,
            method: element.attribute("method").unwrap_or_else(|| "get".to_owned()).to_lowercase(),
            is_multipart: element.has("enctype", "multipart/form-data"),
            fields,
            buttons,
        }
    }

    /// When this is written into a field, which is named or labelled like this.
    pub(crate) fn fill(&mut self, field: &str, value: &str) {
        self.field(field).value = value.to_owned();
    }

    /// When a box is ticked: by its label, or by `name=value`. Of radio buttons the others are off then.
    pub(crate) fn tick(&mut self, field: &str) {
        let found = self.field(field);
        found.is_on = true;
        if found.kind == "radio" {
            let (name, value) = (found.name.clone(), found.value.clone());
            let others = self.fields.iter_mut().filter(|other| other.name == name && other.value != value);
            others.for_each(|other| other.is_on = false);
        }
    }

    /// When a box is no longer ticked.
    pub(crate) fn untick(&mut self, field: &str) {
        self.field(field).is_on = false;
    }

    /// When this option of a select is chosen, by its text or its value.
    pub(crate) fn choose(&mut self, field: &str, option: &str) {
        let field = self.field(field);
        let found = field.options.iter().find(|(value, text)| text == option || value == option);
        field.value = found.unwrap_or_else(|| panic!("no option '{option}' in {:?}", field.options)).0.clone();
    }

    /// When a file is put into a field.
    pub(crate) fn attach(&mut self, field: &str, name: &str, content: impl AsRef<[u8]>) {
        assert!(self.is_multipart, "the form does not send files");
        self.field(field).files.push((name.to_owned(), content.as_ref().to_vec()));
    }

    /// The value of a field.
    pub(crate) fn value(&self, field: &str) -> &str {
        &self.clone_of(field).value
    }

    fn clone_of(&self, field: &str) -> &Field {
        let found = self.fields.iter().find(|known| known.is_called(field));
        found.unwrap_or_else(|| panic!("no field '{field}' in {self:?}"))
    }

    fn field(&mut self, field: &str) -> &mut Field {
        let shown = format!("{self:?}");
        let found = self.fields.iter_mut().find(|known| known.is_called(field));
        found.unwrap_or_else(|| panic!("no field '{field}' in {shown}"))
    }

    /// The names and values that are sent, files left out.
    fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_sent = |field: &&Field| match field.kind.as_str() {
            "checkbox" | "radio" => field.is_on,
            kind => kind != "file",
        };
        self.fields.iter().filter(is_sent).map(|field| (field.name.as_str(), field.value.as_str()))
    }

    fn multipart(&self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut body = Vec::new();
        let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        // In the order of the form, as browsers send them: a pressed button comes last.
        let mut rest = fields.to_vec();
        for field in &self.fields {
            match field.kind.as_str() {
                "file" => {
                    let nothing = [(String::new(), Vec::new())];
                    let files = if field.files.is_empty() { nothing.as_slice() } else { &field.files };
                    for (name, content) in files {
                        body.extend(
                            format!(
                                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\
                                 Content-Type: application/octet-stream\r\n\r\n",
                                quoted(&field.name),
                                quoted(name)
                            )
                            .into_bytes(),
                        );
                        body.extend_from_slice(content);
                        body.extend_from_slice(b"\r\n");
                    }
                }
                "checkbox" | "radio" if !field.is_on => {}
                _ => body.extend(part(&rest.remove(0))),
            }
        }
        rest.iter().for_each(|field| body.extend(part(field)));
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        body
    }
}

impl Field {
    fn is_called(&self, name: &str) -> bool {
        self.name == name
            || self.label == name
            || name.split_once('=') == Some((self.name.as_str(), self.value.as_str()))
    }
}

fn part((name, value): &(&str, &str)) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

fn urlencoded<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    fields.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Open(String, Vec<(String, String)>),
    Close(String),
    Text(String),
}

fn tokens(html: &str) -> Vec<Piece> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut pieces = Vec::new();
    // What is within `script`, `title` and their like is text.
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => {
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
                let name = text(&tag.name);
                let is_over = tag.self_closing && !VOID.contains(&name.as_str());
                pieces.push(Piece::Open(name.clone(), attributes));
                if is_over {
                    pieces.push(Piece::Close(name));
                }
            }
            Token::EndTag(tag) => pieces.push(Piece::Close(text(&tag.name))),
            Token::String(string) => pieces.push(Piece::Text(text(&string))),
            _ => {}
        }
    }
    pieces
}

/// Behind the end of the element that begins here.
fn end_of(pieces: &[Piece], start: usize) -> usize {
    let Piece::Open(tag, _) = &pieces[start] else { return start + 1 };
    if VOID.contains(&tag.as_str()) {
        return start + 1;
    }
    let mut depth = 0;
    for (at, piece) in pieces.iter().enumerate().skip(start) {
        match piece {
            Piece::Open(name, _) if name == tag => depth += 1,
            Piece::Close(name) if name == tag => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    pieces.len()
}

/// The text as it stands there.
fn raw(pieces: &[Piece]) -> String {
    pieces.iter().filter_map(|piece| if let Piece::Text(text) = piece { Some(text.as_str()) } else { None }).collect()
}

/// The text with single blanks.
fn words(pieces: &[Piece]) -> String {
    raw(pieces).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Values and texts of options, and which is selected.
fn options_of(content: &[Piece]) -> Vec<(String, String, bool)> {
    let mut options = Vec::new();
    for (at, piece) in content.iter().enumerate() {
        let Piece::Open(tag, attributes) = piece else { continue };
        if tag == "option" {
            let text = words(&content[at..end_of(content, at)]);
            let get = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            options.push((get("value").unwrap_or_else(|| text.clone()), text, get("selected").is_some()));
        }
    }
    options
}

/// The text of the label that is for this field, or around it.
fn label_of(form: &[Piece], at: usize, attributes: &[(String, String)]) -> String {
    let get = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    for (start, piece) in form.iter().enumerate() {
        let Piece::Open(tag, own) = piece else { continue };
        let end = end_of(form, start);
        let is_for = own.iter().any(|(name, value)| name == "for" && Some(value) == get("id").as_ref());
        if tag == "label" && (is_for || (start..end).contains(&at)) {
            return words(&form[start..end]);
        }
    }
    get("aria-label").unwrap_or_default()
}

/// See [`Page::text`].
fn readable(pieces: &[Piece]) -> String {
    let mut written = String::new();
    let (mut is_pre, mut at) = (false, 0);
    while at < pieces.len() {
        match &pieces[at] {
            Piece::Text(text) if is_pre => written.push_str(text),
            Piece::Text(text) => {
                let starts = text.starts_with(char::is_whitespace) && !written.ends_with([' ', '\n', '[']);
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if starts {
                    written.push(' ');
                }
                written.push_str(&words);
                if text.ends_with(char::is_whitespace) && !words.is_empty() {
                    written.push(' ');
                }
            }
            Piece::Open(tag, attributes) => {
                let get =
                    |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
                if BLOCKS.contains(&tag.as_str()) && !written.ends_with('\n') {
                    written.push('\n');
                }
                match tag.as_str() {
                    "h1" => written.push_str("# "),
                    "h2" => written.push_str("## "),
                    "h3" => written.push_str("### "),
                    "h4" => written.push_str("#### "),
                    "li" => written.push_str("- "),
                    "dd" => written.push_str("  "),
                    "br" => written.push('\n'),
                    "pre" => is_pre = true,
                    "a" | "button" => written.push('['),
                    "mark" => written.push_str("**"),
                    "del" => written.push_str("~~"),
                    "ins" => written.push_str("++"),
                    "script" | "style" => at = end_of(pieces, at) - 1,
                    "input" if get("type") == Some("hidden") => {}
                    "input" if matches!(get("type"), Some("checkbox" | "radio")) => {
                        written.push_str(if get("checked").is_some() { "[x] " } else { "[ ] " });
                    }
                    "input" | "progress" | "meter" => {
                        let name = get("name").unwrap_or(tag);
                        write!(written, "{{{name}: {}}} ", get("value").unwrap_or_default()).unwrap();
                    }
                    "textarea" => {
                        let end = end_of(pieces, at);
                        let text = raw(&pieces[at..end]);
                        write!(written, "{{{}: {text}}} ", get("name").unwrap_or_default()).unwrap();
                        at = end - 1;
                    }
                    "select" => {
                        let end = end_of(pieces, at);
                        let options = options_of(&pieces[at..end]);
                        let shown = |(_, text, selected): &(String, String, bool)| {
                            if *selected { format!("*{text}*") } else { text.clone() }
                        };
                        let all: Vec<String> = options.iter().map(shown).collect();
                        write!(written, "{{{}: {}}} ", get("name").unwrap_or_default(), all.join(" / ")).unwrap();
                        at = end - 1;
                    }
                    _ => {}
                }
            }
            Piece::Close(tag) => {
                let end = written.trim_end_matches(' ').len();
                match tag.as_str() {
                    "a" => {
                        written.truncate(end);
                        write!(written, "]({})", href(pieces, at)).unwrap();
                    }
                    "button" => {
                        written.truncate(end);
                        written.push_str("] ");
                    }
                    "mark" => written.push_str("**"),
                    "del" => written.push_str("~~ "),
                    "ins" => written.push_str("++"),
                    "td" | "th" => {
                        written.truncate(end);
                        written.push_str(" | ");
                    }
                    "pre" => is_pre = false,
                    _ => {}
                }
                if BLOCKS.contains(&tag.as_str()) && !written.ends_with('\n') {
                    written.push('\n');
                }
            }
        }
        at += 1;
    }
    let lines =
        written.lines().map(|line| line.trim_end().trim_end_matches(" |")).filter(|line| !line.trim().is_empty());
    lines.fold(String::new(), |text, line| text + line + "\n").trim_end().to_owned()
}

/// Where the link leads whose end is here.
fn href(pieces: &[Piece], end: usize) -> &str {
    let open = pieces[..end].iter().rev().find_map(|piece| match piece {
        Piece::Open(tag, attributes) if tag == "a" => Some(attributes),
        _ => None,
    });
    let href = open.and_then(|attributes| attributes.iter().find(|(name, _)| name == "href"));
    href.map_or("", |(_, value)| value)
}

fn steady_page(text: &str) -> String {
    [
        (r"\b\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d UTC", "28 Feb 2026, 17:05:00 UTC"),
        // Ids of tokens.
        ("(?<![-0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{12}(?![0-9a-f])", "0123456789ab"),
    ]
    .iter()
    .fold(steady(text), |text, (pattern, with)| Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned())
}

mod tests {
    use super::{Page, Visitor};
    use crate::service::Service;

    const HTML: &str = r#"<title>A &amp; b</title><header><p>Bar</p></header><main><h1>People</h1>
        <p>There are <b>two</b>, see <a href="more?x=1#there"> the <i>rest</i> </a>.</p><script>no()</script>
        <table><tr><th>Name</th><th>On</th></tr><tr><td><mark>zoe</mark></td>
        <td><time datetime="2026-11-22T10:00:00Z">22 Nov 2026, 10:00:00 UTC</time></td></tr></table>
        <form method="post" action="?do" enctype="multipart/form-data"><input type="hidden" name="csrf" value="1">
        <label for="n">Your name</label><input id="n" name="name" value="&lt;zoe&gt;">
        <label><input type="checkbox" name="type" value="user">Users</label>
        <label><input type="radio" name="how" value="a" checked>One</label>
        <label><input type="radio" name="how" value="b">Other</label>
        <select name="role" aria-label="Role"><option>viewer</option><option value="i" selected>importer</option></select>
        <textarea name="text">
a
b</textarea><input type="file" name="file"><button name="go" value="1">Send</button></form>
        <details class="confirm"><summary>Delete</summary><form action="/x/delete" method="post"><button>Delete it</button></form></details>
        </main>"#;

    fn page() -> Page {
        Page {
            status: 200,
            address: "/console/a?b".to_owned(),
            headers: Vec::new(),
            html: HTML.to_owned(),
            bytes: HTML.into(),
        }
    }

    #[test]
    fn pages_are_read() {
        let page = page();
        assert_eq!((page.title().as_str(), page.heading().as_str()), ("A & b", "People"));
        assert_eq!(page.links(), ["more?x=1#there"]);
        assert_eq!(page.text_of("class", "confirm"), "Delete\n[Delete it]");
        assert!(page.has_form("Delete it") && !page.has_form("Save"));
        assert_eq!(page.elements("mark")[0].text, "zoe");
        insta::assert_snapshot!(page.text(), @"
        # People
        There are two, see [the rest](more?x=1#there).
        Name | On
        **zoe** | 28 Feb 2026, 17:05:00 UTC
        Your name{name: <zoe>} [ ] Users [x] One [ ] Other {role: viewer / *importer*} {text:
        a
        b} {file: } [Send]
        Delete
        [Delete it]
        ");
    }

    #[test]
    fn forms_are_filled_in() {
        let mut form = page().form("Send");
        form.fill("Your name", "Zoë");
        form.tick("Users");
        form.tick("how=b");
        form.choose("Role", "viewer");
        form.attach("file", "a \"b\".csv", "x,y\n");
        assert_eq!((form.action.as_str(), form.value("text")), ("/console/a?do", "a\nb"));
        let sent: Vec<_> = form.sent().collect();
        let all =
            [("csrf", "1"), ("name", "Zoë"), ("type", "user"), ("how", "b"), ("role", "viewer"), ("text", "a\nb")];
        assert_eq!(sent, all);
        insta::assert_snapshot!(String::from_utf8(form.multipart(&sent)).unwrap().replace('\r', ""), @r#"
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="csrf"

        1
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="name"

        Zoë
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="type"

        user
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="how"

        b
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="role"

        viewer
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="text"

        a
        b
        --------a-boundary-that-nobody-writes
        Content-Disposition: form-data; name="file"; filename="a %22b%22.csv"
        Content-Type: application/octet-stream

        x,y

        --------a-boundary-that-nobody-writes--
        "#);
        form.untick("Users");
        assert_eq!(form.sent().count(), 5);
        assert_eq!(page().form("/delete").action, "/x/delete");
    }

    #[test]
    fn a_visitor_goes_about() {
        let service = Service::new();
        let mut zoe = Visitor::of(&service, "viewer");
        let page = zoe.go("/console");
        assert_eq!((page.status, page.address.as_str()), (200, "/console/imports"));
        let page = zoe.click(&page, "Objects");
        assert_eq!((page.status, page.heading().as_str()), (200, "Objects"));
        let page = Visitor::admin(&service).ask_with("/console/nowhere", &[("HX-Request", "true")]);
        assert_eq!((page.status, page.elements("html").len()), (404, 0));
        assert_eq!(zoe.post("/console/sign-out", &[("csrf", "0")]).status, 403);
        assert_eq!(zoe.listen("/console/imports", "</html>").len(), zoe.go("/console/imports").bytes().len());
        assert_eq!(Visitor::new(&service).ask("/openidm/info/ping").json()["code"], 401);
    }
}
