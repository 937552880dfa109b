//! What somebody sees: a page, its elements, and what of it can be sent.

use serde_json::Value;

use super::form::Form;
use super::html::{Piece, end_of, tokens, words};
use super::readable::{readable, steady_page};

/// What somebody sees.
#[must_use]
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// Where it was found in the end, below the service's address: `/console/imports?done=deleted`.
    pub(crate) address: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) html: String,
    pub(super) bytes: Vec<u8>,
}

/// An element of a page, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) tag: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// All text in it, blanks made one.
    pub(crate) text: String,
    pub(super) range: (usize, usize),
}

impl Page {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.html).expect(&self.html)
    }

    /// What is written on the page, without the bar above it and without what differs from run to run. A link is
    /// `[text](address)`, a button `[text]`, a field `{name: value}`; cells are divided by `|`.
    pub(crate) fn text(&self) -> String {
        let tokens = tokens(&self.html);
        let start = tokens.iter().position(|token| matches!(token, Piece::Open(tag, _) if tag == "main"));
        steady_page(&readable(&tokens[start.unwrap_or(0)..]))
    }

    /// The same, of the element that this is in: `("class", "empty")`, or `("id", "counts")`.
    pub(crate) fn text_of(&self, attribute: &str, value: &str) -> String {
        let found = self.all().into_iter().find(|element| element.has(attribute, value));
        let found =
            found.unwrap_or_else(|| panic!("no element with {attribute} '{value}' on the page:\n{}", self.text()));
        steady_page(&readable(&tokens(&self.html)[found.range.0..found.range.1]))
    }

    /// The elements with this tag.
    pub(crate) fn elements(&self, tag: &str) -> Vec<Element> {
        self.all().into_iter().filter(|element| element.tag == tag).collect()
    }

    /// All elements, in order.
    pub(crate) fn all(&self) -> Vec<Element> {
        let tokens = tokens(&self.html);
        let open = tokens.iter().enumerate().filter_map(|(at, token)| match token {
            Piece::Open(tag, attributes) => Some((at, tag, attributes)),
            _ => None,
        });
        open.map(|(at, tag, attributes)| {
            let end = end_of(&tokens, at);
            let text = words(&tokens[at..end]);
            Element { tag: tag.clone(), attributes: attributes.clone(), text, range: (at, end) }
        })
        .collect()
    }

    /// The title of the window.
    pub(crate) fn title(&self) -> String {
        self.elements("title").remove(0).text
    }

    /// The first heading.
    pub(crate) fn heading(&self) -> String {
        self.elements("h1").remove(0).text
    }

    /// The addresses of all links, as they stand there.
    pub(crate) fn links(&self) -> Vec<String> {
        self.elements("a").iter().filter_map(|link| link.attribute("href")).collect()
    }

    /// The form with a button of this text; also one whose action ends like this, when it begins with a slash.
    pub(crate) fn form(&self, button: &str) -> Form {
        let wanted = |form: &Form| match button.starts_with('/') {
            true => form.action.ends_with(button),
            false => form.buttons.iter().any(|known| known.text == button),
        };
        let found = self.forms().into_iter().find(wanted);
        found.unwrap_or_else(|| panic!("no form with '{button}' on the page:\n{}", self.text()))
    }

    /// Whether there is a form with a button of this text.
    pub(crate) fn has_form(&self, button: &str) -> bool {
        self.forms().iter().any(|form| form.buttons.iter().any(|known| known.text == button))
    }

    /// All forms, in order.
    pub(crate) fn forms(&self) -> Vec<Form> {
        let tokens = tokens(&self.html);
        self.elements("form").iter().map(|form| Form::read(form, &tokens, self)).collect()
    }

    /// An address on this page, below the service's address.
    pub(super) fn resolved(&self, address: &str) -> String {
        let here = self.address.split('#').next().unwrap();
        match address.split('#').next().unwrap() {
            "" => here.to_owned(),
            query if query.starts_with('?') => format!("{}{query}", here.split('?').next().unwrap()),
            path if path.starts_with('/') || path.contains("://") => path.to_owned(),
            relative => {
                let path = here.split('?').next().unwrap();
                format!("{}/{relative}", path.rsplit_once('/').unwrap().0)
            }
        }
    }
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Whether an attribute is, or has among its words, this.
    pub(crate) fn has(&self, attribute: &str, value: &str) -> bool {
        self.attribute(attribute).is_some_and(|all| all == value || all.split_whitespace().any(|word| word == value))
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        self.text == name || self.attribute("aria-label").as_deref() == Some(name)
    }
}
