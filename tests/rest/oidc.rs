//! JWTs of an OpenID Connect issuer, which runs in the test.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::harness::Folder;
use crate::issuer::{Issuer, Key, now};
use crate::service::{Reply, Service};

/// Given a service that takes the issuer's JWTs, with these settings besides.
fn service(issuer: &Issuer, settings: &str) -> Service {
    let url = &issuer.url;
    let settings = format!("[oidc]\nissuer = '{url}'\naudience = 'rollbook'\n{settings}");
    Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings))
}

/// When somebody asks who the JWT names.
fn ask(service: &Service, jwt: &str) -> Reply {
    service.curl(&format!("--header 'Authorization: Bearer {jwt}' /openidm/info/login"))
}

/// The same claims with this one instead; null takes it away.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[test]
fn a_jwt_lets_its_subject_in() {
    let key = Key::new("one", Algorithm::RS256);
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "");
    let reply = ask(&service, &key.sign(&issuer.claims("openid rollbook.importer rollbook.viewer")));
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"_id":"login","authenticationId":"zoe","authorization":{"id":"zoe","component":"oidc","roles":["internal/role/openidm-authorized"],"role":"importer","objectTypes":null}}
    "#);
    // Our own tokens are as good as before, and a JWT is no password.
    assert_eq!(service.curl("/openidm/info/login").status, 200);
    let jwt = key.sign(&issuer.claims("rollbook.admin"));
    assert_eq!(service.curl(&format!("--user zoe:{jwt} /openidm/info/login")).status, 401);
}

#[test]
fn every_algorithm_is_checked() {
    let algorithms =
        [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
    let keys = algorithms.map(|algorithm| Key::new(&format!("{algorithm:?}"), algorithm));
    let issuer = Issuer::new(&keys.each_ref());
    let service = service(&issuer, "");
    for key in &keys {
        let jwt = key.sign(&issuer.claims("rollbook.viewer"));
        assert_eq!(ask(&service, &jwt).status, 200, "{}", key.id);
        // One character of the signature is another.
        let at = jwt.len() - 20;
        let other = if &jwt[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &jwt[..at], &jwt[at + 1..]);
        assert_eq!(ask(&service, &forged).status, 401, "{}", key.id);
    }
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn a_jwt_that_is_not_for_us_or_not_for_now_is_nobodys() {
    let (key, other) = (Key::new("one", Algorithm::ES256), Key::new("one", Algorithm::ES256));
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "");
    let good = issuer.claims("rollbook.admin");
    for (name, value, status) in [
        ("aud", json!(["another", "rollbook"]), 200),
        ("aud", json!("another"), 401),
        ("aud", json!(["another"]), 401),
        ("aud", json!(7), 401),
        ("aud", Value::Null, 401),
        ("iss", json!("https://login.example.com"), 401),
        ("iss", json!(format!("{}/", issuer.url)), 401),
        ("iss", Value::Null, 401),
        ("exp", json!(now() - 30), 200),
        ("exp", json!(now() - 90), 401),
        ("exp", json!("never"), 401),
        ("exp", Value::Null, 401),
        ("nbf", json!(now() + 30), 200),
        ("nbf", json!(now() + 90), 401),
        ("nbf", json!("tomorrow"), 401),
        ("sub", Value::Null, 401),
        ("sub", json!(""), 401),
        ("scope", json!("openid"), 403),
        ("scope", Value::Null, 403),
    ] {
        let reply = ask(&service, &key.sign(&with(&good, name, value.clone())));
        assert_eq!(reply.status, status, "{name} {value}");
        if status == 403 {
            assert_eq!(reply.body, r#"{"code":403,"reason":"Forbidden","message":"Access denied"}"#);
        }
    }
    assert_eq!(ask(&service, &key.sign(&good)).status, 200);
    assert_eq!(ask(&service, &other.sign(&good)).status, 401, "signed by somebody else");
    assert_eq!(ask(&service, "a.b.c").status, 401);
}

/// The issuer's key is public: if it counted as a shared secret, anybody could sign.
#[test]
fn the_jwt_does_not_choose_how_it_is_checked() {
    let key = Key::new("one", Algorithm::RS256);
    let issuer = Issuer::new(&[&key]);
    let service = service(&issuer, "");
    let claims = issuer.claims("rollbook.admin");
    let public = key.public();
    let modulus = public["n"].as_str().unwrap();
    let named = |algorithm| Header { kid: Some("one".to_owned()), ..Header::new(algorithm) };
    let secrets = [public.to_string().into_bytes(), modulus.into(), URL_SAFE_NO_PAD.decode(modulus).unwrap()];
    let mut forged: Vec<String> = secrets
        .iter()
        .map(|secret| encode(&named(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret)).unwrap())
        .collect();
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"none","kid":"one"}"#, r#"{"alg":"None","kid":"one"}"#] {
        let [header, claims] = [header.to_owned(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
        forged.push(format!("{header}.{claims}."));
    }
    // Good but for something that has to be understood and is not.
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..named(Algorithm::RS256) };
    forged.push(key.sign_with(critical, &claims));
    for jwt in forged {
        assert_eq!(ask(&service, &jwt).status, 401, "{jwt}");
    }
    let other = Key::new("two", Algorithm::RS256);
    let brought = Header { jwk: serde_json::from_value(other.public()).unwrap(), ..named(Algorithm::RS256) };
    assert_eq!(ask(&service, &other.sign_with(brought, &claims)).status, 401, "a key that the JWT brings along");
    let unnamed = key.sign_with(Header::new(Algorithm::RS256), &claims);
    assert_eq!(ask(&service, &unnamed).status, 200, "the only key there is");
}

#[test]
fn keys_change() {
    let [first, second, third] = ["first", "second", "third"].map(|id| Key::new(id, Algorithm::ES256));
    let issuer = Issuer::new(&[&first]);
    let service = service(&issuer, "");
    let status = |key: &Key| ask(&service, &key.sign(&issuer.claims("rollbook.viewer"))).status;
    assert_eq!((status(&first), issuer.asked()), (200, 1));
    issuer.publish(&[&first, &second]);
    assert_eq!((status(&second), issuer.asked()), (200, 2), "a new key is asked for");
    assert_eq!((status(&first), issuer.asked()), (200, 2));
    for _ in 0..5 {
        assert_eq!((status(&third), issuer.asked()), (401, 3), "strangers make us ask once");
    }
    issuer.fall_silent();
    assert_eq!(status(&second), 200, "what is known needs no issuer");
}

#[test]
fn without_the_issuers_keys_nothing_can_be_said_of_a_jwt() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    issuer.fall_silent();
    let service = service(&issuer, "");
    let jwt = key.sign(&issuer.claims("rollbook.admin"));
    for _ in 0..2 {
        let reply = ask(&service, &jwt);
        insta::allow_duplicates! { insta::assert_snapshot!(reply.shown(), @r#"
        503
        {"code":503,"reason":"Service Unavailable","message":"the keys of the OpenID Connect issuer are not there yet: try again"}
        "#) };
        assert_eq!(reply.header("retry-after"), Some("5"));
    }
    assert_eq!(ask(&service, "no-jwt").status, 401);
    assert_eq!(service.curl("/openidm/info/login").status, 200, "our own tokens need no issuer");
}

#[test]
fn claims_are_what_the_settings_make_of_them() {
    let key = Key::new("one", Algorithm::ES256);
    let issuer = Issuer::new(&[&key]);
    let keys = format!("jwks_url = '{}/keys'\n", issuer.url);
    let service = service(
        &issuer,
        &format!(
            "{keys}name_claim = 'email'\nrole_claim = '/realm_access/roles'\ntypes_claim = 'types'\n\
             roles = {{ admin = 'boss', viewer = 'guest' }}\n"
        ),
    );
    let claims = |roles: Value, types: Value| {
        let claims = with(&issuer.claims("rollbook.admin"), "email", json!("zoe@example.com"));
        with(&with(&claims, "realm_access", json!({ "roles": roles })), "types", types)
    };
    for (roles, types, expected) in [
        (json!(["guest"]), json!(["managed/user"]), json!(["viewer", ["managed/user"]])),
        (
            json!(["guest", "boss"]),
            json!("managed/user managed/role"),
            json!(["admin", ["managed/role", "managed/user"]]),
        ),
        (json!("rollbook.importer"), Value::Null, json!(["importer", []])),
    ] {
        let answer = ask(&service, &key.sign(&claims(roles, types))).json();
        let authorization = &answer["authorization"];
        assert_eq!(json!([authorization["role"], authorization["objectTypes"]]), expected);
        assert_eq!(answer["authenticationId"], "zoe@example.com");
    }
    let jwt = key.sign(&claims(json!(["boss"]), json!(["managed/role"])));
    let template = |object_type: &str| {
        let asked = format!("'/openidm/csv/template?resourceCollection={object_type}'");
        service.curl(&format!("--header 'Authorization: Bearer {jwt}' {asked}")).status
    };
    assert_eq!((template("managed/role"), template("managed/user")), (200, 404));
}

#[test]
fn mistakes_in_the_settings_are_told() {
    for (settings, sentence) in [
        ("issuer = 'https://x'", "missing field 'audience'"),
        ("issuer = 'http://login.example.com'\naudience = 'a'", "oidc.issuer = 'http://login.example.com' is not"),
        (
            "issuer = 'https://x'\naudience = ''\njwks_url = 'ftp://x'\nroles = { admin = 'a b' }",
            "oidc.jwks_url = 'ftp://x' is not an address whose answers can be trusted: write 'https://HOST/PATH'; \
             oidc.audience is empty: write what JWTs for this service have as 'aud'; \
             oidc.roles.admin = 'a b' is not one word",
        ),
        ("issuer = 'https://x'\naudience = 'a'\nalgorithms = ['none']", "unknown field 'algorithms'"),
    ] {
        let folder = Folder::new().file("rollbook-data/rollbook.toml", format!("[oidc]\n{settings}\n"));
        let printed = folder.run("serve --listen 127.0.0.1:0").failed();
        assert!(printed.contains(sentence), "{printed}");
    }
}
