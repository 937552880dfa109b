use proptest::prelude::{ProptestConfig, proptest};
use proptest::prop_assert_eq;

use super::{DateFormat, DateFormats};

/// The RFC 3339 text of what is read, or the sentence.
fn read(formats: &DateFormats, text: &str) -> Result<String, String> {
    formats.parse(text).map(|instant| instant.to_string()).map_err(|error| error.to_string())
}

fn formats(pattern: &str) -> DateFormats {
    DateFormats::compile(&[pattern]).expect(pattern)
}

fn refusal(pattern: &str) -> String {
    DateFormat::compile(pattern).expect_err(pattern).to_string()
}

/// `None` is an error, the rest is what is read.
fn check(table: &[(&str, &str, Option<&str>)]) {
    for (pattern, text, expected) in table {
        let found = read(&formats(pattern), text);
        match (expected, &found) {
            (Some(expected), Ok(found)) => assert_eq!(found, expected, "{text} in {pattern}"),
            (None, Err(_)) => {}
            _ => panic!("{text} in {pattern}: {found:?} instead of {expected:?}"),
        }
    }
}

const SECONDS: &str = "yyyy-MM-dd'T'HH:mm:ssX";

/// Where OpenJDK's two readers differ from each other or from what was meant, ours does what was meant.
#[test]
fn java_patterns() {
    check(&[
        ("yyyyMMdd", "20211225", Some("2021-12-25T00:00:00Z")),
        ("YYYYMMDD", "20211225", Some("2021-12-25T00:00:00Z")),
        ("yyyyMMDD", "20211225", Some("2021-12-25T00:00:00Z")),
        ("YYYYMMdd", "20211225", Some("2021-12-25T00:00:00Z")),
        ("yyyyDDD", "2021359", Some("2021-12-25T00:00:00Z")),
        ("yyyyMMdd", "20210231", None),
        (SECONDS, "2021-06-25T13:55:42Z", Some("2021-06-25T13:55:42Z")),
        (SECONDS, "2021-06-25T13:55:42+05", Some("2021-06-25T08:55:42Z")),
        (SECONDS, "2021-06-25T13:55:42+0530", Some("2021-06-25T08:25:42Z")),
        (SECONDS, "2021-06-25T13:55:42+05:30", Some("2021-06-25T08:25:42Z")),
        (SECONDS, "2021-06-25T13:55:42", None),
        (SECONDS, "2021-06-25T13:55:42+5", None),
        (SECONDS, "2021-06-25T13:55:42+19", None),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2021-06-25T13:55:42+0530", Some("2021-06-25T08:25:42Z")),
        ("yyyy-MM-dd'T'HH:mm:ssZ", "2021-06-25T13:55:42-0800", Some("2021-06-25T21:55:42Z")),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "2021-06-25T13:55:42Z", Some("2021-06-25T13:55:42Z")),
        ("yyyy-MM-dd", "2021-06-25 extra", None),
        ("yyyy-MM-dd", "\u{a0} 2021-06-25\t", Some("2021-06-25T00:00:00Z")),
        ("yyyy-MM-dd", "", None),
        ("dd/MM/yyyy", "1/2/2021", Some("2021-02-01T00:00:00Z")),
        ("dd/MM/yyyy", "1/2/21", None),
        ("dd/MM/yyyy", "001/2/2021", None),
        ("yyyyMMddHHmmssSSS", "20210625135542123", Some("2021-06-25T13:55:42.123Z")),
        ("yyyyMMddHHmmssSSS", "2021062513554212", None),
        ("YYYY-'W'ww-u", "2021-W51-6", Some("2021-12-25T00:00:00Z")),
        ("yyyy年MM月dd日", "2021年12月25日", Some("2021-12-25T00:00:00Z")),
        ("yyyy年MM月dd日", "2021年12日25日", None),
    ]);
}

#[test]
fn the_calendar_is_the_real_one() {
    let day = "yyyy-MM-dd";
    check(&[
        (day, "2024-02-29", Some("2024-02-29T00:00:00Z")),
        (day, "2000-02-29", Some("2000-02-29T00:00:00Z")),
        (day, "1900-02-29", None),
        (day, "2100-02-29", None),
        (day, "2021-02-30", None),
        (day, "2021-04-31", None),
        (day, "2021-13-01", None),
        (day, "2021-00-01", None),
        (day, "2021-01-00", None),
        (day, "0000-01-01", None),
        (day, "0001-01-01", Some("0001-01-01T00:00:00Z")),
        (day, "9999-12-31", Some("9999-12-31T00:00:00Z")),
        (day, "+12345-01-01", None),
        (day, "12345-01-01", None),
        (day, "-2021-01-01", None),
        (day, "2021-06-1\u{9ea}", None),
        ("yyyy-DDD", "2020-366", Some("2020-12-31T00:00:00Z")),
        ("yyyy-DDD", "2021-366", None),
        ("yyyy-DDD", "2021-7", Some("2021-01-07T00:00:00Z")),
        ("YYYY-'W'ww-u", "2020-W53-7", Some("2021-01-03T00:00:00Z")),
        ("YYYY-'W'ww-u", "2021-W53-1", None),
        ("YYYY-'W'ww-u", "2021-W51-8", None),
        ("YYYY-'W'ww-u", "9999-W52-7", None),
        ("YYYYwwe", "2021516", Some("2021-12-25T00:00:00Z")),
        ("YYYY ww EEE", "2021 51 sat", Some("2021-12-25T00:00:00Z")),
        (SECONDS, "2021-06-25T24:00:00Z", None),
        (SECONDS, "2016-12-31T23:59:60Z", None),
        (SECONDS, "2021-06-25T23:60:00Z", None),
        (SECONDS, "0001-01-01T00:00:00+01", None),
        (SECONDS, "0001-01-01T00:00:00-01", Some("0001-01-01T01:00:00Z")),
        (SECONDS, "9999-12-31T23:59:59-01", None),
    ]);
}

#[test]
fn names_halves_eras_and_zones() {
    check(&[
        ("d MMM yyyy", "25 dec 2021", Some("2021-12-25T00:00:00Z")),
        ("d MMM yyyy", "25 DECEMBER 2021", Some("2021-12-25T00:00:00Z")),
        ("d MMMM yyyy", "7 Sept 2021", Some("2021-09-07T00:00:00Z")),
        ("d MMM yyyy", "25 Dez 2021", None),
        ("EEEE, MMMM d, yyyy", "Saturday, December 25, 2021", Some("2021-12-25T00:00:00Z")),
        ("EEE, d MMM yyyy HH:mm:ss Z", "Fri, 25 Jun 2021 13:55:42 +0200", Some("2021-06-25T11:55:42Z")),
        ("EEE yyyy-MM-dd", "Fri 2021-12-25", None),
        ("yyyy-MM-dd u", "2021-12-25 6", Some("2021-12-25T00:00:00Z")),
        ("yyyy-MM-dd u", "2021-12-25 7", None),
        ("yyyy-MM-dd hh:mm a", "2021-06-25 12:04 am", Some("2021-06-25T00:04:00Z")),
        ("yyyy-MM-dd hh:mm a", "2021-06-25 12:04 PM", Some("2021-06-25T12:04:00Z")),
        ("yyyy-MM-dd hh:mm a", "2021-06-25 1:04 Pm", Some("2021-06-25T13:04:00Z")),
        ("yyyy-MM-dd hh:mm a", "2021-06-25 13:04 PM", None),
        ("yyyy-MM-dd KK:mm a", "2021-06-25 00:04 PM", Some("2021-06-25T12:04:00Z")),
        ("yyyy-MM-dd kk:mm", "2021-06-25 24:04", Some("2021-06-25T00:04:00Z")),
        ("yyyy-MM-dd kk:mm", "2021-06-25 00:04", None),
        ("yyyy-MM-dd HH:mm a", "2021-06-25 13:04 PM", Some("2021-06-25T13:04:00Z")),
        ("yyyy-MM-dd HH:mm a", "2021-06-25 01:04 PM", None),
        ("yyyy-MM-dd G", "2021-06-25 AD", Some("2021-06-25T00:00:00Z")),
        ("yyyy-MM-dd G", "2021-06-25 ce", Some("2021-06-25T00:00:00Z")),
        ("yyyy-MM-dd G", "0044-03-15 BC", None),
        ("yyyy-MM-dd HH:mm z", "2021-06-25 13:55 UTC", Some("2021-06-25T13:55:00Z")),
        ("yyyy-MM-dd HH:mm z", "2021-06-25 13:55 Asia/Seoul", Some("2021-06-25T04:55:00Z")),
        ("yyyy-MM-dd HH:mm z", "2021-06-25 13:55 EST", None),
        ("yyyy-MM-dd HH:mm VV", "2021-03-28 02:30 Europe/Berlin", None),
        ("yyyy-MM-dd HH:mm VV", "2021-10-31 02:30 Europe/Berlin", Some("2021-10-31T00:30:00Z")),
        ("yyyy-MM-dd HH:mmXXX'['VV']'", "2021-10-31 02:30+01:00[Europe/Berlin]", Some("2021-10-31T01:30:00Z")),
        ("yyyy-MM-dd HH:mm O", "2021-06-25 13:55 GMT+8", Some("2021-06-25T05:55:00Z")),
    ]);
}

#[test]
fn fractions_and_optional_sections() {
    let weekday = "[EEE, ]d MMM yyyy";
    let optional = "yyyy-MM-dd['T'HH:mm[:ss[.SSS]][XXX][X]]";
    check(&[
        ("yyyy-MM-dd[ HH:mm][ h:mm a]", "2021-06-25 1:55 pm", None),
        ("yyyy-MM-dd[ h:mm a][ HH:mm]", "2021-06-25 1:55 pm", Some("2021-06-25T13:55:00Z")),
        ("yyyy-MM-dd[ h:mm a][ HH:mm]", "2021-06-25 13:55", Some("2021-06-25T13:55:00Z")),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2021-06-25 13:55:42.5", Some("2021-06-25T13:55:42.5Z")),
        ("yyyy-MM-dd HH:mm:ss.S", "2021-06-25 13:55:42.123456789", Some("2021-06-25T13:55:42.123456789Z")),
        ("yyyy-MM-dd HH:mm:ss.S", "2021-06-25 13:55:42.0000000019", Some("2021-06-25T13:55:42.000000001Z")),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2021-06-25 13:55:42", None),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2021-06-25 13:55:42.", None),
        (weekday, "Sat, 25 Dec 2021", Some("2021-12-25T00:00:00Z")),
        (weekday, "25 Dec 2021", Some("2021-12-25T00:00:00Z")),
        (weekday, "Sun, 25 Dec 2021", None),
        (optional, "2021-06-25", Some("2021-06-25T00:00:00Z")),
        (optional, "2021-06-25T13:55", Some("2021-06-25T13:55:00Z")),
        (optional, "2021-06-25T13:55:42.5", Some("2021-06-25T13:55:42.5Z")),
        (optional, "2021-06-25T13:55:42.5+05:30", Some("2021-06-25T08:25:42.5Z")),
        (optional, "2021-06-25T13:55Z", Some("2021-06-25T13:55:00Z")),
        (optional, "2021-06-25T", None),
        (optional, "2021-06-25T13:55Z+01", None),
        ("yyyyMMdd[HHmm]", "20210625", Some("2021-06-25T00:00:00Z")),
        ("yyyyMMdd[HHmm]", "202106251355", Some("2021-06-25T13:55:00Z")),
        ("yyyyMMdd[HHmm]", "2021062513", None),
        ("yyyy-MM-dd[ HH][:mm]", "2021-06-25:30", None),
        ("yyyy-MM-dd[ HH][:mm][ ss]", "2021-06-25 10 30", None),
        ("yyyy-MM-dd['T'HH][:mm][ ss]", "2021-06-25 30", None),
        ("yyyy-MM-dd HH:mm[:ss][.SSS]", "2021-06-25 10:00.5", None),
    ]);
}

#[test]
fn iso_8601_is_the_default() {
    let formats = DateFormats::iso8601();
    for (text, expected) in [
        ("2021-12-25", Some("2021-12-25T00:00:00Z")),
        ("2021-06-25T13:55:42Z", Some("2021-06-25T13:55:42Z")),
        ("2021-06-25t13:55:42z", Some("2021-06-25T13:55:42Z")),
        ("2021-06-25 13:55:42", Some("2021-06-25T13:55:42Z")),
        ("2021-06-25T13:55", Some("2021-06-25T13:55:00Z")),
        ("2021-06-25T13:55+02", Some("2021-06-25T11:55:00Z")),
        ("2021-06-25T13:55:42+0530", Some("2021-06-25T08:25:42Z")),
        ("2021-06-25T13:55:42.283185-08:00", Some("2021-06-25T21:55:42.283185Z")),
        ("2021-06-25T13:55:42,5Z", Some("2021-06-25T13:55:42.5Z")),
        (" 2024-02-29 ", Some("2024-02-29T00:00:00Z")),
        ("2021-02-29", None),
        ("2020-04-31", None),
        ("2020-13-01", None),
        ("2020-01-32", None),
        ("0000-12-31", None),
        ("+12021-12-25", None),
        ("2021-1-5", None),
        ("2021-12-5", None),
        ("20211225", None),
        ("2021-359", None),
        ("2021W516", None),
        ("12/25/2021", None),
        ("2021-06-1\u{9ea}", None),
        ("2021-06-25T1\u{9ea}:00:00Z", None),
        ("2021-12-25Z", None),
        ("2021-06-25T", None),
        ("2021-06-25T13", None),
        ("2021-06-25T24:00:00Z", None),
        ("2021-06-25T13:60:00Z", None),
        ("2016-12-31T23:59:60Z", None),
        ("2021-06-25T13:55:42.Z", None),
        ("2021-06-25T13:55:42+01:00Z", None),
        ("2021-06-25T13:55:42 Z", None),
        ("2021-06-25T13:55:42+24:00", None),
        ("2021-06-25T13:55:42\u{2212}08:00", None),
        ("0001-01-01T00:00:00+00:01", None),
    ] {
        assert_eq!(read(&formats, text).ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn epochs() {
    check(&[
        ("epoch_ms", "1640390400000", Some("2021-12-25T00:00:00Z")),
        ("epoch_ms", "-1", Some("1969-12-31T23:59:59.999Z")),
        ("epoch_ms", "253402300800000", None),
        ("epoch_ms", "1.6E12", None),
        ("epoch_ms", "+5", None),
        ("epoch_ms", "-", None),
        ("epoch_ms", "99999999999999999999", None),
        ("epoch_s", "1624629342", Some("2021-06-25T13:55:42Z")),
        ("epoch_s", "253402300799", Some("9999-12-31T23:59:59Z")),
        ("epoch_s", "9223372036854775807", None),
        ("ISO8601", "2021-12-25", Some("2021-12-25T00:00:00Z")),
    ]);
}

#[test]
fn sentences_say_what_would_be_right() {
    for (pattern, text, reason) in [
        ("yyyy-MM-dd", "2021-02-31", "February 2021 has 28 days"),
        ("yyyy-MM-dd", "2021-31-12", "month 31 is not between 1 and 12"),
        ("yyyy-MM-dd", "2021/12/25", "'-' expected, '/12/25' found"),
        ("yyyy-MM-dd", "25.12.2021", "a year with four digits expected, '25.12.2021' found"),
        ("yyyy-MM-dd", "2021-12-25 10:00", "' 10:00' is left over"),
        ("yyyy-MM-dd", "2021-12", "'-' expected, the text ends"),
        ("yyyy-MM-dd", "2021-12-", "day expected, the text ends"),
        ("yyyy-MM-dd", "0000-01-01", "years go from 0001 to 9999, in UTC"),
        ("yyyy-MM-dd", "2021-12-\u{9e7}", "day expected, '\u{9e7}' found; only the digits 0-9 are read"),
        ("yyyy-MM-dd", "", "it is empty"),
        ("yyyyMMdd", "2021125", "day with 2 digits expected, '5' found"),
        ("yyyy-DDD", "2021-366", "2021 has 365 days"),
        ("YYYY-'W'ww-u", "2021-W53-1", "2021 has 52 weeks"),
        ("EEE yyyy-MM-dd", "Fri 2021-12-25", "2021-12-25 is a Saturday"),
        ("d MMM yyyy", "25 Dez 2021", "English month name expected, 'Dez 2021' found"),
        ("yyyy-MM-dd[ HH:mm]", "2021-12-25 25:00", "hour 25 is not between 0 and 23"),
        ("yyyy-MM-dd HH:mm", "2021-12-25 24:00", "a day ends at 23:59:59; 24:00 is 00:00 of the next day"),
        (SECONDS, "2016-12-31T23:59:60Z", "leap seconds cannot be stored; the last second of a minute is 59"),
        (SECONDS, "2021-06-25T13:55:42", "Z or an offset like +05:30 expected, the text ends"),
        (SECONDS, "2021-06-25T13:55:42+19", "offsets go from -18:00 to +18:00, with minutes below 60"),
        ("yyyy-MM-dd z", "2021-12-25 Mars/Olympus", "there is no such time zone"),
        (
            "yyyy-MM-dd z",
            "2021-12-25 EST",
            "short zone names mean several zones; a zone is UTC, GMT, Z or a name like Asia/Seoul",
        ),
        ("yyyy-MM-dd[ HH][:mm]", "2021-06-25:30", "it has no hour"),
        ("yyyy-MM-dd HH:mm[XXX][X]", "2021-06-25 13:55Z+01", "it says the offset twice, and differently"),
        ("yyyy-MM-dd hh:mm[ a]", "2021-06-25 01:55", "AM or PM is missing"),
        ("yyyy-MM-dd HH:mm a", "2021-06-25 01:55 PM", "the hour and AM or PM contradict each other"),
    ] {
        assert_eq!(read(&formats(pattern), text), Err(format!("'{text}' is not a date in {pattern} ({reason})")));
    }
    for (name, text, sentence) in [
        (
            "iso8601",
            "2021-02-31",
            "'2021-02-31' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z \
             (February 2021 has 28 days)",
        ),
        (
            "epoch_s",
            "today",
            "'today' is not a date in epoch_s, seconds since 1970-01-01 UTC (a whole number expected, 'today' found)",
        ),
    ] {
        assert_eq!(read(&formats(name), text), Err(sentence.to_owned()));
    }
    let long = format!("a\n{}", "b".repeat(100));
    let sentence = read(&formats("yyyyMMdd"), &long).expect_err("no date");
    assert!(sentence.starts_with("'a\\nbbb") && sentence.contains("bbb...' is not a date"), "{sentence}");
}

#[test]
fn of_several_formats_the_closest_says_why() {
    let formats = DateFormats::compile(&["yyyyMMdd", SECONDS, "dd/MM/yyyy"]).expect("no contradiction");
    assert_eq!(formats.patterns(), "yyyyMMdd or yyyy-MM-dd'T'HH:mm:ssX or dd/MM/yyyy");
    for (text, expected) in [
        ("20211225", Ok("2021-12-25T00:00:00Z")),
        ("2021-06-25T13:55:42Z", Ok("2021-06-25T13:55:42Z")),
        ("25/12/2021", Ok("2021-12-25T00:00:00Z")),
        ("31/04/2021", Err("(April 2021 has 30 days)")),
        ("2021-06-25 13:55:42", Err("('T' expected, ' 13:55:42' found)")),
    ] {
        let found = read(&formats, text);
        match expected {
            Ok(expected) => assert_eq!(found.as_deref(), Ok(expected)),
            Err(reason) => assert!(found.as_ref().is_err_and(|sentence| sentence.ends_with(reason)), "{found:?}"),
        }
    }
}

#[test]
fn patterns_that_mean_something_else_are_refused() {
    for (pattern, reason) in [
        ("yyyy-mm-dd", "month is MM, mm is minutes"),
        ("yyyy-mm-DD", "month is MM, mm is minutes"),
        ("dd/mm/yyyy HH:mm", "month is MM, mm is minutes; the minute stands there twice: month is MM, mm is minutes"),
        ("yyyy-MM-dd HH:MM", "the month stands there twice: month is MM, mm is minutes"),
        ("yyyy-MM-dd hh:mm", "24-hour clock is HH; hh needs AM or PM, a"),
        ("yyyy-MM-dd KK:mm", "24-hour clock is HH; hh needs AM or PM, a"),
        ("yy-MM-dd", "a year has four digits, yyyy: yy does not say which century"),
        ("YYMMDD", "a year has four digits, yyyy: yy does not say which century"),
        ("uu-MM-dd", "a year has four digits, yyyy: yy does not say which century"),
        ("yyyyy-MM-dd", "yyyyy is not a year: year is yyyy"),
        ("yyyy-MM", "the day is missing, dd"),
        ("MM-dd", "the year is missing, yyyy"),
        ("HH:mm", "the year is missing, yyyy; month is MM, mm is minutes"),
        ("yyyy", "the month is missing, MM; the day is missing, dd"),
        ("YYYY-'W'ww", "a week is no date; with its weekday it is YYYY-'W'ww-u"),
        ("yyyy-'W'ww-e", "a date is either year, month and day, or an ISO week YYYY-'W'ww-u"),
        ("yyyy-MM-dd F", "F counts within a month; ISO weeks are YYYY-'W'ww-u"),
        ("yyyy-MM-ddTHH:mm", "a literal T is quoted, 'T'"),
        ("yyyy-MM-dd HH:mm:SS", "seconds are ss, SSS is their fraction"),
        ("yyyy-MM-dd ss", "seconds need minutes, mm"),
        ("yyyy-MM-dd a", "AM or PM needs an hour, hh"),
        ("yyyy-MM-dd DDD", "D is the day of the year, d is the day of the month"),
        (
            "yyyyMd",
            "beside other digits the month is written with all its digits, MM; \
             beside other digits the day is written with all its digits, dd",
        ),
        ("yyyy-MM-dd HH:mm:ss[SSS]X[a]bc", "b means nothing in a date pattern; literal text is quoted, 'b'"),
        (
            "yyyy[-MM-dd]",
            "the month must not be optional; several formats make a list; \
             the day must not be optional; several formats make a list",
        ),
        ("yyyy-MM-dd HH:mm:ss.SSSSSSSSSS", "a fraction has at most nine digits, SSSSSSSSS"),
        ("yyyy-MM-dd p", "p means nothing in a date pattern; literal text is quoted, 'p'"),
        ("yyyy-MM-dd 'at", "a quote is never closed"),
    ] {
        assert_eq!(refusal(pattern), format!("'{pattern}' is not a date format: {reason}"));
    }
    assert!(refusal(&"[".repeat(100_000)).ends_with("is not a date format: it is longer than 200 characters"));
    assert_eq!(refusal(" "), "a date format is empty; the usual one is yyyy-MM-dd");
}

#[test]
fn formats_that_contradict_each_other_are_refused() {
    for (earlier, later) in [
        ("dd/MM/yyyy", "MM/dd/yyyy"),
        ("ddMMyyyy", "yyyyMMdd"),
        ("MMddyyyy", "yyyyMMdd"),
        ("yyyyMMdd", "epoch_s"),
        ("epoch_ms", "epoch_s"),
        ("yyyyMMddHHmmss", "epoch_ms"),
        ("yyyy-MM-dd HH:mm", "yyyy-dd-MM HH:mm"),
        ("yyyy-MM-dd HH:mm", "yyyy-MM-dd mm:HH"),
        ("iso8601", "yyyy-dd-MM"),
        ("d/M/yyyy[ HH:mm]", "MM/dd/yyyy HH:mm[:ss]"),
    ] {
        assert!(DateFormats::compile(&[earlier, later]).is_err(), "{earlier} and {later}");
        assert!(DateFormats::compile(&[later, earlier]).is_err(), "{later} and {earlier}");
    }
    assert_eq!(
        DateFormats::compile(&["dd/MM/yyyy", "MM/dd/yyyy"]).expect_err("they contradict").to_string(),
        "the date formats 'dd/MM/yyyy' and 'MM/dd/yyyy' contradict each other: '02/01/2024' is 2024-01-02T00:00:00Z in \
         one and 2024-02-01T00:00:00Z in the other"
    );
    for patterns in [
        &["yyyyMMdd", SECONDS][..],
        &["yyyy-MM-dd", "iso8601"],
        &["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd'T'HH:mm:ss.SSSX", "dd.MM.yyyy"],
        &["yyyyMMdd", "YYYYMMDD"],
        &["d/M/yyyy", "MM/dd/yyyy HH:mm[:ss]"],
    ] {
        assert!(DateFormats::compile(patterns).is_ok(), "{patterns:?}");
    }
    assert!(DateFormats::compile(&["yyyy-MM-dd"; 11]).is_err(), "a list that nobody needs");
    let none: [&str; 0] = [];
    assert!(DateFormats::compile(&none).is_err());
}

#[test]
fn a_default_time_zone_is_for_texts_without_one() {
    let berlin = |pattern: &str| formats(pattern).with_time_zone("Europe/Berlin").expect("a zone");
    for (pattern, text, expected) in [
        ("yyyy-MM-dd HH:mm", "2021-12-25 10:00", Some("2021-12-25T09:00:00Z")),
        ("yyyy-MM-dd HH:mm", "2021-06-25 10:00", Some("2021-06-25T08:00:00Z")),
        ("yyyy-MM-dd HH:mm", "2021-03-28 02:30", None),
        ("yyyy-MM-dd HH:mm", "2021-10-31 02:30", Some("2021-10-31T00:30:00Z")),
        ("yyyy-MM-dd", "2021-12-25", Some("2021-12-24T23:00:00Z")),
        (SECONDS, "2021-06-25T13:55:42Z", Some("2021-06-25T13:55:42Z")),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2021-06-25T13:55:42.000Z", Some("2021-06-25T13:55:42Z")),
        ("iso8601", "2021-06-25 13:55:42", Some("2021-06-25T11:55:42Z")),
        ("iso8601", "2021-06-25T13:55:42Z", Some("2021-06-25T13:55:42Z")),
        ("epoch_s", "1624629342", Some("2021-06-25T13:55:42Z")),
        ("yyyy-MM-dd", "0001-01-01", None),
    ] {
        assert_eq!(read(&berlin(pattern), text).ok().as_deref(), expected, "{text} in {pattern}");
    }
    assert_eq!(
        read(&berlin("yyyy-MM-dd HH:mm"), "2021-03-28 02:30").expect_err("a gap"),
        "'2021-03-28 02:30' is not a date in yyyy-MM-dd HH:mm \
         (clocks were put forward then, this local time does not exist)"
    );
    // In São Paulo clocks were put forward at midnight, and Samoa skipped a day.
    let local = |zone| formats("yyyy-MM-dd").with_time_zone(zone).expect("a zone");
    assert_eq!(read(&local("America/Sao_Paulo"), "2018-11-04").as_deref(), Ok("2018-11-04T03:00:00Z"));
    assert!(read(&local("Pacific/Apia"), "2011-12-30").is_err());
    assert!(formats("yyyy-MM-dd").with_time_zone("Mars/Olympus").is_err());
    assert!(formats("yyyy-MM-dd").with_time_zone("").is_err());
}

#[test]
fn a_date_property_holds_the_date_as_written() {
    let date = |formats: DateFormats, text: &str| {
        let mut out = String::new();
        formats.parse(text).expect(text).write_date(&mut out).map(|()| out).map_err(|error| error.to_string())
    };
    let seoul = formats("yyyyMMdd").with_time_zone("Asia/Seoul").expect("a zone");
    assert_eq!(date(seoul, "20211225").as_deref(), Ok("2021-12-25"));
    assert_eq!(date(formats("yyyy-MM-ddXXX"), "2021-12-25+09:00").as_deref(), Ok("2021-12-25"));
    assert_eq!(date(formats(SECONDS), "2021-12-25T00:00:00Z").as_deref(), Ok("2021-12-25"));
    assert!(date(formats(SECONDS), "2021-12-25T00:00:00+09").is_err());
    assert!(date(formats(SECONDS), "2021-12-25T13:55:42Z").is_err());
}

#[test]
fn examples_are_worked() {
    for (pattern, expected) in [
        (
            "YYYYMMDD",
            [
                ("20211225", "2021-12-25T00:00:00Z"),
                ("20210625", "2021-06-25T00:00:00Z"),
                ("20240229", "2024-02-29T00:00:00Z"),
            ],
        ),
        (
            SECONDS,
            [
                ("2021-12-25T00:00:00Z", "2021-12-25T00:00:00Z"),
                ("2021-06-25T13:55:42Z", "2021-06-25T13:55:42Z"),
                ("2024-02-29T08:25:09+0530", "2024-02-29T02:55:09Z"),
            ],
        ),
        (
            "d MMM yyyy[ h:mm a]",
            [
                ("25 Dec 2021 12:00 AM", "2021-12-25T00:00:00Z"),
                ("25 Jun 2021", "2021-06-25T00:00:00Z"),
                ("29 Feb 2024 8:25 AM", "2024-02-29T08:25:00Z"),
            ],
        ),
        (
            "iso8601",
            [
                ("2021-12-25T00:00:00Z", "2021-12-25T00:00:00Z"),
                ("2021-06-25 13:55:42", "2021-06-25T13:55:42Z"),
                ("2024-02-29T08:25:09+05:30", "2024-02-29T02:55:09Z"),
            ],
        ),
        (
            "epoch_ms",
            [
                ("1640390400000", "2021-12-25T00:00:00Z"),
                ("1624629342000", "2021-06-25T13:55:42Z"),
                ("1709175309500", "2024-02-29T02:55:09.5Z"),
            ],
        ),
    ] {
        let format = DateFormat::compile(pattern).expect(pattern);
        let examples = format.examples();
        let found: Vec<(&str, &str)> = examples.iter().map(|(text, instant)| (&**text, &**instant)).collect();
        assert_eq!(found, expected, "{pattern}");
        assert_eq!(format.pattern(), pattern);
    }
    assert_eq!(DateFormat::compile("YYYYMMDD").expect("the article's").normalised(), "yyyyMMdd");
}

/// Patterns with everything down to the nanosecond and the offset, so that what is read must be what was written.
const COMPLETE: [&str; 8] = [
    "yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSX",
    "yyyyMMddHHmmssSSSSSSSSSXXX",
    "EEEE, d MMMM uuuu G h:m:s.SSSSSSSSS a Z",
    "yyyyDDD kk.mm.ss,SSSSSSSSS O",
    "YYYY-'W'ww-e K:mm:ss.SSSSSSSSS a z",
    "dd.MM.yyyy[ HH:mm[:ss[.SSSSSSSSS]]][XXX][X]",
    "SSSSSSSSS ss mm HH dd MM yyyy X",
    "YYYYwwuHHmmss.SSSSSSSSSxx",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read(
        day in super::calendar::FIRST_DAY + 8..=super::calendar::LAST_DAY - 8,
        second in 0..86_400,
        nanosecond in 0..1_000_000_000_u32,
        quarters in -68..=68,
    ) {
        let local = super::Local { day, second, nanosecond, offset: quarters * 900 };
        let expected = super::Instant::new(
            i64::from(day) * super::SECONDS_PER_DAY + i64::from(second - local.offset),
            nanosecond,
            None,
        );
        for pattern in COMPLETE {
            let format = DateFormat::compile(pattern).expect(pattern);
            let text = format.write(&local, super::Manner::Full);
            let found = DateFormats { formats: vec![format], zone: None }.parse(&text);
            prop_assert_eq!(found.ok(), expected.ok(), "{} in {}", text, pattern);
        }
        let iso = DateFormats::iso8601();
        let stored = expected.expect("in range").to_string();
        prop_assert_eq!(iso.parse(&stored).ok(), expected.ok());
    }

    #[test]
    fn no_text_and_no_pattern_is_too_much(
        pattern in "[yYMdDHhamsSXzVE' /:\\[\\].u0-9\u{e9}]{0,24}",
        text in "\\PC{0,40}",
    ) {
        let names = DateFormat::compile("EEE d MMM yyyy['T'HH:mm z]");
        for format in DateFormat::compile(&pattern).into_iter().chain(names) {
            let _ = DateFormats { formats: vec![format], zone: None }.parse(&text);
        }
        let _ = DateFormats::iso8601().parse(&text);
    }
}
