//! The objects of a type, page by page and as a search chooses them.
//!
//! What is found at once is shown at once, as a whole page. A search that takes longer sends its page as it goes: the head
//! first, then each object as it is found, then how far it came. So nobody waits for a page without knowing what for, and
//! who has seen enough goes elsewhere, which ends the search.

use std::io::Write as _;
use std::mem::take;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::columns::{telling, title};
use super::looking::{Help, LONGEST, Looking};
use super::question::{Match, Question, searchable};
use super::{address_of, address_of_object, texts};
use crate::console::page::{Chrome, Section, filters, html};
use crate::console::refusal::shown as shown_refusal;
use crate::console::visitor::Visitor;
use crate::error::{Error, Result, shown};
use crate::filter::Filter;
use crate::http::addressing::Addressed;
use crate::http::params::Params;
use crate::http::streaming::{BodyWriter, not_sent};
use crate::http::{Door, Problem};
use crate::object::Object;
use crate::repository::StoredType;

/// What is found within this time comes as a whole page.
const AT_ONCE: Duration = Duration::from_millis(20);

/// Characters of a cell.
const CELL: usize = 60;

/// Where the objects go in a page. Nothing that anybody has written can look like this: it is escaped.
const OBJECTS: &str = "<!-- objects -->";

#[derive(Template)]
#[template(path = "objects/browse.html")]
struct BrowsePage<'a> {
    chrome: &'a Chrome,
    name: &'a str,
    address: String,
    question: &'a Question,
    /// Path and name.
    indexed: Vec<(String, String)>,
    others: Vec<(String, String)>,
    /// What is wrong with the value.
    fault: Option<String>,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "objects/table.html")]
struct TablePart<'a> {
    name: &'a str,
    columns: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "objects/rows.html")]
struct RowsPart {
    rows: Vec<Row>,
}

struct Row {
    address: String,
    name: String,
    cells: Vec<String>,
}

#[derive(Template)]
#[template(path = "objects/end.html")]
struct EndPart<'a> {
    chrome: &'a Chrome,
    name: &'a str,
    address: String,
    question: &'a Question,
    property: String,
    found: u64,
    end: End,
    help: Help,
    /// Where it goes on.
    next: Option<String>,
}

/// How a page ended.
enum End {
    /// Nothing more is there, or the page is full.
    Well,
    /// It took too long.
    Stopped {
        seconds: u64,
        looked_at: u64,
    },
    Failed(String),
}

/// A page on its way.
struct Page<'a> {
    chrome: &'a Chrome,
    stored: &'a StoredType,
    question: &'a Question,
    positions: Vec<usize>,
    columns: Vec<&'a str>,
    found: u64,
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
    params: Params,
) -> Result<Response, Problem> {
    let title = format!("{} objects", object_type.short());
    let chrome = Chrome::new(title, Section::Objects, &visitor);
    let notice = match params.one("done")? {
        Some("deleted") => Some("The object was deleted."),
        _ => None,
    };
    let stored = door.run(move |door| visitor.principal.object_type(&door.app, &object_type)).await?;
    let question = Question::of(&params, &stored.object_type)?;
    let filter = match question.is_asked() {
        true => question.filter(&stored.object_type),
        false => Ok(Filter::Literal(true)),
    };
    match filter {
        Ok(filter) => {
            let write = move |door: &Door, out: &mut BodyWriter| {
                let page = Page::new(&chrome, &stored, &question);
                page.write(door, &filter, notice, out)
            };
            let mut response = door.stream("text/html; charset=utf-8", write).await?;
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Err(fault) => {
            let page = Page::new(&chrome, &stored, &question).around(Some(fault), None);
            Ok(shown_refusal(StatusCode::BAD_REQUEST, html(&page)?))
        }
    }
}

impl<'a> Page<'a> {
    fn new(chrome: &'a Chrome, stored: &'a StoredType, question: &'a Question) -> Page<'a> {
        let columns = telling(&stored.object_type);
        let positions = columns.iter().map(|property| property.position as usize).collect();
        let mut columns: Vec<&str> = columns.into_iter().map(title).collect();
        if columns.is_empty() {
            columns.push("_id");
        }
        Page { chrome, stored, question, positions, columns, found: 0 }
    }

    fn name(&self) -> &'a str {
        self.stored.object_type.name().short()
    }

    fn around(&self, fault: Option<String>, notice: Option<&'static str>) -> BrowsePage<'a> {
        let [indexed, others] = searchable(self.stored);
        BrowsePage {
            chrome: self.chrome,
            name: self.name(),
            address: address_of(self.stored.object_type.name()),
            question: self.question,
            indexed,
            others,
            fault,
            notice,
        }
    }

    fn write(mut self, door: &Door, filter: &Filter, notice: Option<&'static str>, out: &mut BodyWriter) -> Result<()> {
        let begun = Instant::now();
        let around = rendered(&self.around(None, notice))?;
        let (head, foot) = around.split_once(OBJECTS).unwrap_or((&around, ""));
        let (mut looking, help) = Looking::begin(&door.app, self.stored, self.question, filter)?;
        let mut objects = Vec::new();
        while looking.goes_on() && begun.elapsed() < AT_ONCE {
            objects.extend(looking.step()?);
        }
        put(out, head)?;
        self.put_rows(&objects, out)?;
        let ended = self.go_on(&mut looking, begun, out)?;
        if self.found > 0 {
            put(out, "</tbody></table></div>\n")?;
        }
        self.put_end(&looking, ended, help, out)?;
        put(out, foot)
    }

    /// Sends what there is, and what is found from now on.
    fn go_on(&mut self, looking: &mut Looking<'_>, begun: Instant, out: &mut BodyWriter) -> Result<End> {
        let audience = out.audience();
        if looking.goes_on() {
            out.send_now()?;
        }
        while looking.goes_on() {
            if begun.elapsed() > LONGEST {
                return Ok(End::Stopped { seconds: LONGEST.as_secs(), looked_at: looking.looked_at() });
            }
            audience.is_there()?;
            match looking.step() {
                // The head is on its way, so it is told here.
                Err(error) => return Ok(End::Failed(error.to_string())),
                Ok(objects) if objects.is_empty() => {}
                Ok(objects) => {
                    self.put_rows(&objects, out)?;
                    out.send_now()?;
                }
            }
        }
        Ok(End::Well)
    }

    /// The table begins with the first rows.
    fn put_rows(&mut self, objects: &[Object], out: &mut BodyWriter) -> Result<()> {
        if objects.is_empty() {
            return Ok(());
        }
        if self.found == 0 {
            put(out, &rendered(&TablePart { name: self.name(), columns: take(&mut self.columns) })?)?;
        }
        self.found += objects.len() as u64;
        let rows = objects.iter().map(|object| self.row(object)).collect();
        put(out, &rendered(&RowsPart { rows })?)
    }

    /// The first cell is what the object is known by, and leads to it.
    fn row(&self, object: &Object) -> Row {
        let texts = texts(&object.document, &self.positions);
        let mut cells = texts.iter().map(|text| shown(text, CELL).into_owned());
        let name = cells.next().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| object.id.clone());
        let address = address_of_object(self.stored.object_type.name(), &object.id);
        Row { address, name, cells: cells.collect() }
    }

    fn put_end(&self, looking: &Looking<'_>, end: End, help: Help, out: &mut BodyWriter) -> Result<()> {
        let address = address_of(self.stored.object_type.name());
        let property = self.stored.object_type.property(&self.question.property);
        let part = EndPart {
            chrome: self.chrome,
            name: self.name(),
            next: looking.next().map(|next| format!("{address}?{}", self.question.address(Some(next)))),
            address,
            question: self.question,
            property: property.map_or_else(|| self.question.property.clone(), |property| title(property).to_owned()),
            found: self.found,
            end,
            help,
        };
        put(out, &rendered(&part)?)
    }
}

impl EndPart<'_> {
    /// What was looked for, as a part of a sentence.
    fn sought(&self) -> String {
        format!("{} {} '{}'", self.property, self.question.matched.said(), shown(&self.question.value, CELL))
    }

    fn ended_well(&self) -> bool {
        matches!(self.end, End::Well)
    }

    fn is_prefix(&self) -> bool {
        self.question.matched == Match::Begins
    }
}

fn rendered(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| Error::storage("a page could not be written", error))
}

fn put(out: &mut BodyWriter, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(not_sent)
}
