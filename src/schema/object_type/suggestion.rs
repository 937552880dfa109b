//! "Did you mean": the property behind a column name that is none.
//!
//! Asked for columns and keys that no property has, never for values. It only guesses, for a sentence; nothing is
//! imported by a guess.

use strsim::{damerau_levenshtein, jaro_winkler};

use crate::schema::property::Property;

/// From here on two names of different length are alike enough, though many letters differ: `telephone` and
/// `telephoneNumber`.
const ALIKE: f64 = 0.88;

/// The longest name that is compared with others, in bytes.
const LONGEST: usize = 400;

/// The path of the property that can be imported and is most like the column, if one is like it at all.
///
/// The same letters count most, whatever their case and whatever stands between words; then the name for people, then
/// the last step of a path, then few mistakes.
pub(super) fn suggest<'p>(properties: &'p [Property], column: &str) -> Option<&'p str> {
    // Nobody means a property by a name as long as that, and to compare it would take long too.
    let wanted = if column.len() > LONGEST { String::new() } else { letters(column) };
    if wanted.is_empty() {
        return None;
    }
    let writable = || properties.iter().filter(|property| property.importable().is_ok());
    let title_of = |property: &Property| property.title.as_deref().map(letters);
    let same = writable()
        .find(|property| letters(&property.path) == wanted)
        .or_else(|| writable().find(|property| title_of(property).is_some_and(|title| title == wanted)))
        .or_else(|| writable().find(|property| letters(last_step(&property.path)) == wanted));
    let like = || {
        let scored = writable().filter_map(|property| {
            let names = [Some(letters(&property.path)), Some(letters(last_step(&property.path))), title_of(property)];
            let score =
                names.into_iter().flatten().filter_map(|name| likeness(&name, &wanted)).max_by(f64::total_cmp)?;
            Some((score, property))
        });
        scored.max_by(|(left, _), (right, _)| left.total_cmp(right)).map(|(_, property)| property)
    };
    same.or_else(like).map(|property| property.path.as_str())
}

/// How alike two names are, if they are alike at all: one mistake in three letters is allowed.
fn likeness(name: &str, wanted: &str) -> Option<f64> {
    let mistakes = damerau_levenshtein(name, wanted);
    let allowed = name.chars().count().min(wanted.chars().count()) / 3;
    let score = jaro_winkler(name, wanted);
    (mistakes <= allowed || score >= ALIKE).then_some(score)
}

/// The letters and digits of a name in lower case: `First Name` and `first_name` are `firstname`.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn last_step(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
