//! Who may do what: every route as every role, and as somebody who may not see what it is about.

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::service::{Reply, Service};

/// A record that goes in and one that fails, so that there is something to see everywhere.
const USERS: &str = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,b@example.com\nscarter,Sam,Carter,nowhere\n";

const ZOE: &str = r#"{"userName":"zoe","givenName":"Zoë","sn":"Z","mail":"zoe@example.com"}"#;

const PATCH: &str = r#"[{"operation":"replace","field":"/city","value":"Ytterby"}]"#;

/// Whom a route is for, what is asked, the status when that one asks, and when somebody asks who sees roles only. The
/// order matters: what is removed is removed at the end.
const ROUTES: [(&str, &str, u16, u16); 31] = [
    ("viewer", "/openidm/info/ping", 200, 200),
    ("viewer", "/openidm/info/login", 200, 200),
    ("viewer", "'/openidm/csv/template?resourceCollection=managed/user'", 200, 404),
    ("viewer", "'/openidm/csv/metadata?_queryFilter=true'", 200, 200),
    ("viewer", "/openidm/csv/metadata/IMPORT", 200, 404),
    ("viewer", "/openidm/csv/metadata/IMPORT/failures", 200, 404),
    ("viewer", "/openidm/csv/metadata/IMPORT/events", 200, 404),
    ("viewer", "/export/csvImportFailures/IMPORT", 200, 404),
    ("viewer", "-X POST '/openidm/csv/metadata?_action=cleanupList'", 200, 200),
    ("viewer", "/openidm/managed/user/OBJECT", 200, 404),
    ("viewer", "'/openidm/managed/user?_queryFilter=true'", 200, 404),
    ("viewer", "--json ZOE '/openidm/policy/managed/user/*?_action=validateObject'", 200, 404),
    ("viewer", "/openidm/config/managed", 200, 200),
    ("viewer", "/openidm/config/managed/user", 200, 404),
    ("viewer", "/openidm/schema/managed/user", 200, 404),
    ("viewer", "-X PUT /openidm/csv/metadata/IMPORT", 403, 403),
    ("importer", "-F upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName&dryRun=true'", 200, 404),
    ("importer", "-X POST '/openidm/csv/metadata/IMPORT?_action=cancel'", 200, 404),
    ("importer", "-X POST '/openidm/csv/metadata/IMPORT?_action=cleanup'", 200, 404),
    ("importer", "-X POST '/openidm/csv/metadata/IMPORT?_action=apply'", 409, 404),
    ("importer", "--json ZOE '/openidm/managed/user?_action=create'", 201, 404),
    ("importer", "--json ZOE -X PUT /openidm/managed/user/OBJECT", 403, 404),
    ("importer", "--json PATCH -X PATCH /openidm/managed/user/OBJECT", 200, 404),
    ("importer", "--json PATCH '/openidm/managed/user/OBJECT?_action=patch'", 200, 404),
    ("importer", "--json PATCH '/openidm/managed/user?_action=patch&_queryFilter=userName+eq+%22bjensen%22'", 200, 404),
    ("importer", "-X POST '/openidm/csv/metadata/IMPORT?_action=cleanup&deleteErrorRecords=true'", 200, 404),
    ("importer", "-X DELETE /openidm/csv/metadata/IMPORT", 200, 404),
    ("admin", "-X DELETE /openidm/managed/user/OBJECT", 200, 404),
    ("admin", "--json TYPE -X PUT /openidm/config/managed/thing", 201, 404),
    ("admin", "--json TYPE -X PUT /openidm/config/managed", 200, 404),
    ("viewer", "-X DELETE /somewhere/else", 404, 404),
];

const THING: &str = r#"{"name":"thing"}"#;

const ROLES: [&str; 3] = ["viewer", "importer", "admin"];

const FORBIDDEN: &str = r#"{"code":403,"reason":"Forbidden","message":"Access denied"}"#;

/// A service with an import of two users, and a token of each role.
struct House {
    service: Service,
    import: String,
    object: String,
}

impl House {
    fn new() -> House {
        let service = Service::on(Folder::new().file("users.csv", USERS));
        let import = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
        let _ = service.finished(&import);
        let object = service.folder.run("objects list managed/user --json").json().remove(0);
        let object = object["_id"].as_str().unwrap().to_owned();
        House { service, import, object }
    }

    fn token(&self, role: &str, options: &str) -> String {
        self.service.token(&format!("--name {role} --role {role} {options}"))
    }

    /// When this is asked with a token.
    fn ask(&self, token: &str, route: &str) -> Reply {
        let typed = [("IMPORT", &self.import), ("OBJECT", &self.object)];
        let typed = typed.iter().fold(route.to_owned(), |route, (name, id)| route.replace(name, id));
        let typed = typed
            .replace("ZOE", &format!("'{ZOE}'"))
            .replace("--json TYPE", &format!("--json '{THING}'"))
            .replace("--json PATCH", &format!("--json '{PATCH}'"));
        self.service.ask(token, &typed)
    }
}

#[test]
fn every_route_asks_for_its_role() {
    let house = House::new();
    let tokens = ROLES.map(|role| house.token(role, ""));
    for (needed, route, status, _) in ROUTES {
        let needed = ROLES.iter().position(|role| *role == needed).unwrap();
        for token in &tokens[..needed] {
            let reply = house.ask(token, route);
            assert_eq!((reply.status, reply.body.as_str()), (403, FORBIDDEN), "{route}");
        }
        let reply = house.ask(&tokens[needed], route);
        assert_eq!(reply.status, status, "{route}\n{}", reply.body);
        assert_ne!(reply.body, FORBIDDEN, "{route}");
        assert_eq!(house.ask("nobodys", route).status, 401, "{route}");
    }
}

/// Whoever may do everything, but with roles only, finds no users: not by their ids, not in lists, not in counts.
#[test]
fn what_is_out_of_scope_is_not_there() {
    let house = House::new();
    let stranger = house.token("admin", "--types managed/role");
    let object = format!("/openidm/managed/user/{}", house.object);
    let before = house.service.curl(&object).body;
    for (_, route, _, status) in ROUTES {
        let reply = house.ask(&stranger, route);
        assert_eq!(reply.status, status, "{route}\n{}", reply.body);
        for secret in ["bjensen", "scarter", "users.csv"] {
            assert!(!reply.body.contains(secret), "{route}\n{}", reply.body);
        }
    }
    let list =
        house.ask(&stranger, "'/openidm/csv/metadata?_queryFilter=true&_pageSize=5&_totalPagedResultsPolicy=EXACT'");
    let list = list.json();
    assert_eq!([&list["resultCount"], &list["totalPagedResults"]], [&json!(0), &json!(0)]);
    let list = house.ask(&stranger, "-X POST '/openidm/csv/metadata?_action=cleanupList'").json();
    assert_eq!(list["importUUIDs"], Value::Array(Vec::new()));
    // As an import or an object that nobody has would be answered.
    let none = "11111111-1111-4111-8111-111111111111";
    for route in ["/openidm/csv/metadata/IMPORT", "/export/csvImportFailures/IMPORT"] {
        let nowhere = house.ask(&stranger, &route.replace("IMPORT", none)).body;
        assert_eq!(house.ask(&stranger, route).body, nowhere.replace(none, &house.import));
    }
    let unknown = house.ask(&stranger, "/openidm/managed/nothing/OBJECT").body;
    assert_eq!(house.ask(&stranger, "/openidm/managed/user/OBJECT").body, unknown.replace("nothing", "user"));
    // And nothing has happened.
    assert_eq!(house.service.curl(&object).body, before);
    assert_eq!(house.service.curl("'/openidm/csv/metadata?_queryFilter=true'").json()["resultCount"], 1);
}

#[test]
fn imports_remember_whose_token_it_was() {
    let house = House::new();
    let token = house.token("importer", "--types managed/user");
    let upload = "-F upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName'";
    let reply = house.ask(&token, upload);
    let id = reply.json()["importUUIDs"][0].as_str().unwrap().to_owned();
    let metadata = house.service.finished(&id);
    assert_eq!([&metadata["authId"], &metadata["authzComponent"]], [&json!("importer"), &json!("internal/user")]);
}
