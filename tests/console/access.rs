//! Who may come in, and what they see.

use crate::service::Service;
use crate::visitor::Visitor;

#[test]
fn whoever_has_a_token_signs_in_and_out() {
    let service = Service::new();
    let token = service.token("--name Zoë --role importer");
    let mut zoe = Visitor::new(&service);
    let page = zoe.go("/");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/sign-in?next=%2Fconsole%2Fimports"));
    insta::assert_snapshot!(page.text(), @"
    # Sign in to Rollbook
    Access token {token: } [Sign in]
    ");
    let page = zoe.sign_in(&token);
    assert_eq!((page.status, page.address.as_str()), (200, "/console/imports"));
    let form = page.form("Sign out");
    let page = zoe.press(&form, "Sign out");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/sign-in"));
    let page = zoe.go("/console/imports");
    assert_eq!(page.heading(), "Sign in to Rollbook");
}
