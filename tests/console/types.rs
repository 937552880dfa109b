//! Object types, as somebody looks at them, defines them and adds what a file has and they have not.

use serde_json::json;

use crate::harness::Folder;
use crate::service::Service;
use crate::visitor::Visitor;

#[test]
fn somebody_looks_at_the_types() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "viewer");
    let page = zoe.go("/console/types");
    insta::assert_snapshot!(page.text(), @"
    # Object types
    Object types
    Name | What it is | Properties | Unique | What you can do
    [assignment](/console/types/assignment) | Assignment Attributes that a role brings in another system | 5 | none | [Its objects](/console/objects/assignment)
    [px_account](/console/types/px_account) | PX account A customer of a product, with Gainsight PX's default attributes | 27 | id | [Its objects](/console/objects/px_account)
    [px_user](/console/types/px_user) | PX user A user of a product, with Gainsight PX's default attributes | 38 | id | [Its objects](/console/objects/px_user)
    [role](/console/types/role) | Role A set of rights that people are given | 4 | name | [Its objects](/console/objects/role)
    [user](/console/types/user) | User A person with an account | 15 | userName | [Its objects](/console/objects/user)
    ");
    let page = zoe.click(&page, "role");
    insta::assert_snapshot!(page.text(), @r#"
    - [Object types](/console/types)
    # role
    Role: A set of rights that people are given
    [Its objects](/console/objects/role)
    ## Properties
    Properties of role, in their order
    Property | Type | Rules
    name Name | string
    - required
    - unique
    description Description | string | none
    condition Condition | string | none
    temporalConstraints Temporal Constraints | array of objects
    - no column of the template, but can be imported
    ## Finding existing objects
    An import updates the object that has the same values of the properties that you choose for it, and creates one where there is none.
    Unique, each good by itself
      name
    ## Definition
    Version 1
    As JSON
    [Copy]
    {
      "name": "role",
      "schema": {
        "type": "object",
        "title": "Role",
        "description": "A set of rights that people are given",
        "order": [
          "name",
          "description",
          "condition",
          "temporalConstraints"
        ],
        "required": [
          "name"
        ],
        "properties": {
          "name": {
            "type": "string",
            "title": "Name",
            "policies": [
              {
                "policyId": "unique"
              }
            ]
          },
          "description": {
            "type": "string",
            "title": "Description"
          },
          "condition": {
            "type": "string",
            "title": "Condition",
            "description": "A query filter: who it fits has the role"
          },
          "temporalConstraints": {
            "type": "array",
            "title": "Temporal Constraints",
            "items": {
              "type": "object"
            }
          }
        }
      }
    }
    "#);
    let page = zoe.go("/console/types/user");
    insta::assert_snapshot!(page.text_of("class", "data"), @r"
    Properties of user, in their order
    Property | Type | Rules
    userName Username | string
    - required
    - unique
    - not the name of an account of the server
    - without /
    - at least 1 character
    - at most 255 characters
    password Password | string
    - not empty
    - at least 8 characters
    - at least 1 capital letter
    - at least 1 digit
    - without the value of userName, givenName, sn
    - private: never shown, never imported
    givenName First Name | string
    - required
    sn Last Name | string
    - required
    mail Email Address | string
    - required
    - an e-mail address
    description Description | string | none
    accountStatus Status | string
    - a new object gets 'active' where it has no value
    telephoneNumber Telephone Number | string
    - matching /^\+?([0-9\- \(\)])*$/
    postalAddress Street Address | string | none
    city City | string | none
    postalCode Postal Code | string | none
    country Country | string | none
    stateProvince State or Province | string | none
    preferences/updates News and Updates | boolean | none
    preferences/marketing Special Offers | boolean | none
    ");
    assert!(!page.has_form("Save the definition"));
}

/// An unknown column is added where it was noticed.
#[test]
fn an_administrator_adds_a_property() {
    let service =
        Service::on(Folder::new().file("people.csv", "userName,givenName,sn,mail,shoe size\na,b,c,d@e.ff,41\n"));
    let mut zoe = Visitor::admin(&service);
    let page = zoe.go("/console/types/user/properties?name=shoe%20size&back=/console/new/user");
    assert_eq!(page.heading(), "Add a property to user");
    let mut form = page.form("Add the property");
    assert_eq!(form.value("name"), "shoe size");
    form.choose("Type", "true or false");
    form.fill("Title", "Shoe size <b>");
    form.fill("Least number", "a few");
    form.fill("Pattern of a text", "(");
    form.tick("No two objects may have the same value");
    let page = zoe.press(&form, "Add the property");
    assert_eq!(page.status, 400);
    let problems: Vec<String> =
        page.elements("p").into_iter().filter(|it| it.has("class", "problem")).map(|it| it.text).collect();
    insta::assert_snapshot!(problems.join("\n"), @"
    Only texts and numbers can be unique.
    Only a text can match a pattern.
    Write a number, such as 12.5.
    ");
    let mut form = page.form("Add the property");
    assert_eq!((form.value("name"), form.value("pattern")), ("shoe size", "("), "nothing is lost");
    form.choose("Type", "whole number");
    form.fill("Least number", "15");
    form.fill("Pattern of a text", "");
    form.untick("No two objects may have the same value");
    let page = zoe.press_only(&form, "Add the property");
    assert_eq!((page.status, page.header("location")), (303, Some("/console/new/user")));
    let definition = service.curl("/openidm/config/managed/user").body;
    let definition: serde_json::Value = serde_json::from_str(&definition).unwrap();
    assert_eq!(
        definition["schema"]["properties"]["shoe size"],
        json!({"type": "integer", "title": "Shoe size <b>", "policies": [{"policyId": "minimumNumber", "params": {"minimum": 15}}]})
    );
    assert_eq!(definition["schema"]["order"].as_array().unwrap().last(), Some(&json!("shoe size")));
    let outcome = service.folder.run("import --into managed/user --unique userName people.csv").success();
    assert!(outcome.contains('1'), "{outcome}");
    // Once more: it is there, and the form that was open is about what was before.
    let page = zoe.press(&form, "Add the property");
    assert!(page.text().contains("There is a property 'shoe size' already."), "{}", page.text());
    form.fill("Name", "hat size");
    let page = zoe.press(&form, "Add the property");
    assert_eq!(page.status, 412);
    let form = page.form("Add the property");
    assert_eq!(zoe.press_only(&form, "Add the property").status, 303, "with the revision as it is now");
}

#[test]
fn nobody_is_sent_elsewhere() {
    let service = Service::new();
    let mut zoe = Visitor::admin(&service);
    let page = zoe.go("/console/types/role/properties?name=x%22%3E%3Cscript%3E&back=https://elsewhere.example/");
    let form = page.form("Add the property");
    assert_eq!(form.value("name"), "x\"><script>");
    let page = zoe.press(&form, "Add the property");
    assert!(page.address.starts_with("/console/types/role?done=added"), "{}", page.address);
    insta::assert_snapshot!(page.text_of("class", "notice good"), @r#"The property 'x"><script>' was added. [Import a file](/console/new/role)"#);
}

#[test]
fn an_administrator_defines_types() {
    let service = Service::new();
    let mut zoe = Visitor::admin(&service);
    let page = zoe.go("/console/types");
    let mut form = page.form("Create");
    for (text, said) in [
        ("", "Nothing was created: paste a definition, or choose a file with one"),
        ("{", "Nothing was created: this is not JSON"),
        ("[]", "there is no object type in this definition"),
        (r#"{"name": "user"}"#, "there is an object type 'user' already"),
        (r#"{"name": "a b"}"#, "no name of an object type"),
        (r#"{"name": "</textarea><script>", "schema": {}}"#, "no name of an object type"),
        (
            r#"{"name": "t", "schema": {"properties": {"a": {"type": "text"}, "b": {"scope": "secret"}}}}"#,
            "property 'b': the scope 'secret' is neither 'public' nor 'private'",
        ),
    ] {
        form.fill("Definition (JSON)", text);
        let page = zoe.press(&form, "Create");
        assert!(page.status >= 400, "{text}");
        assert!(page.text_of("role", "alert").contains(said), "{}", page.text());
        assert_eq!(page.form("Create").value("definition"), text);
    }
    form.fill("Definition (JSON)", "");
    let device = r#"{"name": "device", "schema": {"title": "Device", "properties": {"serial": {"type": "string"}}}}"#;
    form.attach("file", "device.json", device.as_bytes());
    let page = zoe.press(&form, "Create");
    assert_eq!(page.address, "/console/types/device?done=created");
    let mut form = page.form("Save the definition");
    form.fill("Definition (JSON)", &device.replace("device", "gadget"));
    let page = zoe.press(&form, "Save the definition");
    assert!(page.text().contains("the definition is not that of 'device'"), "{}", page.text());
    form.fill("Definition (JSON)", &device.replace("serial", "number"));
    let page = zoe.press(&form, "Save the definition");
    assert_eq!(page.address, "/console/types/device?done=changed");
    let page = zoe.press(&form, "Save the definition");
    assert_eq!(page.status, 412, "it is not what it was: {}", page.text());
}

#[test]
fn nobody_replaces_a_definition_that_he_has_not_seen() {
    let service = Service::new();
    let (mut zoe, mut ann) = (Visitor::admin(&service), Visitor::of(&service, "admin"));
    let mut mine = zoe.go("/console/types/role").form("Save the definition");
    let mut theirs = ann.go("/console/types/role").form("Save the definition");
    let before = mine.value("definition").to_owned();
    theirs.fill("definition", &before.replacen("\"title\": \"", "\"title\": \"Theirs ", 1));
    assert_eq!(ann.press(&theirs, "Save the definition").address, "/console/types/role?done=changed");
    let is = || service.curl("/openidm/config/managed/role").body;
    let set = is();
    assert!(set.contains("Theirs "), "{set}");
    // What cannot be read is refused before it is seen that there is another by now.
    mine.fill("definition", "{");
    let page = zoe.press(&mine, "Save the definition");
    assert_eq!(page.status, 400);
    let mut mine = page.form("Save the definition");
    mine.fill("definition", &before);
    let page = zoe.press(&mine, "Save the definition");
    assert_eq!((page.status, is()), (412, set));
    assert!(page.text_of("role", "alert").contains("saving again replaces it with yours"), "{}", page.text());
    assert!(page.text_of("id", "definition-json").contains("Theirs "));
    let page = zoe.press(&page.form("Save the definition"), "Save the definition");
    assert_eq!(page.address, "/console/types/role?done=changed");
    assert!(!is().contains("Theirs "));
}

#[test]
fn only_administrators_change_types() {
    let service = Service::new();
    let token = service.token("--name Role --role admin --types managed/role");
    let mut role = Visitor::with(&service, &token);
    let page = role.go("/console/types");
    let mut form = page.form("Create");
    form.fill("Definition (JSON)", r#"{"name": "mine"}"#);
    assert_eq!(role.press(&form, "Create").status, 404, "only one type exists for him");
    assert_eq!(role.go("/console/types/user").status, 404);
    assert_eq!(role.go("/console/types/user/properties?name=x").status, 404);
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go("/console/types/user");
    let csrf = page.form("Sign out").value("csrf").to_owned();
    assert_eq!(zoe.go("/console/types/user/properties?name=x").status, 403);
    for address in ["/console/types", "/console/types/user/definition", "/console/types/user/properties"] {
        assert_eq!(zoe.post(address, &[("csrf", &csrf), ("name", "x"), ("definition", "{}")]).status, 403, "{address}");
    }
    let mut admin = Visitor::admin(&service);
    for address in ["/console/types", "/console/types/user/definition", "/console/types/user/properties"] {
        assert_eq!(
            admin.post(address, &[("name", "x"), ("definition", "{}")]).status,
            403,
            "without the token of his forms"
        );
    }
}
