//! The page of one drop folder, and what is done with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};

use super::runs::Page as RunsPage;
use super::settings::{self, Fact};
use super::shown::{Card, NextPoll, RunLine};
use super::{LIST, address};
use crate::access::{Principal, Role};
use crate::app::Condition;
use crate::config::{Authorization, Bucket};
use crate::console::form::Form;
use crate::console::page::{Chrome, Section, filters, html};
use crate::console::visitor::{Visitor, is_of_htmx};
use crate::drop_folder::{Policies, Polled, Probe, Right};
use crate::error::Result;
use crate::http::drop_folder::{actions, find, runs::sees, settings::remove as remove_folder};
use crate::http::params::Params;
use crate::http::{Door, Problem};

/// One drop folder.
#[derive(Template)]
#[template(path = "integrations/folder.html")]
struct FolderPage {
    chrome: Chrome,
    card: Card,
    rev: String,
    done: Option<&'static str>,
    came: Option<Came>,
    set_by: &'static str,
    /// Nothing of one that cannot be worked with.
    external_id: Option<String>,
    /// What its role, or its user, needs; nothing of a directory.
    policies: Option<Shown>,
    has_role: bool,
    has_callback: bool,
    facts: Vec<Fact>,
    runs: RunsPage,
}

/// What came of something that was asked for.
enum Came {
    Tested {
        place: String,
        is_good: bool,
        rights: Vec<Tried>,
    },
    Looked {
        trouble: Option<String>,
        runs: Vec<RunLine>,
        notices: Vec<String>,
    },
    /// The look goes on.
    StillLooking,
}

/// A right that was tried.
struct Tried {
    name: &'static str,
    means: &'static str,
    problem: Option<String>,
}

/// Policies, as they are copied.
#[derive(Template)]
#[template(path = "integrations/policies_part.html")]
struct Shown {
    external_id: String,
    trust: Option<String>,
    role: String,
}

impl Shown {
    fn of(Policies { external_id, trust, role }: Policies) -> Shown {
        Shown { external_id, trust: trust.map(|trust| format!("{trust:#}")), role: format!("{role:#}") }
    }
}

impl FolderPage {
    fn of(door: &Door, visitor: &Visitor, name: &str, params: &Params, came: Option<Came>) -> Result<FolderPage> {
        let registered = find(door, &visitor.principal, name)?;
        let folder = registered.folder.as_ref().ok();
        let has_role = folder.is_some_and(|folder| matches!(folder.authorization, Authorization::Role { .. }));
        let policies = match folder {
            // Those of a role name us, and to know that AWS is asked. The page does not wait for it.
            Some(folder) if !has_role && matches!(folder.bucket, Bucket::S3 { .. }) => {
                Some(Shown::of(door.drop_folders.policies(name)?))
            }
            _ => None,
        };
        let card = Card::of(door, &visitor.principal, &registered)?;
        Ok(FolderPage {
            chrome: Chrome::new(name, Section::Integrations, visitor),
            rev: registered.rev(),
            done: params.one("done")?.and_then(done),
            came,
            set_by: match registered.set_by {
                crate::config::SetBy::File => "rollbook.toml, where alone it can be changed",
                crate::config::SetBy::Operator => "an operator, on the command line",
                crate::config::SetBy::Administrator => "an administrator",
            },
            external_id: folder
                .map(|folder| door.drop_folders.state(folder))
                .transpose()?
                .map(|state| state.external_id),
            policies,
            has_role,
            has_callback: registered.settings.get("callback").is_some(),
            facts: settings::facts(&registered.settings),
            runs: RunsPage::of(door, &visitor.principal, name, params)?,
            card,
        })
    }
}

impl FolderPage {
    fn is_paused(&self) -> bool {
        self.facts.iter().any(|fact| fact.key == "paused" && fact.value == "yes")
    }
}

/// What was done, by the word in the address.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "created" => "The drop folder is set up. Test the connection, then put the first files there.",
        "changed" => "The settings are applied.",
        "unchanged" => "Nothing was to be applied: the settings are as they were.",
        "paused" => "It is paused: it is looked at only when somebody asks.",
        "resumed" => "It is looked at by its schedule again.",
        "callback-on" => {
            "Callbacks are on. Those that were given up meanwhile are sent again from the pages of their runs."
        }
        "callback-off" => "Callbacks are off: nobody is told of its runs.",
        _ => return None,
    })
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    page(&door, visitor, name, params, None).await
}

pub(super) async fn page_of(door: &Door, visitor: Visitor, name: String, params: Params) -> Result<Response, Problem> {
    page(door, visitor, name, params, None).await
}

async fn page(
    door: &Door,
    visitor: Visitor,
    name: String,
    params: Params,
    came: Option<Came>,
) -> Result<Response, Problem> {
    let page = door.run(move |door| FolderPage::of(door, &visitor, &name, &params, came)).await?;
    Ok(html(&page)?)
}

/// Who reloads a page that something was asked for on.
pub(super) async fn back(Path(name): Path<String>) -> Redirect {
    Redirect::to(&address(&name))
}

/// The policies of a role, for the page or on their own.
pub(super) async fn policies(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (visitor, name, policies) = door
        .run(move |door| {
            let name = find(door, &visitor.principal, &name)?.name;
            let policies = door.drop_folders.policies(&name)?;
            Ok((visitor, name, policies))
        })
        .await?;
    let policies = Shown::of(policies);
    if is_of_htmx(&headers) {
        return Ok(html(&policies)?);
    }
    let chrome = Chrome::new(format!("Policies of {name}"), Section::Integrations, &visitor);
    Ok(html(&PoliciesPage { chrome, address: address(&name), name, policies })?)
}

/// The policies of a drop folder.
#[derive(Template)]
#[template(path = "integrations/policies.html")]
struct PoliciesPage {
    chrome: Chrome,
    name: String,
    address: String,
    policies: Shown,
}

/// Tries each right that it needs.
pub(super) async fn test(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let (visitor, name, probe) = door
        .run(move |door| {
            let name = find(door, &visitor.principal, &name)?.name;
            let probe = door.drop_folders.test(&name)?;
            Ok((visitor, name, probe))
        })
        .await?;
    page(&door, visitor, name, Params::default(), Some(Came::tested(probe))).await
}

/// Looks at it now.
pub(super) async fn poll(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let polled = actions::look(&door, visitor.principal.clone(), name.clone()).await?;
    let (visitor, came) = door
        .run(move |door| {
            let came = match polled {
                Some(polled) => Came::looked(door, &visitor.principal, &polled)?,
                None => Came::StillLooking,
            };
            Ok((visitor, came))
        })
        .await?;
    page(&door, visitor, name, Params::default(), Some(came)).await
}

impl Came {
    fn tested(probe: Probe) -> Came {
        let is_good = probe.is_good();
        let tried = |(right, problem): (Right, Option<String>)| Tried {
            name: match right {
                Right::Assume => "Assume the role",
                Right::Guard => "Nobody else assumes it",
                Right::List => "List",
                Right::Read => "Read",
                Right::Write => "Write",
                Right::Delete => "Delete",
            },
            means: match right {
                Right::Assume => "the role can be assumed with the ExternalId",
                Right::Guard => "without the ExternalId, or with another one, it cannot be assumed",
                Right::List => "what lies in current and processed",
                Right::Read => "files",
                Right::Write => "under processed",
                Right::Delete => "in current and processed",
            },
            problem,
        };
        let rights = probe.rights.into_iter().map(|probed| tried((probed.right, probed.problem))).collect();
        Came::Tested { place: probe.place, is_good, rights }
    }

    fn looked(door: &Door, principal: &Principal, polled: &Polled) -> Result<Came> {
        let runs = polled.runs.iter().filter(|run| sees(principal, run));
        Ok(Came::Looked {
            trouble: polled.trouble.as_ref().map(|trouble| trouble.message.clone()),
            runs: runs.map(|run| RunLine::of(door, run)).collect::<Result<_>>()?,
            notices: polled.notices.clone(),
        })
    }
}

pub(super) async fn pause(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    pause_or_resume(&door, visitor, name, true).await
}

pub(super) async fn resume(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    pause_or_resume(&door, visitor, name, false).await
}

async fn pause_or_resume(door: &Door, visitor: Visitor, name: String, paused: bool) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let registered = door.run(move |door| actions::pause(door, &visitor.principal, &name, paused)).await?;
    let done = if paused { "paused" } else { "resumed" };
    Ok(Redirect::to(&format!("{}?done={done}", address(&registered.name))).into_response())
}

/// Switches its callback off or on.
pub(super) async fn switch_callback(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let off = form.text("to")? == Some("off");
    let name = door
        .run(move |door| {
            let name = find(door, &visitor.principal, &name)?.name;
            door.drop_folders.switch_callback(&name, off)?;
            tracing::info!(drop_folder = name, by = visitor.principal.name, off, "a callback was switched");
            Ok(name)
        })
        .await?;
    let done = if off { "callback-off" } else { "callback-on" };
    Ok(Redirect::to(&format!("{}?done={done}", address(&name))).into_response())
}

/// Removes it, if it is as the visitor has seen it.
pub(super) async fn remove(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let known = form.text("rev")?.map_or(Condition::Present, |rev| Condition::Revision(rev.to_owned()));
    door.run(move |door| {
        let name = find(door, &visitor.principal, &name)?.name;
        remove_folder(door, &visitor.principal, &name, &known)
    })
    .await?;
    Ok(Redirect::to(&format!("{LIST}?done=removed")).into_response())
}
