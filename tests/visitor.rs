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

mod form;
mod html;
mod page;
mod readable;

use std::io::Read as _;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::redirect::Policy;

pub(crate) use self::form::Form;
use self::form::{BOUNDARY, part, urlencoded};
pub(crate) use self::page::Page;
use crate::service::{ADMIN, Service};

/// Longer than any page takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// More redirections than this are a circle.
const REDIRECTIONS: usize = 10;

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
        let filled: Vec<(&str, String)> = form.sent().collect();
        let mut fields: Vec<(&str, &str)> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
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
        let sent: Vec<_> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let all =
            [("csrf", "1"), ("name", "Zoë"), ("type", "user"), ("how", "b"), ("role", "viewer"), ("text", "a\r\nb")];
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
