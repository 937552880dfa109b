//! The dialog "AWS S3 Import Settings", at addresses of its own: of a drop folder that is there, and of a new one.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::dates::Dates;
use super::fields::{Control, Field, Fields, Known};
use super::settings::{self, Difference, Fact, facts};
use super::shown::Kind;
use super::typed::{Typed, sentences};
use super::{LIST, address, folder};
use crate::access::Role;
use crate::app::Condition;
use crate::config::{SetBy, WrittenDropFolder};
use crate::console::form::Form;
use crate::console::page::{Chrome, Section, html};
use crate::console::refusal::shown;
use crate::console::visitor::Visitor;
use crate::drop_folder::{FolderPut, Registered};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::http::drop_folder::settings::{put_written, refuse_unseen, written};
use crate::http::drop_folder::{find, seen};
use crate::http::params::Params;
use crate::http::{Door, Problem};

/// Fields that stand above "Advanced", with the article's names and in its order.
const DESTINATION: [&str; 3] = ["destination.product", "destination.channel", "destination.environment"];
const AUTHORIZATION: [&str; 5] = [settings::METHOD, "bucket", "accessKey.id", "accessKey.secret", "role.arn"];
const FILES: [&str; 1] = ["baseFolder"];
const DATES: [&str; 1] = ["dateFormat"];
const CALLBACK: [&str; 2] = ["callback.apiKey", "callback.url"];

/// The dialog.
#[derive(Template)]
#[template(path = "integrations/dialog.html")]
struct DialogPage {
    chrome: Chrome,
    kind: Kind,
    /// Nothing of a new one.
    name: Option<String>,
    /// Where it is sent to, and where "Cancel" leads to.
    action: String,
    way_back: String,
    rev: Option<String>,
    fields: Fields,
    /// What is wrong and is about none of the fields.
    problems: Vec<String>,
    /// What somebody else has set meanwhile.
    meanwhile: Option<Vec<Difference>>,
    dates: Dates,
    cells: String,
    local_roots: Vec<String>,
}

impl DialogPage {
    fn destination(&self) -> Vec<&Field> {
        self.fields.group(&DESTINATION)
    }

    fn authorization(&self) -> Vec<&Field> {
        self.fields.group(&AUTHORIZATION)
    }

    fn files(&self) -> Vec<&Field> {
        self.fields.group(&FILES)
    }

    fn dates_of_files(&self) -> Vec<&Field> {
        self.fields.group(&DATES)
    }

    fn callback(&self) -> Vec<&Field> {
        self.fields.group(&CALLBACK)
    }

    /// Fields that stand above all others if they are not set by where we come from.
    fn first(&self) -> Vec<&Field> {
        match (self.kind, &self.name) {
            (Kind::Other, None) => self.fields.group(&["name", "objectType"]),
            _ => Vec::new(),
        }
    }

    fn advanced(&self) -> Vec<&Field> {
        let mut above: Vec<&str> = [DESTINATION.as_slice(), &AUTHORIZATION, &FILES, &DATES, &CALLBACK]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        above.extend(self.first().iter().map(|field| field.setting.key));
        self.fields.others(&above)
    }

    fn is_wrong(&self) -> bool {
        !self.problems.is_empty() || self.fields.wrong().next().is_some()
    }

    /// Whether what is hidden at first has to be seen.
    fn is_advanced_open(&self) -> bool {
        self.advanced().iter().any(|field| !field.problems.is_empty())
    }
}

/// What is set in `rollbook.toml`, to be read only.
#[derive(Template)]
#[template(path = "integrations/settings.html")]
struct SettingsPage {
    chrome: Chrome,
    name: String,
    way_back: String,
    facts: Vec<Fact>,
}

/// Whose settings they are.
enum Whose {
    New(Kind),
    Of(Box<Registered>),
}

impl Whose {
    fn settings(&self) -> Value {
        match self {
            Whose::New(kind) => json!({ "name": kind.usual_name(), "objectType": kind.type_name() }),
            Whose::Of(registered) => {
                let mut settings = registered.settings.clone();
                if registered.folder.is_err() {
                    // Of one that cannot be worked with no secret can be kept.
                    settings::forget_secrets(&mut settings);
                }
                settings
            }
        }
    }

    /// Where a drop folder is that can be left as it is, if it is still of this revision.
    fn unchanged(&self, rev: Option<&str>) -> Option<String> {
        match self {
            Whose::Of(known) if known.set_by != SetBy::File && known.folder.is_ok() && rev == Some(&known.rev()) => {
                Some(format!("{}?done=unchanged", address(&known.name)))
            }
            _ => None,
        }
    }
}

/// The dialog with these fields.
fn page(door: &Door, visitor: &Visitor, whose: &Whose, fields: Fields, cells: &str) -> DialogPage {
    let (kind, name, rev) = match whose {
        Whose::New(kind) => (*kind, None, None),
        Whose::Of(registered) => {
            let kind = Kind::of(registered.settings["objectType"].as_str().unwrap_or_default());
            (kind, Some(registered.name.clone()), Some(registered.rev()))
        }
    };
    let zone = Some(fields.text("timeZone").trim()).filter(|zone| !zone.is_empty());
    let dates = Dates::of(fields.text("dateFormat"), zone.unwrap_or(&door.app.config.time_zone), cells);
    let limits = &door.app.config.drop_folder_limits;
    DialogPage {
        chrome: Chrome::new("AWS S3 Import Settings", Section::Integrations, visitor),
        action: match &name {
            Some(name) => format!("{}/settings", address(name)),
            None => format!("{LIST}/new?kind={}", kind.word()),
        },
        way_back: name.as_deref().map_or_else(|| LIST.to_owned(), address),
        fields: if name.is_some() { fields.without("name") } else { fields },
        kind,
        name,
        rev,
        problems: Vec::new(),
        meanwhile: None,
        dates,
        cells: cells.to_owned(),
        local_roots: limits.local_roots.iter().map(|root| root.display().to_string()).collect(),
    }
}

/// What there is to choose from.
fn known(door: &Door, visitor: &Visitor) -> Result<Known> {
    let object_types = visitor.principal.object_types(&door.app)?;
    Ok(Known {
        object_types: object_types.iter().map(|stored| stored.object_type.name().to_string()).collect(),
        destinations: seen(door, &visitor.principal)?
            .iter()
            .filter_map(|registered| registered.settings.get("destination").cloned())
            .collect(),
    })
}

/// The dialog of a new drop folder.
pub(super) async fn new(State(door): State<Door>, visitor: Visitor, params: Params) -> Result<Response, Problem> {
    let word = params.one("kind")?.map(str::to_owned);
    if word.is_none() && door.run(|door| Ok(door.drop_folders.find("new").is_ok())).await? {
        // There is one of this name.
        return folder::page_of(&door, visitor, "new".to_owned(), params).await;
    }
    visitor.principal.must_be(Role::Admin)?;
    let page = door
        .run(move |door| {
            let whose = Whose::New(Kind::named(word.as_deref()));
            let mut settings = whose.settings();
            if let Whose::New(kind) = whose {
                settings["name"] = free_name(door, kind)?.into();
            }
            let fields = Fields::of_settings(&settings, &known(door, &visitor)?);
            Ok(page(door, &visitor, &whose, fields, ""))
        })
        .await?;
    Ok(html(&page)?)
}

/// The usual name, or the first one like it that no drop folder has.
fn free_name(door: &Door, kind: Kind) -> Result<String> {
    let all = door.drop_folders.registered()?;
    let usual = kind.usual_name();
    let is_free = |name: &String| !all.iter().any(|registered| registered.name == *name);
    let mut names = (1..).map(|n| if n == 1 { usual.to_owned() } else { format!("{usual}-{n}") });
    Ok(names.find(|name| usual.is_empty() || is_free(name)).unwrap_or_default())
}

/// The dialog of a drop folder.
pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    door.run(move |door| {
        let registered = find(door, &visitor.principal, &name)?;
        if registered.set_by == SetBy::File {
            let chrome = Chrome::new("AWS S3 Import Settings", Section::Integrations, &visitor);
            let facts = facts(&registered.settings);
            return html(&SettingsPage { chrome, way_back: address(&name), name, facts });
        }
        let whose = Whose::Of(Box::new(registered));
        let fields = Fields::of_settings(&whose.settings(), &known(door, &visitor)?);
        html(&page(door, &visitor, &whose, fields, ""))
    })
    .await
}

pub(super) async fn create(
    State(door): State<Door>,
    visitor: Visitor,
    params: Params,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let kind = Kind::named(params.one("kind")?);
    door.run(move |door| apply(door, &visitor, Whose::New(kind), &form)).await
}

pub(super) async fn change(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    door.run(move |door| {
        let registered = find(door, &visitor.principal, &name)?;
        apply(door, &visitor, Whose::Of(Box::new(registered)), &form)
    })
    .await
}

/// Sets what was typed, or shows it again with everything that is wrong with it.
fn apply(door: &Door, visitor: &Visitor, whose: Whose, form: &Form) -> Result<Response> {
    let earlier = whose.settings();
    let known = known(door, visitor)?;
    let fields = Fields::of_form(form, &earlier, &known)?;
    let cells = form.text("cells")?.unwrap_or_default();
    let mut page = page(door, visitor, &whose, fields, cells);
    if let Some(rev) = &mut page.rev {
        // What was typed is about the settings as they were opened, whatever they are by now.
        form.text("rev")?.unwrap_or_default().clone_into(rev);
    }
    if form.text("step")? == Some("dates") {
        return html(&page);
    }
    let Typed { mut json, mistakes, is_as_shown } = Typed::of(form, &earlier)?;
    if let Some(address) = whose.unchanged(form.text("rev")?).filter(|_| is_as_shown) {
        return Ok(Redirect::to(&address).into_response());
    }
    let (name, condition) = match &whose {
        Whose::New(_) => (form.text("name")?.unwrap_or_default().to_owned(), Condition::Absent),
        Whose::Of(registered) => {
            let rev = form.text("rev")?.unwrap_or_default().to_owned();
            (registered.name.clone(), Condition::Revision(rev))
        }
    };
    json.insert("name".to_owned(), name.clone().into());
    match put(door, visitor, &name, json, &condition, mistakes.is_empty()) {
        Ok(Put::Done(put)) => {
            let (FolderPut::Created(registered) | FolderPut::Stored(registered)) = &put;
            let done = if matches!(put, FolderPut::Created(_)) { "created" } else { "changed" };
            return Ok(Redirect::to(&format!("{}?done={done}", address(&registered.name))).into_response());
        }
        Ok(Put::Fine) => {}
        Ok(Put::Outdated(now, ours)) => {
            page.rev = Some(now.rev());
            page.meanwhile = Some(settings::differences(&now.settings, &ours));
        }
        Ok(Put::Refused(error)) => {
            let about = if name.is_empty() { "" } else { &name };
            page.problems = page.fields.note(sentences(&error), about);
        }
        Err(error) => return Err(error),
    }
    for (key, problem) in mistakes {
        page.fields.note_one(key, problem);
    }
    let status = if page.meanwhile.is_some() { StatusCode::PRECONDITION_FAILED } else { StatusCode::BAD_REQUEST };
    Ok(shown(status, html(&page)?))
}

/// What became of settings that were sent.
enum Put {
    Done(FolderPut),
    /// They would be right, and are not stored because something that was typed could not even be read.
    Fine,
    /// Somebody else has changed the drop folder: as it is now, and as it would be.
    Outdated(Registered, Value),
    Refused(Error),
}

fn put(
    door: &Door,
    visitor: &Visitor,
    name: &str,
    json: serde_json::Map<String, Value>,
    condition: &Condition,
    is_whole: bool,
) -> Result<Put> {
    let principal = &visitor.principal;
    let read = refuse_unseen(door, principal, name).and_then(|()| written(door, principal, name, json));
    let written = match read {
        Ok(written) => written,
        Err(error) if matches!(error.kind(), ErrorKind::Request | ErrorKind::NotFound) => {
            return Ok(Put::Refused(error));
        }
        Err(error) => return Err(error),
    };
    let tried = match is_whole {
        true => put_written(door, principal, written.clone(), condition).map(Put::Done),
        false => door.drop_folders.would_be(written.clone(), SetBy::Administrator, condition).map(|_| Put::Fine),
    };
    match tried {
        Err(error) if error.kind() == ErrorKind::Request => Ok(Put::Refused(error)),
        Err(error) if error.kind() == ErrorKind::Outdated => outdated(door, visitor, name, written, condition, error),
        // It was removed meanwhile, say.
        tried => tried,
    }
}

/// What is said to whoever was not the only one.
fn outdated(
    door: &Door,
    visitor: &Visitor,
    name: &str,
    written: WrittenDropFolder,
    condition: &Condition,
    error: Error,
) -> Result<Put> {
    if *condition == Condition::Absent {
        let others = door.drop_folders.would_be(written, SetBy::Administrator, &Condition::None);
        let mut mistakes = match others {
            Ok(_) => Vec::new(),
            Err(error) => sentences(&error),
        };
        mistakes.insert(0, format!("drop folder '{name}': name: {error}"));
        return Ok(Put::Refused(Error::listing(ErrorKind::Request, "the drop folder is not set right", mistakes)));
    }
    let now = find(door, &visitor.principal, name)?;
    match door.drop_folders.would_be(written, SetBy::Administrator, &Condition::None) {
        Ok(folder) => Ok(Put::Outdated(now, folder.to_json())),
        Err(error) if error.kind() == ErrorKind::Request => Ok(Put::Refused(error)),
        Err(error) => Err(error),
    }
}
