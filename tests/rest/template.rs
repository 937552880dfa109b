//! `/openidm/csv/template`.

use crate::service::{ADMIN, Service};

const ROLE: &str = "/openidm/csv/template?resourceCollection=managed/role";

#[test]
fn a_template_is_the_header_of_its_type() {
    let service = Service::new();
    let reply = service.curl(&format!("'{ROLE}&_fields=header'"));
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"_id":"template","header":"\"name\",\"description\",\"condition\""}
    "#);
    assert_eq!(reply.header("etag"), None);
    assert_eq!(service.curl(&format!("'{ROLE}'")).body, reply.body);
    assert_eq!(service.curl(&format!("'{ROLE}&_fields=_id'")).body, r#"{"_id":"template"}"#);
}

#[test]
fn the_header_comes_as_a_file_too() {
    let service = Service::new();
    for (mime_type, content_type) in [
        ("text/csv", "text/csv; charset=UTF-8"),
        ("text/plain", "text/plain; charset=UTF-8"),
        ("text/csv;charset=UTF-8", "text/csv; charset=UTF-8"),
        ("TEXT/CSV;%20charset=utf-8", "text/csv; charset=UTF-8"),
    ] {
        let reply = service.curl(&format!("'{ROLE}&_fields=header&_mimeType={mime_type}'"));
        assert_eq!((reply.status, reply.body.as_str()), (200, "\"name\",\"description\",\"condition\"\r\n"));
        assert_eq!(reply.header("content-type"), Some(content_type));
        assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"template.csv\""));
        assert_eq!(reply.header("cache-control"), Some("no-cache"));
    }
    assert_eq!(service.curl(&format!("'{ROLE}&_fields=_id&_mimeType=text/plain'")).body, "template\r\n");
}

/// The article asks for `_mimeType='text/plain'`, with the quotes, and shows JSON.
#[test]
fn a_quoted_type_is_none() {
    let service = Service::new();
    let json = service.curl(&format!("'{ROLE}&_fields=header'")).body;
    for mime_type in ["\\x27text/plain\\x27", "application/json", "text/html", "text/csv;x=y", ""] {
        let written = mime_type.replace("\\x27", "%27");
        let reply = service.curl(&format!("'{ROLE}&_fields=header&_mimeType={written}'"));
        assert_eq!((reply.status, reply.body), (200, json.clone()), "{mime_type}");
    }
    let mut curl = service.command();
    let reply = curl
        .args(["--header", &format!("Authorization: Bearer {ADMIN}")])
        .arg(format!("{}{ROLE}&_fields=header&_mimeType='text/plain'", service.address))
        .output()
        .unwrap();
    assert!(String::from_utf8(reply.stdout).unwrap().ends_with(&json));
}

#[test]
fn what_makes_no_template_is_refused() {
    let service = Service::new();
    for (parameters, status, message) in [
        ("", 400, "the parameter 'resourceCollection' is required, such as managed/user"),
        (
            "?resourceCollection=managed/role&_mimeType=text/csv",
            400,
            "The mime type parameter requires only 1 field to be specified",
        ),
        (
            "?resourceCollection=managed/role&_fields=header,_id&_mimeType=text/csv",
            400,
            "The mime type parameter requires only 1 field to be specified",
        ),
        (
            "?resourceCollection=managed/role&_fields=header&_mimeType=text/csv,text/plain",
            400,
            "Only one mime type value allowed",
        ),
        (
            "?resourceCollection=managed/role&_fields=header&_mimeType=text/csv&_mimeType=text/csv",
            400,
            "Only one mime type value allowed",
        ),
        (
            "?resourceCollection=managed/role&resourceCollection=managed/user",
            400,
            "Multiple values provided for the single-valued request parameter 'resourceCollection'",
        ),
        (
            "?resourceCollection=managed/roles",
            404,
            "there is no object type 'managed/roles'; there are managed/assignment, managed/px_account, managed/px_user, \
             managed/role, managed/user",
        ),
    ] {
        let reply = service.curl(&format!("'/openidm/csv/template{parameters}'"));
        assert_eq!((reply.status, reply.message()), (status, message.to_owned()), "{parameters}");
    }
    assert_eq!(service.curl("'/openidm/csv/template?resourceCollection=system/role'").status, 400);
}
