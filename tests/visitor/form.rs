//! A form, filled in and sent as a browser does it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::html::{Piece, end_of, label_of, options_of, raw, words};
use super::page::{Element, Page};

/// What divides the parts of a form with files.
pub(super) const BOUNDARY: &str = "------a-boundary-that-nobody-writes";

/// A form of a page, filled in as far as it is.
#[must_use]
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Where it is sent to.
    pub(crate) action: String,
    pub(super) method: String,
    pub(super) is_multipart: bool,
    pub(crate) fields: Vec<Field>,
    pub(super) buttons: Vec<Button>,
}

/// A field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The type of an input, or `select` or `textarea`.
    pub(crate) kind: String,
    pub(crate) value: String,
    /// What is written at it.
    pub(crate) label: String,
    /// Whether it is ticked, where that is possible.
    pub(crate) is_on: bool,
    /// Of a select: values and texts.
    pub(crate) options: Vec<(String, String)>,
    /// Names and contents of files.
    files: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Button {
    pub(super) text: String,
    pub(super) name: Option<String>,
    pub(super) value: String,
    pub(super) action: Option<String>,
}

impl Form {
    pub(super) fn read(element: &Element, all: &[Piece], page: &Page) -> Form {
        let inside = &all[element.range.0..element.range.1];
        let attribute = |attributes: &[(String, String)], name: &str| {
            attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let (mut fields, mut buttons) = (Vec::new(), Vec::new());
        for (at, piece) in inside.iter().enumerate() {
            let Piece::Open(tag, attributes) = piece else { continue };
            let get = |name: &str| attribute(attributes, name);
            let content = &inside[at..end_of(inside, at)];
            if get("disabled").is_some() {
                continue;
            }
            let kind = get("type").unwrap_or_else(|| "text".to_owned());
            let is_button = tag == "button" || tag == "input" && ["submit", "image"].contains(&kind.as_str());
            if is_button {
                if get("type").is_none_or(|kind| kind == "submit") {
                    let shown = words(content);
                    let text =
                        if shown.is_empty() { get("aria-label").or(get("value")).unwrap_or_default() } else { shown };
                    let action = get("formaction").map(|action| page.resolved(&action));
                    buttons.push(Button { text, name: get("name"), value: get("value").unwrap_or_default(), action });
                }
                continue;
            }
            let options = options_of(content);
            let (kind, value) = match tag.as_str() {
                "input" => {
                    let is_box = ["checkbox", "radio"].contains(&kind.as_str());
                    let value = get("value").unwrap_or_else(|| if is_box { "on".to_owned() } else { String::new() });
                    // A field that is seen has one line.
                    let value = if kind == "hidden" || is_box { value } else { value.replace(['\r', '\n'], "") };
                    (kind, value)
                }
                "textarea" => ("textarea".to_owned(), without_first_end(raw(content))),
                "select" => {
                    let selected = options.iter().find(|(_, _, selected)| *selected).or(options.first());
                    ("select".to_owned(), selected.map(|(value, ..)| value.clone()).unwrap_or_default())
                }
                _ => continue,
            };
            let Some(name) = get("name") else { continue };
            fields.push(Field {
                name,
                label: label_of(inside, at, attributes),
                is_on: get("checked").is_some(),
                options: options.into_iter().map(|(value, text, _)| (value, text)).collect(),
                files: Vec::new(),
                kind,
                value,
            });
        }
        let action = element.attribute("action").map_or_else(|| page.address.clone(), |action| page.resolved(&action));
        Form {
            action,
            method: element.attribute("method").unwrap_or_else(|| "get".to_owned()).to_lowercase(),
            is_multipart: element.has("enctype", "multipart/form-data"),
            fields,
            buttons,
        }
    }

    /// When this is written into a field, which is named or labelled like this.
    pub(crate) fn fill(&mut self, field: &str, value: &str) {
        self.field(field).value = value.to_owned();
    }

    /// When a box is ticked: by its label, or by `name=value`. Of radio buttons the others are off then.
    pub(crate) fn tick(&mut self, field: &str) {
        let found = self.field(field);
        found.is_on = true;
        if found.kind == "radio" {
            let (name, value) = (found.name.clone(), found.value.clone());
            let others = self.fields.iter_mut().filter(|other| other.name == name && other.value != value);
            others.for_each(|other| other.is_on = false);
        }
    }

    /// When a box is no longer ticked.
    pub(crate) fn untick(&mut self, field: &str) {
        self.field(field).is_on = false;
    }

    /// When this option of a select is chosen, by its text or its value.
    pub(crate) fn choose(&mut self, field: &str, option: &str) {
        let field = self.field(field);
        let found = field.options.iter().find(|(value, text)| text == option || value == option);
        field.value = found.unwrap_or_else(|| panic!("no option '{option}' in {:?}", field.options)).0.clone();
    }

    /// When a file is put into a field.
    pub(crate) fn attach(&mut self, field: &str, name: &str, content: impl AsRef<[u8]>) {
        assert!(self.is_multipart, "the form does not send files");
        self.field(field).files.push((name.to_owned(), content.as_ref().to_vec()));
    }

    /// The value of a field.
    pub(crate) fn value(&self, field: &str) -> &str {
        &self.clone_of(field).value
    }

    fn clone_of(&self, field: &str) -> &Field {
        let found = self.fields.iter().find(|known| known.is_called(field));
        found.unwrap_or_else(|| panic!("no field '{field}' in {self:?}"))
    }

    fn field(&mut self, field: &str) -> &mut Field {
        let shown = format!("{self:?}");
        let found = self.fields.iter_mut().find(|known| known.is_called(field));
        found.unwrap_or_else(|| panic!("no field '{field}' in {shown}"))
    }

    /// The names and values that are sent, files left out; ends of lines are `\r\n`.
    pub(super) fn sent(&self) -> impl Iterator<Item = (&str, String)> {
        let is_sent = |field: &&Field| match field.kind.as_str() {
            "checkbox" | "radio" => field.is_on,
            kind => kind != "file",
        };
        let value = |field: &Field| field.value.replace("\r\n", "\n").replace('\n', "\r\n");
        self.fields.iter().filter(is_sent).map(move |field| (field.name.as_str(), value(field)))
    }

    pub(super) fn multipart(&self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut body = Vec::new();
        let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        // In the order of the form, as browsers send them: a pressed button comes last.
        let mut rest = fields.to_vec();
        for field in &self.fields {
            match field.kind.as_str() {
                "file" => {
                    let nothing = [(String::new(), Vec::new())];
                    let files = if field.files.is_empty() { nothing.as_slice() } else { &field.files };
                    for (name, content) in files {
                        body.extend(
                            format!(
                                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\
                                 Content-Type: application/octet-stream\r\n\r\n",
                                quoted(&field.name),
                                quoted(name)
                            )
                            .into_bytes(),
                        );
                        body.extend_from_slice(content);
                        body.extend_from_slice(b"\r\n");
                    }
                }
                "checkbox" | "radio" if !field.is_on => {}
                _ => body.extend(part(&rest.remove(0))),
            }
        }
        rest.iter().for_each(|field| body.extend(part(field)));
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        body
    }
}

/// The content of a text area: an end of a line at its start is not a part of it.
fn without_first_end(mut text: String) -> String {
    if text.starts_with('\n') {
        text.remove(0);
    }
    text
}

impl Field {
    fn is_called(&self, name: &str) -> bool {
        self.name == name
            || self.label == name
            || name.split_once('=') == Some((self.name.as_str(), self.value.as_str()))
    }
}

pub(super) fn part((name, value): &(&str, &str)) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

pub(super) fn urlencoded<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    fields.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}
