//! The page of tokens.

use fancy_regex::Regex;

use crate::service::Service;
use crate::visitor::{Page, Visitor};

/// The token that a page shows this once.
fn shown(page: &Page) -> String {
    page.all().into_iter().find(|element| element.has("id", "secret")).expect(&page.html).text
}

/// When somebody makes a token.
fn make(visitor: &mut Visitor, name: &str, role: &str) -> Page {
    let mut form = visitor.go("/console/tokens").form("Make the token");
    form.fill("Name", name);
    form.tick(&format!("role={role}"));
    visitor.press(&form, "Make the token")
}

#[test]
fn a_token_is_made_shown_once_and_revoked() {
    let service = Service::new();
    let mut admin = Visitor::admin(&service);
    let page = make(&mut admin, "Zoë's laptop", "viewer");
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let token = shown(&page);
    let example = page.all().into_iter().find(|element| element.has("id", "example")).unwrap().text;
    assert_eq!(
        example,
        format!("curl --header 'Authorization: Bearer {token}' {}/openidm/info/login", service.address)
    );
    let said = service.ask(&token, "/openidm/info/login");
    assert_eq!((said.status, said.json()["authorization"]["role"].as_str()), (200, Some("viewer")));

    let page = admin.go("/console/tokens");
    assert!(!page.html.contains(&token), "it is shown once");
    insta::assert_snapshot!(page.text_of("aria-label", "Tokens"), @"
    Name | Role | Object types | Created | Expires | Revoke
    openidm-admin you
    0123456789ab | admin | all | 28 Feb 2026, 17:05:00 UTC | never
    Revoke the token of openidm-admin
    Whoever uses the token of 'openidm-admin' is not let in any more, at once and for good. It is the one that you have signed in with: you are signed out with it. When the service starts the next time, it makes a new one of this name.
    [Revoke 'openidm-admin']
    Zoë's laptop
    0123456789ab | viewer | all | 28 Feb 2026, 17:05:00 UTC | 28 Feb 2026, 17:05:00 UTC
    Revoke the token of Zoë's laptop
    Whoever uses the token of 'Zoë's laptop' is not let in any more, at once and for good.
    [Revoke 'Zoë's laptop']
    ");

    let mut zoe = Visitor::with(&service, &token);
    let form = page.form("Revoke 'Zoë's laptop'");
    let page = admin.press(&form, "Revoke 'Zoë's laptop'");
    assert_eq!(page.address, "/console/tokens?done=revoked");
    assert!(page.text().contains("The token is revoked"), "{}", page.text());
    assert_eq!(service.ask(&token, "/openidm/info/login").status, 401);
    // What was signed in with it is over at once.
    assert_eq!(zoe.go("/console/imports").heading(), "Sign in to Rollbook");
    // Twice is once too often.
    assert_eq!(admin.press(&form, "Revoke 'Zoë's laptop'").status, 404);
}

#[test]
fn the_form_says_what_is_wrong_and_keeps_what_was_typed() {
    let service = Service::new();
    let mut admin = Visitor::admin(&service);
    assert_eq!(make(&mut admin, "ci", "importer").status, 200);
    let said = |page: Page| {
        let alert = page.all().into_iter().find(|element| element.has("role", "alert"));
        let said = alert.map_or_else(|| "nothing".to_owned(), |alert| alert.text);
        let said =
            said.trim_start_matches("No token was made. ").trim_end_matches("Correct it below").trim_end().to_owned();
        format!("{} {}", page.status, Regex::new("id '[^']*'").unwrap().replace(&said, "id 'ID'"))
    };
    let mut refusals = vec![said(make(&mut admin, "ci", "viewer")), said(make(&mut admin, " ", "viewer"))];
    refusals.push(said(make(&mut admin, &"x".repeat(101), "viewer")));
    let mut form = admin.go("/console/tokens").form("Make the token");
    form.fill("Name", "hr");
    form.tick("type=managed/user");
    let page = admin.press(&form, "Make the token");
    let again = page.form("Make the token");
    assert_eq!(again.value("Name"), "hr");
    assert!(again.fields.iter().any(|field| field.value == "managed/user" && field.is_on));
    refusals.push(said(page));
    form.untick("type=managed/user");
    form.tick("scope=some");
    refusals.push(said(admin.press(&form, "Make the token")));
    for (field, value) in [("role", "root"), ("lifetime", "9999d"), ("type", "managed/nothing")] {
        let mut fields = vec![("csrf", form.value("csrf")), ("name", "x"), ("role", "viewer"), ("scope", "some")];
        fields.extend([("type", "managed/user"), ("lifetime", "90d")]);
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        refusals.push(said(admin.post("/console/tokens", &fields)));
    }
    insta::assert_snapshot!(refusals.join("\n"), @"
    409 There is a token named 'ci' already, with the id 'ID'.
    400 A token needs a name.
    400 The name of a token has at most 100 characters, not 101.
    400 Object types are ticked, and the token would be for all of them: choose 'Only those that are ticked', or untick them.
    400 A token for some object types needs at least one: tick those that it is for.
    400 Choose what may be done with the token.
    400 Choose how long the token is to be good.
    404 There is no object type 'managed/nothing'; there are managed/assignment, managed/px_account, managed/px_user, managed/role, managed/user.
    ");
    assert_eq!(admin.go("/console/tokens").elements("tbody")[0].text.matches("Revoke").count(), 4, "two tokens");
}

#[test]
fn a_token_for_some_object_types_makes_no_other() {
    let service = Service::new();
    let hr = service.token("--name hr --role admin --types managed/user");
    let _ = service.token("--name everything --role viewer");
    let _ = service.token("--name roles --role viewer --types managed/role");
    let mut hr = Visitor::with(&service, &hr);
    let page = hr.go("/console/tokens");
    insta::assert_snapshot!(page.text(), @"
    # Tokens
    A token lets a person or a program in. It says who asks, what may be done, and which object types can be seen.
    [New token](#new)
    Name | Role | Object types | Created | Expires | Revoke
    hr you
    0123456789ab | admin | managed/user | 28 Feb 2026, 17:05:00 UTC | never
    Revoke the token of hr
    Whoever uses the token of 'hr' is not let in any more, at once and for good. It is the one that you have signed in with: you are signed out with it.
    [Revoke 'hr']
    ## New token
    Name {name: }
    Whose it is: imports show this name. No two tokens have the same.
    Role
    [ ] viewer Looks at imports, objects and object types. [x] importer Imports files, cancels and cleans up imports, creates and changes objects. [ ] admin Does everything: deletes objects, changes object types, integrations and tokens.
    Object types that it sees
    You see these; a token of yours can see no others.
    [ ] managed/user
    Good for {lifetime: 1 day / 7 days / 30 days / *90 days* / 1 year / Until it is revoked}
    [Make the token]
    ");
    // Its own of course, and those that see no more.
    let mut form = page.form("Make the token");
    form.fill("Name", "users");
    form.tick("type=managed/user");
    let page = hr.press(&form, "Make the token");
    let said = service.ask(&shown(&page), "/openidm/info/login").json();
    assert_eq!(said["authorization"]["objectTypes"], serde_json::json!(["managed/user"]));
    // No form leads to more, and neither does anything else.
    let csrf = form.value("csrf").to_owned();
    let mut post = |fields: &[(&str, &str)]| {
        let always = [("csrf", csrf.as_str()), ("name", "more"), ("role", "admin"), ("lifetime", "")];
        hr.post("/console/tokens", &[&always[..], fields].concat()).status
    };
    assert_eq!(post(&[("scope", "all")]), 400);
    assert_eq!(post(&[("scope", "some"), ("type", "managed/role")]), 404);
    assert_eq!(post(&[("scope", "some"), ("type", "managed/user"), ("type", "managed/role")]), 404);
    for name in ["everything", "roles", "openidm-admin"] {
        let id = service.folder.run("token list --json").json();
        let id = id.iter().find(|token| token["name"] == name).unwrap()["id"].as_str().unwrap().to_owned();
        assert_eq!(hr.post(&format!("/console/tokens/{id}/revoke"), &[("csrf", &csrf)]).status, 404, "{name}");
    }
    assert_eq!(service.folder.run("token list --json").json().len(), 5);
}

#[test]
fn whoever_revokes_his_own_token_is_signed_out() {
    let service = Service::new();
    let mut zoe = Visitor::with(&service, &service.token("--name zoe --role admin"));
    let page = zoe.go("/console/tokens");
    let page = zoe.press(&page.form("Revoke 'zoe'"), "Revoke 'zoe'");
    assert_eq!((page.status, page.heading().as_str()), (200, "Sign in to Rollbook"));
    assert!(page.text().contains("You have revoked"), "{}", page.text());
    assert_eq!(zoe.go("/console/imports").heading(), "Sign in to Rollbook");
}

#[test]
fn tokens_that_have_expired_are_marked() {
    let service = Service::new();
    let _ = service.token("--name short --role viewer --expires 1ms");
    let page = Visitor::admin(&service).go("/console/tokens");
    let text = page.text_of("aria-label", "Tokens");
    assert!(text.lines().any(|line| line.contains("UTC expired")), "{text}");
}

#[test]
fn hostile_names_are_inert() {
    let service = Service::new();
    let mut admin = Visitor::admin(&service);
    let before = admin.go("/console/tokens").all().len();
    for name in
        ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' autofocus onfocus='alert(1)", "{{7*7}}"]
    {
        let page = make(&mut admin, name, "viewer");
        assert_eq!(page.status, 200, "{name}");
        assert_eq!(page.elements("h2")[0].text, format!("The token of '{name}'"));
        let page = make(&mut admin, name, "viewer");
        assert_eq!((page.status, page.form("Make the token").value("Name")), (409, name));
        assert!(page.elements("img").is_empty() && page.elements("script").len() == 3, "{name}");
    }
    let page = admin.go("/console/tokens");
    let elements = page.all();
    let is_handler = |(name, _): &(String, String)| name.starts_with("on") || name == "style";
    assert!(!elements.iter().any(|element| element.attributes.iter().any(is_handler)));
    let row = elements.len() - before;
    assert!(row.is_multiple_of(4), "each row has as many elements as the others");
}
