//! `/openidm/info`: what scripts ask PingIDM first, whether it is there and who they are for it.

use serde_json::json;

use super::answer::Answer;
use crate::access::{Principal, Role};

/// That the service is there, in PingIDM's words.
#[utoipa::path(get, path = "/openidm/info/ping", tag = "service", responses(
    (status = 200, description = "The service lives", body = Object),
))]
pub(super) async fn ping(_principal: Principal) -> Answer {
    Answer::json(json!({ "_id": "", "_rev": "", "shortDesc": "OpenIDM ready", "state": "ACTIVE_READY" }))
}

/// Who asks, and what that one may do.
///
/// `roles` are PingIDM's names for it, `role` and `objectTypes` ours; `null` stands for all object types.
#[utoipa::path(get, path = "/openidm/info/login", tag = "service", responses(
    (status = 200, description = "Who asks", body = Object),
))]
pub(super) async fn login(principal: Principal) -> Answer {
    let authorized = "internal/role/openidm-authorized";
    let roles = match principal.role {
        Role::Admin => vec!["internal/role/openidm-admin", authorized],
        Role::Importer | Role::Viewer => vec![authorized],
    };
    Answer::json(json!({
        "_id": "login",
        "authenticationId": principal.name,
        "authorization": {
            "id": principal.name,
            "component": principal.component,
            "roles": roles,
            "role": principal.role,
            "objectTypes": principal.object_types,
        },
    }))
}
