//! From text to tree.
//!
//! ```text
//! any        = all ( 'or' all )*
//! all        = negation ( 'and' negation )*
//! negation   = '!' primary | primary
//! primary    = '(' any ')' | 'true' | 'false' | pointer 'pr' | pointer operator value
//! ```
//!
//! `!` takes one primary and brackets are counted, so the depth of the tree, and with it the stack that reading,
//! judging, writing and dropping it need, is bounded.

use super::token::{Token, Tokens};
use super::{Filter, Operand, Operator, Pointer};
use crate::error::{Error, Result, shown};

/// The most bytes a filter may have: far more than a request line carries.
const LONGEST: usize = 64 * 1024;

/// The most brackets around anything; the product's limit on nesting.
const DEEPEST: usize = 256;

/// The most characters of the filter that an error repeats.
const SHOWN: usize = 40;

pub(super) fn parse(text: &str) -> Result<Filter> {
    if text.len() > LONGEST {
        return Err(Error::request(format!("the filter has {} bytes, and at most {LONGEST} are allowed", text.len())));
    }
    let mut tokens = Tokens::new(text);
    let (at, token) = tokens.advance();
    if token == Token::End {
        return Err(Error::request("the filter is empty; 'true' chooses everything"));
    }
    let mut parser = Parser { text, tokens, at, token, depth: 0 };
    let filter = parser.any()?;
    match parser.token {
        Token::End => Ok(filter),
        Token::Close => Err(parser.refuse(parser.at, "this ')' closes nothing")),
        _ => Err(parser.expected("'and', 'or' or the end of the filter")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    /// The byte at which `token` starts.
    at: usize,
    /// The one piece that is looked at.
    token: Token<'a>,
    /// The brackets that are open.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Filter> {
        self.series("or", Parser::all, Filter::Or)
    }

    fn all(&mut self) -> Result<Filter> {
        self.series("and", Parser::negation, Filter::And)
    }

    fn series(
        &mut self,
        keyword: &str,
        part: fn(&mut Parser<'a>) -> Result<Filter>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter> {
        let mut parts = vec![part(self)?];
        while matches!(self.token, Token::Word(word) if word.eq_ignore_ascii_case(keyword)) {
            self.take();
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn negation(&mut self) -> Result<Filter> {
        if self.token != Token::Not {
            return self.primary();
        }
        self.take();
        match self.token {
            Token::Not => Err(self.refuse(self.at, "'!' cannot follow '!' without a bracket, as in '!(!(x pr))'")),
            _ => Ok(Filter::Not(Box::new(self.primary()?))),
        }
    }

    fn primary(&mut self) -> Result<Filter> {
        match self.token {
            Token::Open => self.brackets(),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => {
                self.take();
                Ok(Filter::Literal(true))
            }
            Token::Word(word) if word.eq_ignore_ascii_case("false") => {
                self.take();
                Ok(Filter::Literal(false))
            }
            Token::Word(word) => self.assertion(word),
            _ => Err(self.expected("a property, 'true', 'false' or '('")),
        }
    }

    fn brackets(&mut self) -> Result<Filter> {
        let (open, _) = self.take();
        if self.depth == DEEPEST {
            return Err(self.refuse(open, &format!("more than {DEEPEST} brackets are open")));
        }
        self.depth += 1;
        let filter = self.any()?;
        match self.token {
            Token::Close => self.take(),
            Token::End => return Err(self.refuse(open, "nothing closes this '('")),
            _ => return Err(self.expected("'and', 'or' or ')'")),
        };
        self.depth -= 1;
        Ok(filter)
    }

    /// A property, and what is said of it.
    fn assertion(&mut self, property: &str) -> Result<Filter> {
        let pointer = Pointer::parse(property).ok_or_else(|| {
            let what =
                format!("'{}' has a percent sign that does not begin an encoded character", shown(property, SHOWN));
            self.refuse(self.at, &what)
        })?;
        self.take();
        let Token::Word(word) = self.token else {
            return Err(self.expected("an operator such as 'eq', 'co', 'sw' or 'pr'"));
        };
        if word.eq_ignore_ascii_case("pr") {
            self.take();
            return Ok(Filter::Present(pointer));
        }
        if word.eq_ignore_ascii_case("in") {
            self.take();
            return Ok(Filter::In { pointer, values: self.list()? });
        }
        let Some(operator) = Operator::parse(word) else {
            return Err(self.expected("an operator such as 'eq', 'co', 'sw' or 'pr', followed by a blank,"));
        };
        self.take();
        Ok(Filter::Comparison { pointer, operator, value: self.value()? })
    }

    fn value(&mut self) -> Result<Operand> {
        let value = match &mut self.token {
            Token::Text(text) => Some(Operand::Text(std::mem::take(text))),
            Token::Word(word) => Operand::parse(word),
            _ => None,
        };
        let value = value.ok_or_else(|| self.expected("a string in quotes, a number of 64 bits, true, false or null"));
        self.take();
        value
    }

    fn list(&mut self) -> Result<Vec<Operand>> {
        let values = match &self.token {
            Token::Text(text) => Operand::parse_list(text),
            _ => None,
        };
        let values = values.ok_or_else(|| self.expected(r#"a string with a JSON array of values, as in '["a","b"]',"#));
        self.take();
        values
    }

    /// Gives the piece that was looked at, and looks at the next one.
    fn take(&mut self) -> (usize, Token<'a>) {
        let (at, token) = self.tokens.advance();
        (std::mem::replace(&mut self.at, at), std::mem::replace(&mut self.token, token))
    }

    /// Says what belongs where the parser stands.
    fn expected(&self, what: &str) -> Error {
        match &self.token {
            Token::Unclosed => self.refuse(self.at, "nothing closes the string that starts here"),
            Token::End => self.refuse(self.at, &format!("the filter ends where {what} belongs")),
            token => {
                let found = match token {
                    Token::Open => "(",
                    Token::Close => ")",
                    Token::Not => "!",
                    Token::Word(word) => word,
                    Token::Text(text) => text,
                    Token::Unclosed | Token::End => "",
                };
                self.refuse(self.at, &format!("{what} belongs here, not '{}'", shown(found, SHOWN)))
            }
        }
    }

    fn refuse(&self, at: usize, what: &str) -> Error {
        let character = self.text[..at].chars().count() + 1;
        Error::request(format!("the filter is wrong at character {character}: {what}"))
    }
}
