//! Settings that make no sense, and who is held up by them.

use std::fs;
use std::os::unix::fs::symlink;

use super::{SETTINGS, wrong};
use crate::harness::Folder;

/// Everything that is said about these drop folders, a line each.
fn refusals(folders: &[(&str, &str)]) -> String {
    let settings: Vec<String> = folders.iter().map(|(name, settings)| wrong(name, settings)).collect();
    Folder::new().file(SETTINGS, settings.join("\n")).run("drop-folder list").failed()
}

#[test]
fn names_types_and_places_that_make_no_sense() {
    insta::assert_snapshot!(refusals(&[
        ("a b", ""),
        (".hidden", ""),
        ("", ""),
        ("no-type", "# no object_type"),
        ("type", "object_type = 'px_user'"),
        ("no-bucket", "# no bucket"),
        ("host", "bucket = 'file://server/drop'"),
        ("up", "bucket = 'file:../drop'"),
        ("data", "bucket = 'file:.'"),
        ("root", "bucket = 'file:///'"),
        ("scheme", "bucket = 'gs://bucket/x'"),
        ("url", "bucket = 'https://bucket.s3.amazonaws.com/x'"),
        ("short", "bucket = 'ab'"),
        ("address", "bucket = '192.168.0.1/x'"),
        ("dots", "bucket = 'a..b'"),
        ("slashes", "bucket = 'ABC123/export//x'"),
        ("dot", "bucket = 'ABC123/./x'"),
        ("base", "base_folder = '../x'"),
        ("base-control", r#"base_folder = "a\tb""#),
        ("base-current", "base_folder = 'users/current'"),
        ("base-runs", "base_folder = '_runs'"),
    ]), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'a b': name = 'a b' is not one: a name has up to 100 letters, digits, '-', '_' and '.', a letter or digit first
      drop folder '.hidden': name = '.hidden' is not one: a name has up to 100 letters, digits, '-', '_' and '.', a letter or digit first
      drop folder '': name = '' is not one: a name has up to 100 letters, digits, '-', '_' and '.', a letter or digit first
      drop folder 'no-type': object_type is missing: write for example 'managed/px_user'
      drop folder 'type': object_type: 'px_user' is no name of an object type: object types are named managed/NAME
      drop folder 'no-bucket': bucket is missing: write for example 'ABC123/export'
      drop folder 'host': bucket = 'file://server/drop' names a host: write 'file:///DIRECTORY'
      drop folder 'up': bucket = 'file:../drop' has '..' in it: write the path without
      drop folder 'data': bucket = 'file:.' names no directory: write for example 'file:drop'
      drop folder 'root': bucket = 'file:///' names no directory: write for example 'file:drop'
      drop folder 'scheme': bucket = 'gs://bucket/x' is not a bucket: write 'BUCKET/FOLDER', 's3://BUCKET/FOLDER', 'file:DIRECTORY' for one in the data directory, or 'file:///DIRECTORY'
      drop folder 'url': bucket = 'https://bucket.s3.amazonaws.com/x' is not a bucket: write 'BUCKET/FOLDER', 's3://BUCKET/FOLDER', 'file:DIRECTORY' for one in the data directory, or 'file:///DIRECTORY'
      drop folder 'short': bucket = 'ab' has no name of a bucket, which is 3 to 63 letters, digits, '-', '.' and '_'
      drop folder 'address': bucket = '192.168.0.1/x' has no name of a bucket, which is 3 to 63 letters, digits, '-', '.' and '_'
      drop folder 'dots': bucket = 'a..b' has no name of a bucket, which is 3 to 63 letters, digits, '-', '.' and '_'
      drop folder 'slashes': bucket = 'ABC123/export//x' has two slashes in a row
      drop folder 'dot': bucket = 'ABC123/./x' has '.' in it: write the path without
      drop folder 'base': base_folder = '../x' has '..' in it: write the path without
      drop folder 'base-control': base_folder = 'a�b' has control characters
      drop folder 'base-current': base_folder = 'users/current' has 'current' in it: name the folder that 'current' and 'processed' lie in
      drop folder 'base-runs': base_folder = '_runs' has '_runs' in it: name the folder that 'current' and 'processed' lie in
    ");
}

#[test]
fn credentials_that_make_no_sense() {
    insta::assert_snapshot!(refusals(&[
        ("none", "bucket = 'ABC123'"),
        ("both", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = 'b' }\nrole = { arn = 'arn:aws:iam::123456789012:role/x' }"),
        ("directory", "access_key = { id = 'A', secret = 'b' }"),
        ("directory-role", "role = { arn = 'arn:aws:iam::123456789012:role/x' }"),
        ("directory-s3", "s3 = { region = 'eu-central-1' }"),
        ("no-id", "bucket = 'ABC123'\naccess_key = { secret = 'b' }"),
        ("empty-id", "bucket = 'ABC123'\naccess_key = { id = '', secret = 'b' }"),
        ("odd-id", "bucket = 'ABC123'\naccess_key = { id = 'se/same', secret = 'b' }"),
        ("no-secret", "bucket = 'ABC123'\naccess_key = { id = 'A' }"),
        ("empty-secret", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = '' }"),
        ("blank-secret", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = ' sesame' }"),
        ("empty-token", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = 'b', session_token = '' }"),
        ("arn", "bucket = 'ABC123'\nrole = { arn = 'arn:aws:iam::123:role/x' }"),
        ("user-arn", "bucket = 'ABC123'\nrole = { arn = 'arn:aws:iam::123456789012:user/x' }"),
        ("partition", "bucket = 'ABC123'\nrole = { arn = 'arn:aws-xx:iam::123456789012:role/x' }"),
        ("region", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = 'b' }\ns3 = { region = 'eu central' }"),
        ("endpoint", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = 'b' }\ns3 = { endpoint = '127.0.0.1:9000' }"),
        ("endpoint-path", "bucket = 'ABC123'\naccess_key = { id = 'A', secret = 'b' }\ns3 = { endpoint = 'http://127.0.0.1:9000/minio' }"),
        ("sts", "bucket = 'ABC123'\nrole = { arn = 'arn:aws:iam::123456789012:role/x' }\ns3 = { sts_endpoint = 'ftp://x' }"),
    ]), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'none': access_key or role is missing: one of them lets us in
      drop folder 'both': access_key and role are both given: one of them lets us in
      drop folder 'directory': access_key is for buckets in S3, and this one is a directory
      drop folder 'directory-role': role is for buckets in S3, and this one is a directory
      drop folder 'directory-s3': s3 is for buckets in S3, and this one is a directory
      drop folder 'no-id': access_key.id is missing: without keys of its own a drop folder is not let in
      drop folder 'empty-id': access_key.id is missing: without keys of its own a drop folder is not let in
      drop folder 'odd-id': access_key.id is not an id: it has neither blanks nor slashes
      drop folder 'no-secret': access_key.secret is missing
      drop folder 'empty-secret': access_key.secret is empty
      drop folder 'blank-secret': access_key.secret has outer blanks, control characters or letters beyond ASCII
      drop folder 'empty-token': access_key.session_token is empty
      drop folder 'arn': role.arn = 'arn:aws:iam::123:role/x' is not the ARN of a role: write 'arn:aws:iam::123456789012:role/NAME'
      drop folder 'user-arn': role.arn = 'arn:aws:iam::123456789012:user/x' is not the ARN of a role: write 'arn:aws:iam::123456789012:role/NAME'
      drop folder 'partition': role.arn = 'arn:aws-xx:iam::123456789012:role/x' is not the ARN of a role: write 'arn:aws:iam::123456789012:role/NAME'
      drop folder 'region': s3.region = 'eu central' is not a region: write for example 'eu-central-1'
      drop folder 'endpoint': s3.endpoint: '127.0.0.1:9000' is not an address that can be called: write 'https://HOST/PATH'
      drop folder 'endpoint-path': s3.endpoint = 'http://127.0.0.1:9000/minio' has more than a host and a port: write 'https://HOST:PORT'
      drop folder 'sts': s3.sts_endpoint: 'ftp://x' is not an address that can be called: write 'https://HOST/PATH'
    ");
}

#[test]
fn the_rest_that_makes_no_sense() {
    insta::assert_snapshot!(refusals(&[
        ("minutes", "date_format = 'yyyy-mm-dd'"),
        ("ambiguous", "date_format = ['dd/MM/yyyy', 'MM/dd/yyyy']"),
        ("no-format", "date_format = []"),
        ("zone", "time_zone = 'Mars'"),
        ("when", "poll_interval = '15m'\ncron = '*/15 * * * *'"),
        ("at-once", "poll_interval = '0s'"),
        ("cron", "cron = 'every day'"),
        ("never", "cron = '0 0 30 2 *'"),
        ("lengths", "settle_time = '2'\ngive_up_after = 'soon'\nstale_after = ''\nkeep_processed = '0s'"),
        ("records", "max_records = 0"),
        ("size", "max_file_size = '0'"),
        ("words", "blank_cells = 'drop'\ncolumns = 'strict'\ndisabled_columns = 'x'\nread_only_columns = ''\non_identical = 'no'"),
        ("token", "null_token = ''"),
        ("encoding", "encoding = 'latin'"),
        ("destination", "destination = { product = '', channel = 'a/b', environment = 'x' }"),
        ("large", "bucket = 'ABC123'\nmax_file_size = '6GB'\naccess_key = { id = 'A', secret = 'b' }"),
        ("no-url", "callback = { api_key = 'sesame' }"),
        ("no-key", "callback = { url = 'https://www.example.com/' }"),
        ("http", "callback = { url = 'http://www.example.com/', api_key = 'sesame' }"),
        ("private", "callback = { url = 'https://192.168.0.1/', api_key = 'sesame' }"),
        ("user", "callback = { url = 'https://zoe:sesame@www.example.com/', api_key = 'sesame' }"),
    ]), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'minutes': date_format: 'yyyy-mm-dd' is not a date format: month is MM, mm is minutes
      drop folder 'ambiguous': date_format: the date formats 'dd/MM/yyyy' and 'MM/dd/yyyy' contradict each other: '02/01/2024' is 2026-02-28T17:05:00Z in one and 2026-02-28T17:05:00Z in the other
      drop folder 'no-format': date_format: no date format is given; the usual one is yyyy-MM-dd
      drop folder 'zone': time_zone: 'Mars' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul
      drop folder 'when': poll_interval and cron are both given: one of them says when to look
      drop folder 'at-once': poll_interval = '0s' leaves no time between two looks: write for example '15m'
      drop folder 'cron': cron: 'every day' is not a cron expression: write minute, hour, day of month, month and day of week, as in '*/15 * * * *' or '30 2 * * MON-FRI'
      drop folder 'never': cron: '0 0 30 2 *' never comes
      drop folder 'lengths': settle_time = '2' is not a length of time: write for example '500ms' or '2s'
      drop folder 'lengths': give_up_after = 'soon' is not a length of time: write for example '500ms' or '2s'
      drop folder 'lengths': stale_after = '' is not a length of time: write for example '500ms' or '2s'
      drop folder 'lengths': keep_processed = '0s' would remove what was just filed: write for example '90d', or 'never'
      drop folder 'records': max_records = 0 refuses every file: write for example 350000
      drop folder 'size': max_file_size = '0' refuses every file: write for example '2GB'
      drop folder 'words': blank_cells = 'drop' is neither 'keep' nor 'clear'
      drop folder 'words': columns = 'strict' is neither 'exact' nor 'lenient'
      drop folder 'words': disabled_columns = 'x' is neither 'refuse' nor 'ignore'
      drop folder 'words': read_only_columns = '' is neither 'refuse' nor 'ignore'
      drop folder 'words': on_identical = 'no' is neither 'process' nor 'skip'
      drop folder 'token': null_token is empty: that empty cells clear says blank_cells = 'clear'
      drop folder 'encoding': encoding = 'latin' is not an encoding: write for example 'windows-1252', 'iso-8859-15' or 'shift_jis'
      drop folder 'destination': destination.product is empty
      drop folder 'destination': destination.channel = 'a/b' has a slash or control characters: objects are given 'product/channel/environment'
      drop folder 'large': max_file_size is at most '5GB': S3 copies no more in one step
      drop folder 'no-url': callback.url is missing
      drop folder 'no-key': callback.api_key is missing
      drop folder 'http': callback.url: 'http://www.example.com/' is not encrypted: write 'https://HOST/PATH', or allow private addresses (callback.allow_private = true allows it)
      drop folder 'private': callback.url: 'https://192.168.0.1/' leads to 192.168.0.1, a private address: name a public host (callback.allow_private = true allows it)
      drop folder 'user': callback.url: an address must not have a user name or a password: write 'https://HOST/PATH'
    ");
}

/// Settings that are not of the kind that they should be: the first one is told, with its line.
#[test]
fn what_is_not_a_setting() {
    let said = |settings: &str| {
        let refused = Folder::new().file(SETTINGS, wrong("a", settings)).run("drop-folder list").failed();
        assert!(!refused.contains("sesame"), "{refused}");
        let sentence = refused.split_once("rollbook.toml: ").unwrap().1;
        sentence.split(", 'object_type', ").next().unwrap().trim().to_owned()
    };
    let all = [
        "bukcet = 'ABC123'",
        "paused = 'yes'",
        "max_records = -1",
        "date_format = 5",
        "access_key = 'sesame'",
        "access_key = { id = 'A', secret = ['sesame'] }",
        "access_key = { id = 'A', secret = { evn = 'sesame' } }",
        "access_key = { id = 'A', secret = { env = 'A', file = 'sesame' } }",
        "access_key = { id = 'A', secert = 'sesame' }",
        "callback = 'https://www.example.com/?sesame'",
        "callback = { url = 'https://www.example.com/', api_key = 5 }",
        "destination = { product = 'a', channel = 'b' }",
    ];
    insta::assert_snapshot!(all.map(said).join("\n"), @"
    line 6: unknown field 'bukcet', expected one of 'name'
    line 6: invalid type: string 'yes', expected a boolean
    line 6: invalid value: integer '-1', expected u64
    line 6: invalid type: integer '5', expected a text or a list of texts
    line 6: this is to be a table: { ... }
    line 6: this is not a secret: it is a text, { env = 'NAME' } or { file = 'PATH' }
    line 6: this is not a secret: it is a text, { env = 'NAME' } or { file = 'PATH' }
    line 6: this is not a secret: it is a text, { env = 'NAME' } or { file = 'PATH' }
    line 6: unknown field 'secert', expected one of 'id', 'secret', 'session_token'
    line 6: this is to be a table: { ... }
    line 6: this is not a secret: it is a text, { env = 'NAME' } or { file = 'PATH' }
    line 6: missing field 'environment'
    ");
}

/// Two drop folders that would take the same files.
#[test]
fn no_two_work_in_one_place() {
    let folder = Folder::new().file("outside/x", "");
    fs::create_dir_all(folder.path("rollbook-data/drop/real")).unwrap();
    symlink("real", folder.path("rollbook-data/drop/link")).unwrap();
    let absolute = format!("file://{}", fs::canonicalize(folder.path("rollbook-data/drop")).unwrap().display());
    let key = "access_key = { id = 'A', secret = 'b' }";
    let s3 = |bucket: &str, base: &str, s3: &str| format!("bucket = '{bucket}'\nbase_folder = '{base}'\n{key}\n{s3}");
    let directory = |bucket: &str, base: &str| format!("bucket = '{bucket}'\nbase_folder = '{base}'");
    for (one, other, clash) in [
        (directory("file:drop", "a"), directory("file:drop", "b"), false),
        (directory("file:drop", "a"), directory("file:drop", "a/"), true),
        (directory("file:drop", "a"), directory("FILE:./drop//", "/a"), true),
        (directory("file:drop/a", ""), directory("file:drop", "a"), true),
        (directory("file:drop", "a"), directory(&absolute, "a"), true),
        (directory("file:drop", "real/a"), directory("file:drop/link", "a"), true),
        (directory("file:drop", "real"), directory("file:drop", "link"), true),
        (directory("file:drop", ""), directory("file:drop", "a"), false),
        (directory("file:drop", ""), directory("file:drop/current", "x"), true),
        (directory("file:drop/a/processed/20210228", ""), directory("file:drop", "a"), true),
        (directory("file:drop", "a"), directory("file:drop", "a-b"), false),
        (s3("ABC123/export", "users", ""), s3("ABC123", "export/users", ""), true),
        (s3("ABC123/export", "users", ""), s3("S3://ABC123/export/", "/users/", ""), true),
        (s3("ABC123", "users", ""), s3("abc123", "users", ""), false),
        (s3("ABC123", "users", ""), s3("ABC123", "Users", ""), false),
        (s3("ABC123", "", ""), s3("ABC123", "users", ""), false),
        (s3("ABC123", "", ""), s3("ABC123/current", "users", ""), true),
        (s3("ABC123", "", ""), s3("ABC123/currently", "users", ""), false),
        (s3("ABC123", "users", ""), s3("ABC123", "users", "s3 = { region = 'eu-central-1' }"), true),
        (
            s3("ABC123", "users", ""),
            s3("ABC123", "users", "s3 = { endpoint = 'https://s3.eu-central-1.amazonaws.com' }"),
            true,
        ),
        (s3("ABC123", "users", ""), s3("ABC123", "users", "s3 = { endpoint = 'http://localhost:9000' }"), false),
        (
            s3("ABC123", "users", "s3 = { endpoint = 'http://LOCALHOST:9000/' }"),
            s3("ABC123", "users", "s3 = { endpoint = 'http://127.0.0.1:9000' }"),
            true,
        ),
        (
            s3("ABC123", "users", "s3 = { endpoint = 'http://127.0.0.1:9001' }"),
            s3("ABC123", "users", "s3 = { endpoint = 'http://127.0.0.1:9000' }"),
            false,
        ),
    ] {
        fs::write(folder.path(SETTINGS), wrong("one", &one) + &wrong("other", &other)).unwrap();
        let said = format!("{:?}", folder.run("drop-folder list"));
        let sentence = "drop folder 'other' would take the files of drop folder 'one': give each a folder of its own";
        assert_eq!(said.contains(sentence), clash, "{one}\n{other}\n{said}");
    }
    fs::write(folder.path(SETTINGS), wrong("one", "") + &wrong("one", "base_folder = 'x'")).unwrap();
    insta::assert_snapshot!(folder.run("drop-folder list").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'one': there is another one of this name
    ");
}

/// What is wrong with drop folders holds up those who need them, and nobody else.
#[test]
fn mistakes_hold_up_who_needs_drop_folders() {
    let folder = Folder::new().file(SETTINGS, wrong("a", "object_type = 'managed/nobody'") + &wrong("b", "cron = 'x'"));
    let _ = folder.run("types list").success();
    for command in ["drop-folder list", "drop-folder show a", "drop-folder poll --all", "serve --listen 127.0.0.1:0"] {
        let said = folder.run(command).failed();
        assert!(said.contains("drop folder 'b': cron: 'x' is not a cron expression"), "{command}: {said}");
    }
    // Together with what only the installation knows, and with what is wrong elsewhere.
    assert!(
        folder
            .run("serve --listen 127.0.0.1:0")
            .failed()
            .contains("'a': object_type: there is no object type 'managed/nobody'")
    );
    fs::write(folder.path(SETTINGS), "[import]\nmemory = 'lots'\n".to_owned() + &wrong("b", "cron = 'x'")).unwrap();
    insta::assert_snapshot!(folder.run("serve --listen 127.0.0.1:0").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: import.memory = 'lots' is not a size: write for example '256MB'; drop folder 'b': cron: 'x' is not a cron expression: write minute, hour, day of month, month and day of week, as in '*/15 * * * *' or '30 2 * * MON-FRI'
    ");
    // What only the installation knows.
    let types = wrong("a", "object_type = 'managed/nobody'") + &wrong("b", "object_type = 'managed/user'");
    fs::write(folder.path(SETTINGS), types).unwrap();
    insta::assert_snapshot!(folder.run("serve --listen 127.0.0.1:0").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'a': object_type: there is no object type 'managed/nobody'; there are managed/assignment, managed/px_account, managed/px_user, managed/role, managed/user
      drop folder 'b': object_type: managed/user has no property 'id', by which objects are found
    ");
}
