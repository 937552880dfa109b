//! The object types, each with the way to its objects.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::address_of;
use crate::console::page::{Chrome, Section, html};
use crate::console::visitor::Visitor;
use crate::error::Result;
use crate::figures::{counted, grouped};
use crate::http::{Door, Problem};

/// Objects that are counted of each type. Counting more would take longer than anybody wants to wait for a page.
const COUNTED: u32 = 10_000;

#[derive(Template)]
#[template(path = "objects/kinds.html")]
struct KindsPage {
    chrome: Chrome,
    kinds: Vec<Kind>,
}

struct Kind {
    name: String,
    address: String,
    size: String,
    is_empty: bool,
}

pub(super) async fn show(State(door): State<Door>, visitor: Visitor) -> Result<Response, Problem> {
    let chrome = Chrome::new("Objects", Section::Objects, &visitor);
    let kinds = door
        .run(move |door| {
            let types = visitor.principal.object_types(&door.app)?;
            let kind = |stored: &_| {
                let count = door.app.repository.object_count_to(stored, COUNTED + 1)?;
                let name = stored.object_type.name();
                Ok(Kind {
                    name: name.short().to_owned(),
                    address: address_of(name),
                    size: match count {
                        0 => "none yet".to_owned(),
                        count if count > u64::from(COUNTED) => format!("more than {}", grouped(u64::from(COUNTED))),
                        count => counted(count, "object"),
                    },
                    is_empty: count == 0,
                })
            };
            types.iter().map(kind).collect::<Result<Vec<Kind>>>()
        })
        .await?;
    Ok(html(&KindsPage { chrome, kinds })?)
}
