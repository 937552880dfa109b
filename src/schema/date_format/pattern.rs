//! From tokens to a program, or to everything that is wrong with a pattern.
//!
//! A pattern is written once and read by a person, so this is the place to be strict: whatever could read a date
//! differently from what its author meant is refused here, with a hint, and never guessed at in a cell.

use super::field::Field;
use super::program::{DatedBy, Name, OffsetForm, Program, Step, Width};
use super::token::{Token, has};

const HOURS: &str = "HkKh";
const ZONES: &str = "XxZzVO";

/// Compiles normalised tokens, or returns all complaints.
pub(super) fn compile(tokens: &[Token]) -> Result<Program, Vec<String>> {
    let mut complaints = date_complaints(tokens);
    complaints.extend(time_complaints(tokens));
    let beside = beside_digits(tokens);
    let mut flat = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Letters { letter, count } => match letters(*letter, *count, beside[index]) {
                Ok(step) => flat.push(Piece::Step(step)),
                Err(complaint) => complaints.push(complaint),
            },
            Token::Literal(literal) => flat.extend(literals(literal, is_utc(tokens, index)).map(Piece::Step)),
            Token::Open => flat.push(Piece::Open),
            Token::Close => flat.push(Piece::Close),
        }
    }
    let dated_by = if has(tokens, "w") {
        DatedBy::Week
    } else if has(tokens, "D") {
        DatedBy::DayOfYear
    } else {
        DatedBy::MonthAndDay
    };
    complaints.extend(section_complaints(&flat, dated_by));
    if !complaints.is_empty() {
        return Err(complaints);
    }
    Ok(Program { steps: nest(&mut flat.into_iter()), dated_by })
}

enum Piece {
    Step(Step),
    Open,
    Close,
}

/// The steps up to the end of the section.
fn nest(pieces: &mut impl Iterator<Item = Piece>) -> Box<[Step]> {
    let mut steps = Vec::new();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Step(step) => steps.push(step),
            Piece::Open => steps.push(Step::Optional(nest(pieces))),
            Piece::Close => break,
        }
    }
    steps.into()
}

/// What a run of one letter stands for.
fn letters(letter: char, count: usize, beside_digits: bool) -> Result<Step, String> {
    let run = letter.to_string().repeat(count.min(12));
    let number = |field: Field, most: u8| match u8::try_from(count) {
        Ok(count) if count < most && beside_digits => {
            let full = letter.to_string().repeat(usize::from(most));
            Err(format!("beside other digits the {field} is written with all its digits, {full}"))
        }
        Ok(count) if count <= most && beside_digits => Ok(Step::Number(field, Width::exactly(count))),
        Ok(count) if count <= most => Ok(Step::Number(field, Width::up_to(most, count))),
        _ => Err(format!("{run} is too long for a {field}")),
    };
    match (letter, count) {
        ('y' | 'Y', 2) => Err("a year has four digits, yyyy: yy does not say which century".to_owned()),
        ('y', 1 | 4) => Ok(Step::Number(Field::Year, Width::exactly(4))),
        ('Y', 1 | 4) => Ok(Step::Number(Field::WeekYear, Width::exactly(4))),
        ('y' | 'Y', _) => Err(format!("{run} is not a year: year is yyyy")),
        ('M', 1 | 2) => number(Field::Month, 2),
        ('M', 3) => Ok(Step::MonthName(Name::Short)),
        ('M', 4) => Ok(Step::MonthName(Name::Full)),
        ('M', _) => Err(format!("{run} is not a month: month is MM, its name MMM or MMMM")),
        ('d', _) => number(Field::Day, 2),
        ('D', _) => number(Field::DayOfYear, 3),
        ('w', _) => number(Field::Week, 2),
        ('E', 1..=3) | ('e', 3) => Ok(Step::WeekdayName(Name::Short)),
        ('E' | 'e', 4) => Ok(Step::WeekdayName(Name::Full)),
        ('e' | 'u', 1) => Ok(Step::Number(Field::Weekday, Width::exactly(1))),
        ('e' | 'u', 2) => Ok(Step::Number(Field::Weekday, Width::exactly(2))),
        ('E' | 'e' | 'u', _) => Err(format!("{run} is not a weekday: its name is EEE or EEEE, its number u")),
        ('a', _) => Ok(Step::HalfDay),
        ('H', _) => number(Field::Hour, 2),
        ('k', _) => number(Field::ClockHour, 2),
        ('K', _) => number(Field::HalfDayHour, 2),
        ('h', _) => number(Field::ClockHalfDayHour, 2),
        ('m', _) => number(Field::Minute, 2),
        ('s', _) => number(Field::Second, 2),
        ('S', 1..=9) if beside_digits => Ok(Step::Fraction(Width::exactly(count as u8))),
        ('S', 1..=9) => Ok(Step::Fraction(Width::up_to(u8::MAX, count as u8))),
        ('S', _) => Err("a fraction has at most nine digits, SSSSSSSSS".to_owned()),
        ('G', 1..=3) => Ok(Step::Era),
        ('X' | 'x', 1) => Ok(Step::Offset(OffsetForm::Short)),
        ('X' | 'x', 2 | 4) | ('Z', 1..=3) => Ok(Step::Offset(OffsetForm::Plain)),
        ('X' | 'x', 3 | 5) | ('Z', 4 | 5) => Ok(Step::Offset(OffsetForm::Colon)),
        ('z' | 'V' | 'O', 1..=4) => Ok(Step::Zone),
        _ => Err(refused(letter, &run)),
    }
}

/// Why a letter is refused.
fn refused(letter: char, run: &str) -> String {
    match letter {
        'T' => "a literal T is quoted, 'T'".to_owned(),
        'X' | 'x' | 'Z' | 'z' | 'V' | 'O' | 'G' => format!("{run} is too long: one {letter} will do"),
        'F' | 'W' => format!("{letter} counts within a month; ISO weeks are YYYY-'W'ww-u"),
        'A' | 'n' | 'N' => format!("{letter} is not read; the time of day is HH:mm:ss, with a fraction HH:mm:ss.SSS"),
        'v' => "v is not read; a zone is XXX, or z for its name".to_owned(),
        'B' => "B is not read; AM and PM are a".to_owned(),
        'q' | 'Q' => format!("{letter} counts quarters; month is MM"),
        _ => format!("{letter} means nothing in a date pattern; literal text is quoted, '{run}'"),
    }
}

/// Splits a literal into what is read byte by byte and what is compared at once.
fn literals(literal: &str, utc: bool) -> impl Iterator<Item = Step> {
    let text = if utc { &literal[..literal.len() - 1] } else { literal };
    let step = match *text.as_bytes() {
        [] => None,
        [mark] => Some(Step::Mark(mark)),
        _ => Some(Step::Literal(text.into())),
    };
    step.into_iter().chain(utc.then_some(Step::Utc))
}

/// Whether a literal ends the pattern with the `Z` of `yyyy-MM-dd'T'HH:mm:ss'Z'`, which says UTC though Java ignores
/// it.
fn is_utc(tokens: &[Token], index: usize) -> bool {
    let last = tokens[index + 1..].iter().all(|token| *token == Token::Close);
    let z = matches!(&tokens[index], Token::Literal(text) if text.ends_with('Z'));
    last && z && has(tokens, HOURS) && !has(tokens, ZONES)
}

fn date_complaints(tokens: &[Token]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain_if = |wrong: bool, complaint: &str| {
        if wrong {
            complaints.push(complaint.to_owned());
        }
    };
    complain_if(!has(tokens, "yY"), "the year is missing, yyyy");
    if has(tokens, "w") {
        complain_if(has(tokens, "yMdD"), "a date is either year, month and day, or an ISO week YYYY-'W'ww-u");
        complain_if(!has(tokens, "uEe"), "a week is no date; with its weekday it is YYYY-'W'ww-u");
    } else if has(tokens, "m") && !has(tokens, "M") && !(has(tokens, "D") && has(tokens, HOURS)) {
        complain_if(true, "month is MM, mm is minutes");
    } else if has(tokens, "D") {
        complain_if(has(tokens, "Md"), "D is the day of the year, d is the day of the month");
    } else {
        complain_if(!has(tokens, "M"), "the month is missing, MM");
        complain_if(!has(tokens, "d"), "the day is missing, dd");
    }
    complaints
}

fn time_complaints(tokens: &[Token]) -> Vec<String> {
    let hours = has(tokens, HOURS);
    [
        (has(tokens, "hK") && !has(tokens, "a"), "24-hour clock is HH; hh needs AM or PM, a"),
        (has(tokens, "a") && !hours, "AM or PM needs an hour, hh"),
        (has(tokens, "m") && has(tokens, "Mw") && !hours, "minutes need an hour, HH"),
        (has(tokens, "s") && !has(tokens, "m"), "seconds need minutes, mm"),
        (has(tokens, "S") && !has(tokens, "s"), "seconds are ss, SSS is their fraction"),
    ]
    .into_iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, complaint)| complaint.to_owned())
    .collect()
}

/// Nothing may be said twice, unless in optional sections beside each other, and no part of the date may be optional.
fn section_complaints(pieces: &[Piece], dated_by: DatedBy) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut seen: Vec<(&str, Vec<usize>)> = Vec::new();
    // The brackets that are open, each by its place in the pattern.
    let mut sections = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let step = match piece {
            Piece::Open => {
                sections.push(index);
                continue;
            }
            Piece::Close => {
                sections.pop();
                continue;
            }
            Piece::Step(step) => step,
        };
        let Some(slot) = step.slot() else { continue };
        let together = |other: &Vec<usize>| sections.starts_with(other) || other.starts_with(&sections);
        if seen.iter().any(|(name, other)| *name == slot.name() && together(other)) {
            let hint = if matches!(slot.name(), "month" | "minute") { ": month is MM, mm is minutes" } else { "" };
            complaints.push(format!("the {} stands there twice{hint}", slot.name()));
        }
        if !sections.is_empty() && dated_by.needs(slot) {
            complaints.push(format!("the {} must not be optional; several formats make a list", slot.name()));
        }
        seen.push((slot.name(), sections.clone()));
    }
    complaints
}

/// For each token, whether it is a number that may stand directly beside another digit.
fn beside_digits(tokens: &[Token]) -> Vec<bool> {
    let mut beside = vec![false; tokens.len()];
    for index in 0..tokens.len() {
        for next in followers(tokens, index) {
            if ends_with_digit(&tokens[index]) && starts_with_digit(&tokens[next]) {
                beside[index] = true;
                beside[next] = true;
            }
        }
    }
    beside
}

/// The tokens that may come directly after one, optional sections taken or not.
fn followers(tokens: &[Token], index: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = vec![index + 1];
    while let Some(next) = open.pop() {
        match tokens.get(next) {
            Some(Token::Close) => open.push(next + 1),
            Some(Token::Open) => open.extend([next + 1, after_section(tokens, next)]),
            Some(_) => found.push(next),
            None => {}
        }
    }
    found
}

fn after_section(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 1 => return index + 1,
            Token::Close => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

fn starts_with_digit(token: &Token) -> bool {
    matches!(token, Token::Literal(text) if text.starts_with(|c: char| c.is_ascii_digit())) || is_number(token)
}

fn ends_with_digit(token: &Token) -> bool {
    matches!(token, Token::Literal(text) if text.ends_with(|c: char| c.is_ascii_digit())) || is_number(token)
}

fn is_number(token: &Token) -> bool {
    match token {
        Token::Letters { letter: 'M' | 'e', count } => *count <= 2,
        Token::Letters { letter, .. } => "yYudDwHkKhmsS".contains(*letter),
        _ => false,
    }
}
