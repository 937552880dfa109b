//! `/openidm/csv/template`.

use crate::service::Service;

#[test]
fn a_template_is_the_header_of_its_type() {
    let service = Service::new();
    let reply = service.curl("'/openidm/csv/template?resourceCollection=managed/role&_fields=header'");
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"_id":"template","header":"\"name\",\"description\",\"condition\""}
    "#);
}
