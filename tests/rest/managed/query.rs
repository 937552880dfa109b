//! `GET /openidm/managed/{type}`: queries of objects.

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::service::{Reply, Service};

/// A definition whose pin has this scope.
fn person(scope: &str) -> String {
    json!({
        "name": "person",
        "schema": {
            "properties": {
                "userName": {"type": "string", "policies": [{"policyId": "unique"}]},
                "city": {"type": "string"},
                "age": {"type": "number"},
                "tags": {"type": "array"},
                "preferences": {"type": "object", "properties": {"updates": {"type": "boolean"}}},
                "pin": {"type": "string", "scope": scope},
            },
        },
    })
    .to_string()
}

const PEOPLE: &str = "\
userName,city,age,tags,preferences/updates,pin
u1,Oslo,30,\"[\"\"b\"\",\"\"a\"\"]\",true,11
U2,Paris,7,,false,22
u3,oslo,100,\"[\"\"a\"\"]\",,33
u4,,,,true,44
u5,Ürümqi,41,,true,55
";

/// Given five people, of whom nobody may see the pin.
fn people() -> Service {
    let folder = Folder::new().file("open.json", person("public")).file("secret.json", person("private"));
    let folder = folder.file("people.csv", PEOPLE).after("types apply open.json");
    Service::on(
        folder.after("import people.csv --into managed/person --unique userName").after("types apply secret.json"),
    )
}

fn ask(service: &Service, parameters: &[&str]) -> Reply {
    let encoded: Vec<String> = parameters.iter().map(|parameter| format!("--data-urlencode '{parameter}'")).collect();
    service.curl(&format!("--get {} /openidm/managed/person", encoded.join(" ")))
}

fn names(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.json();
    let objects = answer["result"].as_array().unwrap();
    if reply.json()["resultCount"] != json!(objects.len()) {
        panic!("{}", reply.body);
    }
    objects.iter().map(|object| object["userName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_answer_has_pingidms_envelope() {
    let service = people();
    let reply = ask(&service, &["_queryFilter=city eq \"OSLO\"", "_sortKeys=-age"]);
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"result":[{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000001","userName":"u3","city":"oslo","age":100,"tags":["a"]},{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000001","userName":"u1","city":"Oslo","age":30,"tags":["b","a"],"preferences":{"updates":true}}],"resultCount":2,"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}
    "#);
    assert_eq!(reply.header("content-type"), Some("application/json; charset=UTF-8"));
    let reply =
        service.curl("'/openidm/managed/person?_queryFilter=/city+eq+%22Oslo%22&_fields=city,preferences/updates'");
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"result":[{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000001","city":"Oslo","preferences":{"updates":true}},{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000001","city":"oslo"}],"resultCount":2,"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}
    "#);
    let reply = ask(&service, &["_queryFilter=false", "_prettyPrint=true"]);
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {
      "result": [],
      "resultCount": 0,
      "pagedResultsCookie": null,
      "totalPagedResultsPolicy": "NONE",
      "totalPagedResults": -1,
      "remainingPagedResults": -1
    }
    "#);
}

#[test]
fn a_filter_chooses() {
    let service = people();
    for (filter, chosen) in [
        ("true", vec!["u1", "U2", "u3", "u4", "u5"]),
        ("userName eq \"u2\"", vec!["U2"]),
        ("userName in \"[\\\"U1\\\",\\\"u4\\\"]\"", vec!["u1", "u4"]),
        ("age gt 7 and !(city co \"sl\")", vec!["u5"]),
        ("city sw \"ü\" or city pr and age lt 10", vec!["U2", "u5"]),
        ("preferences/updates eq true", vec!["u1", "u4", "u5"]),
        ("!(/city pr)", vec!["u4"]),
        ("tags eq \"a\"", vec!["u1", "u3"]),
        ("tags/0 eq \"a\"", vec!["u3"]),
        ("age eq 1e2", vec!["u3"]),
        ("_rev eq \"0000000000000001\" and age ge 41", vec!["u3", "u5"]),
    ] {
        assert_eq!(names(&ask(&service, &[&format!("_queryFilter={filter}")])), chosen, "{filter}");
    }
    let all = ask(&service, &["_queryId=query-all"]).json();
    for object in all["result"].as_array().unwrap() {
        let id = object["_id"].as_str().unwrap();
        let found = ask(&service, &[&format!("_queryFilter=_id eq \"{}\"", id.to_uppercase())]);
        assert_eq!(found.json()["result"], json!([object]));
    }
}

/// A filter that tells whether a secret begins with a letter tells the secret.
#[test]
fn what_is_private_does_not_exist() {
    let service = people();
    assert!(!ask(&service, &["_queryFilter=true"]).body.contains("pin"));
    assert_eq!(names(&ask(&service, &["_queryFilter=pin pr or pin eq \"11\" or pin sw \"1\""])), [""; 0]);
    assert_eq!(names(&ask(&service, &["_queryFilter=!(pin pr)"])).len(), 5);
    assert_eq!(names(&ask(&service, &["_queryFilter=true", "_sortKeys=-pin"])), ["u1", "U2", "u3", "u4", "u5"]);
    assert!(!ask(&service, &["_queryFilter=true", "_fields=pin,city"]).body.contains("pin"));
    // The operator sees everything.
    let outcome = service.folder.run("objects list managed/person --filter 'pin eq \"11\"' --json").success();
    assert!(outcome.contains("\"pin\":\"11\""), "{outcome}");
}

#[test]
fn ids_alone() {
    let service = people();
    let reply = ask(&service, &["_queryId=query-all-ids", "_pageSize=1"]).json();
    let members: Vec<&String> = reply["result"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["_id", "_rev"]);
    assert!(reply["pagedResultsCookie"].is_string());
}

#[test]
fn pages_by_cookie_and_by_offset() {
    let service = people();
    for order in ["_sortKeys=", "_sortKeys=-age", "_sortKeys=city,-userName"] {
        let all = names(&ask(&service, &["_queryFilter=true", order]));
        let (mut by_cookie, mut by_offset, mut cookie) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page = ask(
                &service,
                &[
                    "_queryFilter=true",
                    order,
                    "_pageSize=2",
                    "_totalPagedResultsPolicy=exact",
                    &format!("_pagedResultsCookie={cookie}"),
                ],
            );
            by_cookie.extend(names(&page));
            let page = page.json();
            assert_eq!((&page["totalPagedResults"], &page["totalPagedResultsPolicy"]), (&json!(5), &json!("EXACT")));
            match &page["pagedResultsCookie"] {
                Value::String(next) => cookie.clone_from(next),
                _ => break,
            }
        }
        for offset in [0, 2, 4, 6] {
            let offset = format!("_pagedResultsOffset={offset}");
            by_offset.extend(names(&ask(&service, &["_queryFilter=true", order, "_pageSize=2", &offset])));
        }
        assert_eq!((&by_cookie, &by_offset), (&all, &all), "{order}");
    }
    let counted = ask(&service, &["_queryFilter=age pr", "_countOnly=true"]).json();
    assert_eq!((&counted["result"], &counted["resultCount"]), (&json!([]), &json!(4)));
}

/// Objects that come while somebody reads page by page come last, and none comes twice.
#[test]
fn pages_stay_as_they_are_while_objects_come() {
    let service = people();
    let first = ask(&service, &["_queryFilter=true", "_pageSize=3"]);
    std::fs::write(service.folder.path("more.csv"), "userName,city\nu6,Rome\nU2,Bergen\n").unwrap();
    let _ = service.folder.run("import more.csv --into managed/person --unique userName").success();
    let cookie = first.json()["pagedResultsCookie"].as_str().unwrap().to_owned();
    let rest = ask(&service, &["_queryFilter=true", "_pageSize=3", &format!("_pagedResultsCookie={cookie}")]);
    assert_eq!([names(&first), names(&rest)].concat(), ["u1", "U2", "u3", "u4", "u5", "u6"]);
}

/// More than goes into one piece of a body, and into one step of a search.
#[test]
fn an_answer_may_be_long() {
    let people: String = (0..3000).map(|n| format!("u{n},city {n}\n")).collect();
    let folder =
        Folder::new().file("person.json", person("private")).file("people.csv", format!("userName,city\n{people}"));
    let folder =
        folder.after("types apply person.json").after("import people.csv --into managed/person --unique userName");
    let service = Service::on(folder);
    let all = names(&ask(&service, &["_queryFilter=true"]));
    assert_eq!(all, (0..3000).map(|n| format!("u{n}")).collect::<Vec<_>>());
    let pretty = ask(&service, &["_queryFilter=city ew \"99\"", "_prettyPrint=true"]);
    assert_eq!(names(&pretty).len(), 30);
    assert_eq!(pretty.body, format!("{:#}", pretty.json()));
    let sorted = names(&ask(&service, &["_queryFilter=true", "_sortKeys=-city", "_pageSize=2", "_fields=userName"]));
    assert_eq!(sorted, ["u999", "u998"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let service = people();
    for (typed, status, message) in [
        ("/openidm/managed/person", 400, "The resource collection managed/person cannot be read"),
        (
            "/openidm/managed/person?_queryFilter=city+is+1)",
            400,
            "The value 'city is 1)' for parameter '_queryFilter' could not be parsed as a valid query filter",
        ),
        (
            "/openidm/managed/person?_queryFilter=true&_pageSize=ten",
            400,
            "The value 'ten' for parameter '_pageSize' could not be parsed as a valid integer",
        ),
        (
            "/openidm/managed/nobody?_queryFilter=true",
            404,
            "there is no object type 'managed/nobody'; there are managed/assignment, managed/person, \
             managed/px_account, managed/px_user, managed/role, managed/user",
        ),
    ] {
        let reply = service.curl(&format!("'{typed}'"));
        assert_eq!((reply.status, reply.message()), (status, message.to_owned()), "{typed}");
    }
    let deep = format!("{}true{}", "(".repeat(300), ")".repeat(300));
    let reply = ask(&service, &[&format!("_queryFilter={deep}")]);
    let detail = reply.json()["detail"]["message"].as_str().unwrap().to_owned();
    assert_eq!((reply.status, detail.contains("more than 256 brackets are open")), (400, true), "{detail}");
}

#[test]
fn a_token_sees_its_own_types_only() {
    let service = people();
    for (object_type, status) in [("person", 200), ("user", 404)] {
        let token = service.token(&format!("--name {object_type} --role viewer --types managed/{object_type}"));
        let reply = service.ask(&token, "'/openidm/managed/person?_queryFilter=true'");
        assert_eq!(reply.status, status, "{}", reply.body);
    }
}
