//! Who may come in, and what they see.

use std::fs;
use std::path::Path;

use fancy_regex::Regex;

use crate::harness::Folder;
use crate::service::{ADMIN, Service};
use crate::visitor::{Page, Visitor};

/// Where everybody may go who has signed in, and administrators.
const PAGES: [&str; 9] = [
    "/console/imports",
    "/console/new",
    "/console/integrations",
    "/console/objects",
    "/console/types",
    "/console/tokens",
    "/console/settings",
    "/console/nowhere",
    "/console/imports/nothing",
];

#[test]
fn whoever_has_a_token_signs_in_and_out() {
    let service = Service::new();
    let token = service.token("--name Zoë --role importer");
    let mut zoe = Visitor::new(&service);
    assert_eq!(zoe.go("/console/").heading(), "Sign in to Rollbook");
    let page = zoe.go("/");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/sign-in?next=%2Fconsole%2Fimports"));
    insta::assert_snapshot!(page.text(), @r#"
    # Sign in to Rollbook
    Access token {token: }
    An administrator makes one on the page "Tokens", or with rollbook token create. The first one was printed when the service was started for the first time.
    [Sign in]
    "#);
    let page = zoe.sign_in(&token);
    assert_eq!((page.status, page.address.as_str()), (200, "/console/imports"));
    let page = zoe.go("/console/sign-in?next=/console/objects");
    assert_eq!(page.address, "/console/objects", "nobody has to sign in twice");
    let session = zoe.clone();
    let form = page.form("Sign out");
    let page = zoe.press(&form, "Sign out");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/sign-in?done=signed-out"));
    assert!(page.text().contains("You have signed out."));
    assert!(!zoe.cookies.iter().any(|(name, _)| name.contains("session")));
    // Whoever has kept the cookie has nothing.
    let page = session.clone().go("/console/imports");
    assert_eq!(page.heading(), "Sign in to Rollbook");
    assert!(page.text().contains("You were signed out"), "{}", page.text());
}

#[test]
fn after_signing_in_people_are_where_they_wanted_to_be() {
    let service = Service::new();
    let mut visitor = Visitor::new(&service);
    let page = visitor.go("/console/imports?state=failed&type=managed/user");
    let mut form = page.form("Sign in");
    form.fill("Access token", ADMIN);
    let page = visitor.press(&form, "Sign in");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/imports?state=failed&type=managed/user"));
    // But nowhere else.
    for next in [
        "https://evil.example.com/",
        "//evil.example.com/console/",
        "/\\evil.example.com",
        "/console/\\evil",
        "/console/sign-in?next=/console/sign-in",
        "/console/a\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "console/imports",
        "/openidm/info/login",
        &format!("/console/{}", "x".repeat(3000)),
    ] {
        let mut visitor = Visitor::new(&service);
        let mut form = visitor.go("/console/sign-in").form("Sign in");
        form.fill("next", next);
        form.fill("token", ADMIN);
        let page = visitor.press_only(&form, "Sign in");
        assert_eq!((page.status, page.header("location")), (303, Some("/console/imports")), "{next:?}");
    }
}

#[test]
fn whoever_is_not_known_is_not_let_in() {
    let service = Service::new();
    let short = service.token("--name short --role admin --expires 1ms");
    let revoked = service.token("--name revoked --role admin");
    let _ = service.folder.run(&format!("token revoke {}", &revoked[3..15])).success();
    let mut pages = Vec::new();
    for token in ["wrong", &short, &revoked, "x\0y", &"x".repeat(10_000), "<script>alert(1)</script>"] {
        let mut visitor = Visitor::new(&service);
        let page = visitor.sign_in(token);
        assert_eq!((page.status, page.heading().as_str()), (401, "Sign in to Rollbook"), "{token}");
        assert!(!visitor.cookies.iter().any(|(name, _)| name.contains("session")));
        pages.push(page.text());
    }
    pages.dedup();
    insta::assert_snapshot!(pages.join("\n"), @r#"
    # Sign in to Rollbook
    This token is not known here: it may be mistyped, revoked or expired.
    Access token {token: }
    An administrator makes one on the page "Tokens", or with rollbook token create. The first one was printed when the service was started for the first time.
    [Sign in]
    "#);
    assert_eq!(Visitor::new(&service).sign_in(" ").status, 400);
}

#[test]
fn pages_are_for_those_who_have_signed_in() {
    let service = Service::new();
    for path in PAGES {
        let page = Visitor::new(&service).ask(path);
        assert_eq!(page.status, 303, "{path}");
        assert!(page.header("location").unwrap().starts_with("/console/sign-in?next="), "{path}");
        let page = Visitor::new(&service).ask_with(path, &[("HX-Request", "true")]);
        assert!(page.header("hx-redirect").unwrap().starts_with("/console/sign-in"), "{path}");
        assert_eq!(page.html, "");
    }
    // Whoever listens is told no, and not led to a page.
    for headers in
        [&[("Accept", "text/event-stream")][..], &[("Accept", "text/html, text/event-stream"), ("HX-Request", "true")]]
    {
        assert_eq!(Visitor::new(&service).ask_with("/console/imports/x/live", headers).status, 401);
    }
    // A token in a header opens no pages, nor does a cookie the other door.
    let token = [("Authorization", &*format!("Bearer {ADMIN}"))];
    assert_eq!(Visitor::new(&service).ask_with("/console/imports", &token).status, 303);
    assert_eq!(Visitor::admin(&service).ask("/openidm/info/login").status, 401);
}

#[test]
fn what_is_sent_too_late_is_told_kindly() {
    let service = Service::new();
    let token = service.token("--name zoe --role admin");
    let mut zoe = Visitor::with(&service, &token);
    let mut form = zoe.go("/console/tokens").form("Make the token");
    form.fill("Name", "ci");
    let _ = service.folder.run(&format!("token revoke {}", &token[3..15])).success();
    let page = zoe.press(&form, "Make the token");
    assert_eq!((page.status, page.heading().as_str()), (200, "Sign in to Rollbook"));
    assert!(page.text().contains("was not done"), "{}", page.text());
    assert_eq!(service.folder.run("token list --json").json().len(), 1);
    // Whoever signs in anew and goes back has a page that is too old.
    let mut admin = Visitor::admin(&service);
    let page = admin.press(&form, "Make the token");
    assert_eq!(page.status, 403);
    insta::assert_snapshot!(page.text(), @"
    # This page is too old
    This form was not sent from a page of yours, or you have signed in anew since you opened the page; nothing was done.
    Go back, reload the page and try again.
    [Go to the imports](/console/imports)
    ");
}

#[test]
fn roles_are_respected() {
    let service = Service::new();
    for (role, sections) in [
        ("viewer", vec!["Imports", "Integrations", "Objects", "Object types"]),
        ("importer", vec!["Imports", "New import", "Integrations", "Objects", "Object types"]),
        ("admin", vec!["Imports", "New import", "Integrations", "Objects", "Object types", "Tokens", "Settings"]),
    ] {
        let mut visitor = Visitor::of(&service, role);
        let page = visitor.go("/console/imports");
        let shown: Vec<String> = page.elements("nav")[0].text.split("  ").map(str::to_owned).collect();
        assert_eq!(shown.join(" "), sections.join(" "), "{role}");
        let status = if role == "admin" { 200 } else { 403 };
        for path in ["/console/tokens", "/console/settings"] {
            let page = visitor.go(path);
            assert_eq!(page.status, status, "{role} {path}");
            if status == 403 {
                assert!(page.text().contains(&format!("This takes another role than yours, which is '{role}'")));
            }
        }
        assert_eq!(visitor.go("/console/new").status, if role == "viewer" { 403 } else { 200 });
    }
}

/// The POST routes of all pages, as the sources have them.
fn posts() -> Vec<String> {
    fn files(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files(&path, found),
                false => found.push(fs::read_to_string(path).unwrap()),
            }
        }
    }
    let mut sources = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console"), &mut sources);
    let constant = Regex::new(r#"const ([A-Z_]+): &str =\s*"(/console[^"]*)""#).unwrap();
    let route = Regex::new(r#"\.route\(\s*([^,]+?),\s*((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)"#).unwrap();
    let whole = sources.join("\n");
    let constants = |source: &str, name: &str| {
        let found = constant.captures_iter(source).map(|found| found.unwrap());
        found.filter(|found| &found[1] == name).map(|found| found[2].to_owned()).next()
    };
    let (mut routes, mut handlers) = (Vec::new(), 0);
    for source in sources.iter().map(String::as_str) {
        handlers += source.matches(".post(").count() + source.matches(" post(").count();
        for found in route.captures_iter(source).map(|found| found.unwrap()) {
            if !found[2].contains("post(") {
                continue;
            }
            let path = found[1].trim().trim_start_matches('&');
            let path = match path.strip_prefix('"') {
                Some(path) => path.trim_end_matches('"').to_owned(),
                None => {
                    let name = path.rsplit("::").next().unwrap();
                    let path = constants(source, name).or_else(|| constants(&whole, name));
                    path.unwrap_or_else(|| panic!("what is {name}?"))
                }
            };
            routes.push(path);
        }
    }
    assert_eq!(routes.len(), handlers, "a route that this test does not see: {routes:?}");
    routes
}

/// When this is sent, in the form that the page takes.
fn post(visitor: &mut Visitor, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = visitor.post(path, fields);
    if page.status == 400 && page.html.contains("multipart/form-data") {
        return visitor.post_parts(path, fields);
    }
    page
}

#[test]
fn nothing_is_done_that_was_not_sent_from_a_page_of_ours() {
    let folder = Folder::new().file("users.csv", "userName,givenName,sn,mail\nzoe,Zoë,Z,zoe@example.com\n");
    let service = Service::on(folder);
    let import = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
    let _ = service.finished(&import);
    let mut admin = Visitor::admin(&service);
    let csrf = admin.go("/console/tokens").form("Make the token").value("csrf").to_owned();
    let mut other = Visitor::of(&service, "importer");
    let others = other.go("/console/imports").form("Sign out").value("csrf").to_owned();
    let routes = posts();
    assert!(routes.len() > 5, "{routes:?}");
    let placeholder = Regex::new(r"\{[^}]*\}").unwrap();
    for route in &routes {
        let of_imports = route.starts_with("/console/imports") || route.contains("/report/");
        let path = placeholder.replace_all(route, if of_imports { import.as_str() } else { "user" });
        if path.starts_with("/console/sign-in") {
            // It has a token of its own, from before.
            for fields in
                [vec![], vec![("csrf", csrf.as_str()), ("token", ADMIN)], vec![("csrf", ""), ("token", ADMIN)]]
            {
                assert_eq!(Visitor::new(&service).post(&path, &fields).status, 403, "{path} {fields:?}");
            }
            continue;
        }
        for fields in [vec![], vec![("csrf", "")], vec![("csrf", "0000")], vec![("csrf", others.as_str())]] {
            let page = post(&mut admin, &path, &fields);
            assert_eq!(page.status, 403, "{route} {fields:?}: {}", page.text());
            assert_eq!(page.heading(), "This page is too old", "{route}");
        }
        // A token in the address is none.
        let page = post(&mut admin, &format!("{path}?csrf={csrf}"), &[]);
        assert_eq!(page.status, 403, "{route}");
        // Nor does it help a page that the browser says is somebody else's.
        for site in ["cross-site", "same-site"] {
            let page = admin.post_with(&path, &[("csrf", &csrf)], &[("Sec-Fetch-Site", site)]);
            assert_eq!(page.status, 403, "{route} {site}");
        }
        // Asking changes nothing: there is no such page, or one that only shows.
        let page = admin.ask(&path);
        assert!([200, 303, 404, 405].contains(&page.status), "{route}: {}", page.status);
    }
    assert_eq!(admin.go("/console/tokens").status, 200, "still there");
    assert_eq!(service.folder.run("token list --json").json().len(), 2);
    assert_eq!(service.curl(&format!("/openidm/csv/metadata/{import}")).status, 200);
}

/// What every page is sent with.
fn check_headers(page: &Page) {
    let policy = page.header("content-security-policy").unwrap();
    for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'"]
    {
        assert!(policy.contains(rule), "{}: {policy}", page.address);
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), Some(value), "{}: {name}", page.address);
    }
    for element in page.all() {
        let inline = ["style", "onclick", "onload", "hx-on", "srcdoc"];
        assert!(!element.attributes.iter().any(|(name, _)| inline.contains(&name.as_str())), "{element:?}");
        let is_script = element.tag == "script" || element.tag == "style";
        assert!(!is_script || element.attribute("src").is_some() && element.text.is_empty(), "{element:?}");
        for name in ["src", "href", "action"] {
            let address = element.attribute(name).unwrap_or_default();
            assert!(!address.contains("://") && !address.starts_with("javascript:"), "{}: {element:?}", page.address);
        }
    }
}

#[test]
fn every_page_is_sent_so_that_nothing_of_others_runs_in_it() {
    let service = Service::new();
    check_headers(&Visitor::new(&service).go("/console/sign-in"));
    check_headers(&Visitor::new(&service).sign_in("wrong"));
    let mut admin = Visitor::admin(&service);
    for path in PAGES {
        let page = admin.go(path);
        check_headers(&page);
        assert!(!page.html.contains("the-administrators-token"));
    }
    // Files that go with them may be kept for ever.
    let page = admin.go("/console/imports");
    for link in page.elements("script").iter().filter_map(|script| script.attribute("src")) {
        assert!(admin.ask(&link).header("cache-control").unwrap().contains("immutable"), "{link}");
    }
}

/// The cookies that a page sets: as they stand in its headers.
fn cookies(page: &Page) -> Vec<String> {
    let random = Regex::new("=[^;]+_[^;]+|=[0-9a-f]{36}").unwrap();
    let mark = Regex::new("-[0-9a-f]{8}=").unwrap();
    let set = page.headers.iter().filter(|(name, _)| name == "set-cookie");
    let steady = |(_, cookie): &(String, String)| {
        let cookie = random.replace(cookie, "=SECRET").into_owned();
        mark.replace(&cookie, "-MARK=").into_owned()
    };
    set.map(steady).collect()
}

#[test]
fn cookies_are_ours_alone() {
    let service = Service::new();
    let mut visitor = Visitor::new(&service);
    let page = visitor.go("/console/sign-in");
    let mut form = page.form("Sign in");
    form.fill("token", ADMIN);
    let all = [cookies(&page), cookies(&visitor.press_only(&form, "Sign in"))].concat();
    insta::assert_snapshot!(all.join("\n"), @"
    rollbook-visit-MARK=SECRET; Path=/; HttpOnly; SameSite=Lax
    rollbook-session-MARK=SECRET; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200
    rollbook-visit-MARK=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0
    ");
    let page = visitor.go("/console/imports");
    insta::assert_snapshot!(cookies(&visitor.press_only(&page.form("Sign out"), "Sign out")).join("\n"), @"rollbook-session-MARK=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
}

#[test]
fn over_https_cookies_are_bound_to_it() {
    let settings = "[server]\nbehind_proxy = true\n";
    let service = Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings));
    let mut visitor = Visitor::new(&service);
    let page = visitor.go("/console/sign-in");
    let mut form = page.form("Sign in");
    form.fill("token", ADMIN);
    let all = [cookies(&page), cookies(&visitor.press_only(&form, "Sign in"))].concat();
    insta::assert_snapshot!(all.join("\n"), @"
    __Host-rollbook-visit-MARK=SECRET; Path=/; HttpOnly; SameSite=Lax; Secure
    __Host-rollbook-session-MARK=SECRET; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=43200
    __Host-rollbook-visit-MARK=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0
    ");
    assert_eq!(visitor.go("/console/imports").heading(), "Imports");
    // A name that others can set is not read.
    let (name, secret) = visitor.cookies.remove(0);
    visitor.cookies.push((name.replace("__Host-", ""), secret.clone()));
    assert_eq!(visitor.go("/console/imports").heading(), "Sign in to Rollbook");
    // Of two with one name neither counts.
    visitor.cookies = vec![(name.clone(), secret), (name, "rb_of_somebody_else".to_owned())];
    assert_eq!(visitor.go("/console/imports").heading(), "Sign in to Rollbook");
}

#[test]
fn whoever_says_that_people_come_over_https_has_cookies_bound_to_it() {
    let settings = "[server]\npublic_url = 'HTTPS://rollbook.example.com'\n";
    let service = Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings));
    let page = Visitor::new(&service).go("/console/sign-in");
    insta::assert_snapshot!(cookies(&page).join("\n"), @"__Host-rollbook-visit-MARK=SECRET; Path=/; HttpOnly; SameSite=Lax; Secure");
}

#[test]
fn without_https_a_name_that_stands_for_it_is_not_read() {
    let service = Service::new();
    let mut visitor = Visitor::admin(&service);
    let (name, secret) = visitor.cookies.remove(0);
    visitor.cookies.push((format!("__Host-{name}"), secret));
    assert_eq!(visitor.go("/console/imports").heading(), "Sign in to Rollbook");
}

#[test]
fn installations_on_one_host_do_not_sign_each_other_out() {
    let (one, other) = (Service::new(), Service::new());
    let mut visitor = Visitor::admin(&one);
    let of_other = Visitor::admin(&other);
    // Browsers tell hosts apart, but not ports.
    visitor.cookies.extend(of_other.cookies);
    assert_eq!(visitor.cookies.len(), 2);
    assert_ne!(visitor.cookies[0].0, visitor.cookies[1].0);
    assert_eq!(visitor.go("/console/imports").heading(), "Imports");
}

#[test]
fn nobody_goes_on_with_what_somebody_else_has_begun() {
    let service = Service::new();
    let mut visitor = Visitor::of(&service, "viewer");
    let before = visitor.cookies.clone();
    let mut again = visitor.clone();
    again.cookies.clear();
    let mut form = again.go("/console/sign-in").form("Sign in");
    form.fill("token", ADMIN);
    // As somebody would who had planted his own cookie in this browser.
    again.cookies.extend(before.clone());
    let page = again.press(&form, "Sign in");
    assert!(page.html.contains("openidm-admin"));
    assert!(!again.cookies.contains(&before[0]), "the secret is a new one");
    assert_eq!(visitor.go("/console/imports").heading(), "Sign in to Rollbook", "and the old one is good no more");
}

#[test]
fn sessions_outlive_the_process_but_not_the_token() {
    let mut service = Service::new();
    let mut zoe = Visitor::of(&service, "viewer");
    assert_eq!(service.stop(), Some(0));
    service.restart();
    zoe.move_to(&service);
    assert_eq!(zoe.go("/console/imports").heading(), "Imports");
    let short = service.token("--name short --role viewer --expires 2s");
    let mut short = Visitor::with(&service, &short);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(short.go("/console/imports").heading(), "Sign in to Rollbook");
}

#[test]
fn pages_that_are_not_there_say_so() {
    let service = Service::new();
    let mut admin = Visitor::admin(&service);
    let page = admin.go("/console/nowhere");
    assert_eq!(page.status, 404);
    insta::assert_snapshot!(page.text(), @"
    # There is nothing here
    There is no page '/console/nowhere'.
    It may have been deleted, or you may not see it. Look for it in the lists above.
    [Go to the imports](/console/imports)
    ");
    let page = admin.go("/console/%3Cscript%3Ealert(1)%3C/script%3E");
    assert_eq!((page.status, page.elements("script").len()), (404, 3));
    let page = admin.post("/console/settings", &[]);
    assert_eq!(page.status, 405);
    insta::assert_snapshot!(page.text(), @"
    # That did not work
    '/console/settings' does not take POST.
    Go back and try it from its page.
    [Go to the imports](/console/imports)
    ");
}
