//! Signing in at an OpenID Connect issuer, which runs in the test.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use percent_encoding::percent_decode_str;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::harness::Folder;
use crate::issuer::{Issuer, Key, now};
use crate::service::Service;
use crate::visitor::{Page, Visitor};

const CALLBACK: &str = "/console/sign-in/callback";

/// Given a service where people can sign in at this issuer, with these settings besides.
fn service(issuer: &Issuer, more: &str) -> Service {
    let url = &issuer.url;
    let settings = format!(
        "[oidc]\nissuer = '{url}'\naudience = 'rollbook'\nclient_id = 'the console'\nlabel = 'Example & Co'\n\
         role_claim = 'roles'\n{more}"
    );
    Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings))
}

/// The address that somebody is sent to, with its parameters.
struct Journey {
    address: String,
    parameters: Vec<(String, String)>,
}

impl Journey {
    /// When somebody presses the button.
    fn begin(visitor: &mut Visitor, from: &str) -> Journey {
        let form = visitor.go(from).form("Sign in with Example & Co");
        Journey::of(&visitor.press_only(&form, "Sign in with Example & Co"))
    }

    fn of(page: &Page) -> Journey {
        assert_eq!(page.status, 200, "{}", page.text());
        let meta = page.elements("meta").into_iter().find(|meta| meta.has("http-equiv", "refresh")).unwrap();
        let link = page.elements("a").into_iter().find(|link| link.text.starts_with("Go on")).unwrap();
        let address = link.attribute("href").unwrap();
        assert_eq!(meta.attribute("content"), Some(format!("0;url={address}")));
        let (_, query) = address.split_once('?').unwrap();
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
        let parameters = query.split('&').map(|pair| pair.split_once('=').unwrap());
        let parameters = parameters.map(|(name, value)| (decode(name), decode(value))).collect();
        Journey { address, parameters }
    }

    fn get(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name} in {}", self.address))
    }

    /// Where the issuer sends people back to.
    fn back(&self, code: &str) -> String {
        format!("{CALLBACK}?code={code}&state={}", self.get("state"))
    }
}

/// What an ID token says that is good.
fn claims(issuer: &Issuer, journey: &Journey) -> Value {
    json!({
        "iss": issuer.url, "aud": "the console", "exp": now() + 300, "sub": "zoe", "nonce": journey.get("nonce"),
        "roles": ["rollbook.importer"],
    })
}

#[test]
fn people_sign_in_at_the_issuer() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "client_secret = 'open & sesame'\nscopes = 'openid roles'\n");
    let mut zoe = Visitor::new(&service);
    insta::assert_snapshot!(zoe.go("/console/objects?a=b").text(), @r#"
    # Sign in to Rollbook
    [Sign in with Example & Co]
    or with an access token
    Access token {token: }
    An administrator makes one on the page "Tokens", or with rollbook token create. The first one was printed when the service was started for the first time.
    [Sign in]
    "#);
    let journey = Journey::begin(&mut zoe, "/console/objects?a=b");
    assert!(!journey.address.contains("objects"), "what he looks for is nothing for the issuer");
    assert!(journey.address.starts_with(&format!("{}/authorize?tenant=a%20b&", issuer.url)), "{}", journey.address);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "the console"),
        ("redirect_uri", &format!("{}{CALLBACK}", service.address)),
        ("scope", "openid roles"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(journey.get(name), value);
    }
    issuer.give("sesame", 200, json!({ "id_token": key.sign(&claims(&issuer, &journey)), "access_token": "opaque" }));
    let back = journey.back("sesame");
    let page = zoe.go(&back);
    assert_eq!((page.status, page.address.as_str()), (200, "/console/objects?a=b"));
    let page = zoe.go("/console/imports");
    assert!(page.elements("header")[0].text.contains("zoe importer"), "{}", page.html);
    // The issuer was shown who asks, and that it is the one who has begun.
    assert!(!zoe.cookies.iter().any(|(name, _)| !name.contains("session")), "{:?}", zoe.cookies);
    let (header, form) = issuer.redeemed().remove(0);
    let credentials = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(String::from_utf8(credentials).unwrap(), "the%20console:open%20%26%20sesame");
    let verifier = form.split('&').find_map(|field| field.strip_prefix("code_verifier=")).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())), journey.get("code_challenge"));
    assert!(!form.contains("secret"), "{form}");
    // The same once more is nothing, here and elsewhere.
    let page = zoe.clone().ask(&back);
    assert_eq!(page.status, 403);
    insta::assert_snapshot!(page.text(), @r#"
    # Sign in to Rollbook
    This sign-in was not begun in this browser, or too long ago, or it is over already: begin again.
    [Sign in with Example & Co]
    or with an access token
    Access token {token: }
    An administrator makes one on the page "Tokens", or with rollbook token create. The first one was printed when the service was started for the first time.
    [Sign in]
    "#);
    assert_eq!(issuer.redeemed().len(), 1);
    // And out again.
    let page = zoe.press(&page_of(&mut zoe.clone()).form("Sign out"), "Sign out");
    assert_eq!(page.status, 200);
    assert_eq!(zoe.go("/console/imports").heading(), "Sign in to Rollbook");
}

fn page_of(visitor: &mut Visitor) -> Page {
    visitor.go("/console/imports")
}

#[test]
fn without_a_secret_the_console_is_a_public_client() {
    let key = Key::new("one", Algorithm::RS256);
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "");
    let mut zoe = Visitor::new(&service);
    let journey = Journey::begin(&mut zoe, "/console/sign-in");
    issuer.give("c", 200, json!({ "id_token": key.sign(&claims(&issuer, &journey)) }));
    assert_eq!(zoe.go(&journey.back("c")).address, "/console/imports");
    let (header, form) = issuer.redeemed().remove(0);
    assert_eq!(header, "");
    assert!(form.contains("client_id=the%20console"), "{form}");
}

#[test]
fn the_role_is_that_of_the_access_token_if_it_is_for_us() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    issuer.describe(json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] }));
    let service = service(&issuer, "client_secret = 'sesame'\n");
    let role = |access: &dyn Fn(&mut Value), id_roles: Value| {
        let mut visitor = Visitor::new(&service);
        let journey = Journey::begin(&mut visitor, "/console/sign-in");
        let mut id = claims(&issuer, &journey);
        id["roles"] = id_roles;
        let mut token = json!({ "iss": issuer.url, "aud": "rollbook", "exp": now() + 300, "sub": "zoe", "roles": "rollbook.viewer" });
        access(&mut token);
        issuer.give("c", 200, json!({ "id_token": key.sign(&id), "access_token": key.sign(&token) }));
        let page = visitor.go(&journey.back("c"));
        match page.status {
            200 => visitor.go("/console/imports").all().into_iter().find(|e| e.has("class", "role")).unwrap().text,
            status => format!("{status}: {}", page.text().lines().nth(1).unwrap()),
        }
    };
    let admin = json!(["rollbook.admin"]);
    assert_eq!(role(&|_| {}, admin.clone()), "viewer");
    assert_eq!(role(&|token| token["roles"] = json!("x"), admin.clone()), "admin", "it says nothing of roles");
    assert_eq!(role(&|token| token["aud"] = json!("another"), admin.clone()), "admin", "for others");
    assert_eq!(role(&|token| token["sub"] = json!("mallory"), admin), "admin", "of somebody else");
    insta::assert_snapshot!(role(&|token| token["roles"] = json!("x"), json!([])), @"403: Example & Co knows you, but gives you no role here: ask an administrator for one, then begin again.");
    let (header, form) = issuer.redeemed().remove(0);
    assert!(header.is_empty() && form.contains("client_secret=sesame"), "{form}");
}

#[test]
fn an_id_token_that_is_not_good_lets_nobody_in() {
    let (key, other) = (Key::new("one", Algorithm::ES256), Key::new("one", Algorithm::ES256));
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "");
    let mut said = Vec::new();
    for (what, value) in [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("rollbook")),
        ("aud", json!(["the console", "another"])),
        ("azp", json!("another")),
        ("iss", json!("https://login.example.com")),
        ("exp", json!(now() - 90)),
        ("sub", json!("")),
        ("signature", Value::Null),
        ("id_token", Value::Null),
    ] {
        let mut visitor = Visitor::new(&service);
        let journey = Journey::begin(&mut visitor, "/console/sign-in");
        let mut claims = claims(&issuer, &journey);
        claims[what] = value.clone();
        let signed = if what == "signature" { &other } else { &key }.sign(&claims);
        let answer = if what == "id_token" { json!({}) } else { json!({ "id_token": signed }) };
        issuer.give("c", 200, answer);
        let page = visitor.go(&journey.back("c"));
        assert!(!visitor.cookies.iter().any(|(name, _)| name.contains("session")), "{what} {value}");
        said.push(format!("{what} {}: {}", page.status, page.text().lines().nth(1).unwrap()));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    nonce 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    nonce 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    aud 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    aud 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    azp 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    iss 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    exp 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    sub 403: Example & Co knows you, but gives you no role here: ask an administrator for one, then begin again.
    signature 403: What Example & Co says of you cannot be trusted here: begin again, or ask an administrator.
    id_token 503: Example & Co does not answer as it should right now: try again in a minute, or use a token.
    ");
}

#[test]
fn a_journey_ends_where_it_was_begun() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    issuer.describe(json!({ "authorization_response_iss_parameter_supported": true }));
    let service = service(&issuer, "");
    let mut mallory = Visitor::new(&service);
    let journey = Journey::begin(&mut mallory, "/console/sign-in");
    issuer.give("c", 200, json!({ "id_token": key.sign(&claims(&issuer, &journey)) }));
    let iss = |iss: &str| format!("{}&iss={iss}", journey.back("c"));
    let good = iss(&issuer.url.replace(':', "%3A").replace('/', "%2F"));
    // In somebody else's browser, with and without a visit of his own.
    let mut zoe = Visitor::new(&service);
    assert_eq!(zoe.ask(&good).status, 403);
    let _ = zoe.go("/console/sign-in");
    assert_eq!(zoe.ask(&good).status, 403);
    // From another issuer, or from nobody knows whom.
    for bad in [
        iss("https%3A%2F%2Fevil.example.com"),
        journey.back("c"),
        format!("{good}&state=x"),
        format!("{CALLBACK}?code=c"),
    ] {
        let page = mallory.ask(&bad);
        assert!([400, 403].contains(&page.status), "{bad}: {}", page.status);
    }
    assert!(issuer.redeemed().is_empty(), "nobody has asked the issuer");
    assert_eq!(mallory.ask(&good).status, 303);
}

#[test]
fn what_the_issuer_says_is_told_in_plain_words() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "");
    let mut visitor = Visitor::new(&service);
    let mut said = Vec::new();
    for error in [
        "access_denied",
        "invalid_scope",
        "temporarily_unavailable",
        "login_required",
        "%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let journey = Journey::begin(&mut visitor, "/console/sign-in");
        let page =
            visitor.go(&format!("{CALLBACK}?error={error}&error_description=%3Cb%3E&state={}", journey.get("state")));
        assert!(!page.html.contains("alert(1)"));
        said.push(format!("{error} {}: {}", page.status, page.text().lines().nth(1).unwrap()));
    }
    let journey = Journey::begin(&mut visitor, "/console/sign-in");
    let page = visitor.go(&journey.back("unknown"));
    said.push(format!("code {}: {}", page.status, page.text().lines().nth(1).unwrap()));
    issuer.give("c", 401, json!({ "error": "invalid_client" }));
    let page = visitor.go(&journey.back("c"));
    said.push(format!("client {}: {}", page.status, page.text().lines().nth(1).unwrap()));
    issuer.fall_silent();
    let page = visitor.go(&journey.back("c"));
    said.push(format!("silence {}: {}", page.status, page.text().lines().nth(1).unwrap()));
    insta::assert_snapshot!(said.join("\n"), @"
    access_denied 403: The sign-in at Example & Co was declined: begin again.
    invalid_scope 403: Example & Co does not take this console as it is set up ('invalid_scope'): an administrator has to look at [oidc] in the settings and at what is registered there.
    temporarily_unavailable 403: Example & Co cannot sign anybody in right now: try again in a minute.
    login_required 403: Example & Co has not signed you in: begin again.
    %3Cscript%3Ealert(1)%3C/script%3E 403: Example & Co has not signed you in: begin again, or ask an administrator.
    code 403: Example & Co does not know this sign-in, or not any more: begin again.
    client 403: Example & Co does not take this console as it is set up ('invalid_client'): an administrator has to look at [oidc] in the settings and at what is registered there.
    silence 503: Example & Co does not answer as it should right now: try again in a minute, or use a token.
    ");
    // One that never answered.
    let silent = Issuer::new(&[&key]);
    silent.fall_silent();
    let service = self::service(&silent, "");
    let mut visitor = Visitor::new(&service);
    let form = visitor.go("/console/sign-in").form("Sign in with Example & Co");
    let page = visitor.press(&form, "Sign in with Example & Co");
    assert_eq!(page.status, 503);
    assert!(page.text().contains("does not answer"), "{}", page.text());
    assert!(page.has_form("Sign in"), "with a token it goes all the same");
}

#[test]
fn without_a_client_there_is_no_way_to_the_issuer() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    let settings = format!("[oidc]\nissuer = '{}'\naudience = 'rollbook'\n", issuer.url);
    let service = Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings));
    let mut visitor = Visitor::new(&service);
    let page = visitor.go("/console/sign-in");
    assert_eq!(page.forms().len(), 1);
    let csrf = page.form("Sign in").value("csrf").to_owned();
    assert_eq!(visitor.post("/console/sign-in/issuer", &[("csrf", &csrf)]).status, 404);
    let page = visitor.sign_in(&key.sign(&issuer.claims("openid")));
    assert_eq!((page.status, page.heading().as_str()), (403, "Sign in to Rollbook"));
    assert!(page.text().contains("gives you no role here"), "{}", page.text());
    // A JWT is taken like a token, for as long as it is good.
    let mut claims = issuer.claims("rollbook.viewer");
    claims["exp"] = json!(now() + 2 - 60);
    let page = visitor.sign_in(&key.sign(&claims));
    assert_eq!(page.heading(), "Sign in to Rollbook", "it is over already, but for the leeway of clocks");
    let page = visitor.sign_in(&key.sign(&issuer.claims("rollbook.viewer")));
    assert_eq!((page.status, page.address.as_str()), (200, "/console/imports"));
}

#[test]
fn the_word_of_an_issuer_counts_while_it_is_asked() {
    let key = Key::new("one", Algorithm::ES256);
    let (issuer, other) = (Issuer::new(&[&key]), Issuer::new(&[&key]));
    let mut service = service(&issuer, "");
    let mut zoe = Visitor::new(&service);
    let journey = Journey::begin(&mut zoe, "/console/sign-in");
    issuer.give("c", 200, json!({ "id_token": key.sign(&claims(&issuer, &journey)) }));
    assert_eq!(zoe.go(&journey.back("c")).status, 200);
    let settings = service.folder.read("rollbook-data/rollbook.toml");
    for (settings, heading) in [
        (settings.clone(), "Imports"),
        (settings.replace(&issuer.url, &other.url), "Sign in to Rollbook"),
        (String::new(), "Sign in to Rollbook"),
    ] {
        assert_eq!(service.stop(), Some(0));
        std::fs::write(service.folder.path("rollbook-data/rollbook.toml"), settings).unwrap();
        service.restart();
        zoe.move_to(&service);
        assert_eq!(zoe.clone().go("/console/imports").heading(), heading);
    }
}

#[test]
fn an_operator_says_where_the_console_is() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "[server]\npublic_url = 'https://rollbook.example.com/'\n");
    let journey = Journey::begin(&mut Visitor::new(&service), "/console/sign-in");
    assert_eq!(journey.get("redirect_uri"), format!("https://rollbook.example.com{CALLBACK}"));
}
