//! Drop folders as they are set: in `rollbook.toml`, and with `drop-folder set`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Output, Stdio};
use std::sync::Arc;

use rollbook::drop_folder::DropFolders;

use super::receiver::{Answer, Receiver};
use crate::dropping::{USERS, drop_csv, drop_folder, mark};
use crate::harness::{Folder, steady};

const SETTINGS: &str = "rollbook-data/rollbook.toml";

/// A drop folder with a setting that is wrong, or several.
fn wrong(name: &str, settings: &str) -> String {
    let mut text = format!("[[drop_folder]]\nname = '{name}'\n");
    for (key, default) in
        [("object_type", "'managed/px_user'"), ("bucket", "'file:drop'"), ("base_folder", &format!("'{name}'"))]
    {
        if !settings.lines().any(|line| line.starts_with(&format!("{key} =")))
            && !settings.contains(&format!("# no {key}"))
        {
            text += &format!("{key} = {default}\n");
        }
    }
    text + settings + "\n"
}

/// Everything that is said about these drop folders, a line each.
fn refusals(folders: &[(&str, &str)]) -> String {
    let settings: Vec<String> = folders.iter().map(|(name, settings)| wrong(name, settings)).collect();
    Folder::new().file(SETTINGS, settings.join("\n")).run("drop-folder list").failed()
}

/// When this is typed with these variables in the environment.
fn run_with(folder: &Folder, variables: &[(&str, &str)], command: &str) -> Output {
    folder.command(command).envs(variables.iter().copied()).output().unwrap()
}

fn text_of(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8(text.clone()).unwrap());
    steady(&texts.join(""))
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
    // Together with what is wrong elsewhere.
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

/// Secrets that are elsewhere: in the environment and in files.
#[test]
fn secrets_can_be_elsewhere() {
    let settings = "bucket = 'ABC123'\naccess_key = { id = 'A', secret = { env = 'PX_SECRET' }, session_token = { file = 'token' } }\n\
                    callback = { url = 'https://www.example.com/', api_key = { file = '/nowhere/key' } }";
    let folder = Folder::new().file(SETTINGS, wrong("away", settings) + USERS);
    // Who does not need them is not held up.
    fs::create_dir_all(folder.path("rollbook-data/drop/users_import")).unwrap();
    assert!(folder.run("drop-folder list").success().contains("away"));
    let _ = folder.run("drop-folder poll px-users").success();
    insta::assert_snapshot!(folder.run("drop-folder poll away").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'away': access_key.secret: the environment variable 'PX_SECRET' is not set
      drop folder 'away': access_key.session_token: the file 'token' could not be read: No such file or directory (os error 2)
      drop folder 'away': callback.api_key: the file '/nowhere/key' could not be read: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(folder.run("serve --listen 127.0.0.1:0").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'away': access_key.secret: the environment variable 'PX_SECRET' is not set
      drop folder 'away': access_key.session_token: the file 'token' could not be read: No such file or directory (os error 2)
      drop folder 'away': callback.api_key: the file '/nowhere/key' could not be read: No such file or directory (os error 2)
    ");
    let here = settings.replace("/nowhere/key", "key");
    let folder = folder
        .file(SETTINGS, wrong("away", &here))
        .file("rollbook-data/token", "sesame-token\r\n")
        .file("rollbook-data/key", "sesame-key\n");
    let shown = run_with(&folder, &[("PX_SECRET", "sesame")], "drop-folder show away --json");
    let json: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(json["accessKey"].to_string(), r#"{"id":"A","secretSet":true,"sessionTokenSet":true}"#);
    assert_eq!(json.get("_problem"), None, "{json}");
    assert!(!text_of(&shown).contains("sesame"), "{}", text_of(&shown));
    let empty = folder.file("rollbook-data/key", "\n");
    insta::assert_snapshot!(text_of(&run_with(&empty, &[("PX_SECRET", "sesame")], "drop-folder list")), @"
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'away': callback.api_key is empty
    ");
}

/// A role is assumed in a region, which may be named anywhere.
#[test]
fn roles_need_a_region() {
    let settings = wrong("role", "bucket = 'ABC123'\nrole = { arn = 'arn:aws:iam::123456789012:role/team/x' }");
    let folder = Folder::new().file(SETTINGS, &settings);
    let _ = folder.run("drop-folder list").success();
    insta::assert_snapshot!(folder.run("drop-folder poll role").failed(), @r#"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'role': role needs a region to be assumed in: write s3 = { region = "..." }, or set AWS_REGION
    "#);
    let named = |variables: &[(&str, &str)]| text_of(&run_with(&folder, variables, "drop-folder show role --json"));
    assert!(named(&[]).contains("_problem"));
    assert!(!named(&[("AWS_REGION", "eu-central-1")]).contains("_problem"));
    let folder = Folder::new().file(SETTINGS, settings + "s3 = { region = 'eu-central-1' }\n");
    assert!(!folder.run("drop-folder show role --json").success().contains("_problem"));
}

/// The article's dialog, and everything besides, as it is set and shown.
const ALL: &str = r#"
name = "px-accounts"
object_type = "managed/px_account"
bucket = "ABC123/export"
base_folder = "accounts_import"
date_format = ["yyyy-MM-dd'T'HH:mm:ssX", "yyyyMMdd"]
time_zone = "Europe/Berlin"
cron = "30 2 * * MON-FRI"
paused = true
settle_time = "10s"
max_records = 1000
max_file_size = "200MB"
destination = { product = "Rollbook", channel = "Web", environment = "production" }
access_key = { id = "AKIAIOSFODNN7EXAMPLE", secret = "sesame-secret", session_token = "sesame-token" }
s3 = { region = "eu-central-1", endpoint = "http://127.0.0.1:9000", path_style = true }
callback = { url = "https://www.example.com/prd/data-export", api_key = "sesame-key" }
blank_cells = "clear"
null_token = "__NULL__"
columns = "lenient"
disabled_columns = "ignore"
read_only_columns = "ignore"
create_missing = false
strict_duplicates = true
encoding = "windows-1252"
on_identical = "skip"
stop_on_error = true
give_up_after = "90m"
stale_after = "36h"
keep_processed = "90d"
"#;

#[test]
fn set_show_and_remove() {
    let folder = Folder::new().file("accounts.toml", ALL);
    insta::assert_snapshot!(folder.run("drop-folder set accounts.toml").success(), @"drop folder 'px-accounts' is set");
    insta::assert_snapshot!(folder.run("drop-folder show px-accounts").success(), @"
    name                          px-accounts
    object_type                   managed/px_account
    bucket                        ABC123/export
    base_folder                   accounts_import
    access_key.id                 AKIAIOSFODNN7EXAMPLE
    access_key.secret_set         true
    access_key.session_token_set  true
    s3.region                     eu-central-1
    s3.endpoint                   http://127.0.0.1:9000
    s3.path_style                 true
    destination.product           Rollbook
    destination.channel           Web
    destination.environment       production
    date_format                   yyyy-MM-dd'T'HH:mm:ssX, yyyyMMdd
    time_zone                     Europe/Berlin
    cron                          30 2 * * MON-FRI
    paused                        true
    settle_time                   10s
    max_records                   1000
    max_file_size                 200MB
    blank_cells                   clear
    null_token                    __NULL__
    columns                       lenient
    disabled_columns              ignore
    read_only_columns             ignore
    create_missing                false
    strict_duplicates             true
    encoding                      windows-1252
    on_identical                  skip
    stop_on_error                 true
    give_up_after                 90m
    stale_after                   36h
    keep_processed                90d
    callback.url                  https://www.example.com/prd/data-export
    callback.api_key_set          true
    callback.allow_private        false
    set by                        rollbook drop-folder set
    ExternalId                    00000000-0000-0000-0000-000000000000
    state                         paused
    ");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    name         into                files                          schedule  last look (UTC)  next look (UTC)  state
    px-accounts  managed/px_account  ABC123/export/accounts_import  paused    -                -                paused
    ");
    insta::assert_snapshot!(folder.run("drop-folder set accounts.toml").success(), @"drop folder 'px-accounts' is changed");
    insta::assert_snapshot!(folder.run("drop-folder resume px-accounts").success(), @"drop folder 'px-accounts' is looked at by its schedule");
    insta::assert_snapshot!(folder.run("drop-folder pause px-accounts").success(), @"drop folder 'px-accounts' is paused: it is looked at when somebody asks");
    insta::assert_snapshot!(folder.run("drop-folder remove px-accounts").success(), @"drop folder 'px-accounts' is removed; the ledger of its runs stays");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    --- stderr ---
    rollbook: there are no drop folders
    ");
    insta::assert_snapshot!(folder.run("drop-folder remove px-accounts").failed(), @"
    --- stderr ---
    rollbook: there is no drop folder 'px-accounts'; there are none
    ");
}

/// All defaults are shown, and setting what is shown changes nothing.
#[test]
fn what_is_not_set_has_its_default() {
    let folder =
        Folder::new().file("users.toml", USERS.replace("settle_time = \"0s\"\npoll_interval = \"100ms\"\n", ""));
    let _ = folder.run("drop-folder set users.toml").success();
    let shown = folder.run("drop-folder show px-users --json").success();
    let place = fs::canonicalize(folder.path("rollbook-data")).unwrap();
    insta::assert_snapshot!(shown.replace(place.to_str().unwrap(), "DATA"), @r#"{"_id":"px-users","_rev":"0000000000000001","_setBy":"operator","_externalId":"00000000-0000-0000-0000-000000000000","_place":"file:DATA/drop/users_import","name":"px-users","objectType":"managed/px_user","bucket":"file:drop","baseFolder":"users_import","timeZone":"UTC","pollInterval":"15m","paused":false,"settleTime":"2s","maxRecords":350000,"maxFileSize":"2GB","blankCells":"keep","columns":"exact","disabledColumns":"refuse","readOnlyColumns":"refuse","createMissing":true,"strictDuplicates":false,"onIdentical":"process","stopOnError":false,"giveUpAfter":"6h","staleAfter":"1d","keepProcessed":"never"}"#);
}

/// Secrets that are left out stay, where they are those of the same key and of the same receiver.
#[test]
fn secrets_that_are_left_out_stay() {
    let folder = Folder::new().file("all.toml", ALL).after("drop-folder set all.toml");
    let without = ALL
        .replace(", secret = \"sesame-secret\", session_token = \"sesame-token\"", "")
        .replace(", api_key = \"sesame-key\"", "");
    let folder = folder.file("without.toml", &without).after("drop-folder set without.toml");
    let json = &folder.run("drop-folder show px-accounts --json").json()[0];
    assert_eq!(
        json["accessKey"].to_string(),
        r#"{"id":"AKIAIOSFODNN7EXAMPLE","secretSet":true,"sessionTokenSet":true}"#
    );
    let elsewhere = without
        .replace("AKIAIOSFODNN7EXAMPLE", "AKIAOTHER")
        .replace("https://www.example.com/", "https://www.example.org/");
    let folder = folder.file("elsewhere.toml", elsewhere);
    insta::assert_snapshot!(folder.run("drop-folder set elsewhere.toml").failed(), @"
    --- stderr ---
    rollbook: elsewhere.toml: the drop folder is not set right:
      drop folder 'px-accounts': access_key.secret is missing: it stays only where id and endpoint do
      drop folder 'px-accounts': callback.api_key is missing: it stays only where the host of the address does
    ");
    let folder = folder.file("endpoint.toml", without.replace("127.0.0.1:9000", "127.0.0.1:9001"));
    insta::assert_snapshot!(folder.run("drop-folder set endpoint.toml").failed(), @"
    --- stderr ---
    rollbook: endpoint.toml: the drop folder is not set right:
      drop folder 'px-accounts': access_key.secret is missing: it stays only where id and endpoint do
    ");
}

/// Several are set, or none.
#[test]
fn all_or_none_are_set() {
    let folder = Folder::new().file(
        "both.toml",
        wrong("a", "") + &wrong("b", "max_records = 0") + &wrong("c", "object_type = 'managed/user'"),
    );
    insta::assert_snapshot!(folder.run("drop-folder set both.toml").failed(), @"
    --- stderr ---
    rollbook: both.toml: the drop folder is not set right:
      drop folder 'b': max_records = 0 refuses every file: write for example 350000
      drop folder 'c': object_type: managed/user has no property 'id', by which objects are found
    ");
    let folder = folder.file("same.toml", wrong("a", "") + &wrong("b", "base_folder = 'a'"));
    insta::assert_snapshot!(folder.run("drop-folder set same.toml").failed(), @"
    --- stderr ---
    rollbook: same.toml: the drop folder is not set right:
      drop folder 'b' would take the files of drop folder 'a': give each a folder of its own
    ");
    insta::assert_snapshot!(folder.run("drop-folder set nowhere.toml").failed(), @"
    --- stderr ---
    rollbook: nowhere.toml: there is no such file
    ");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    --- stderr ---
    rollbook: there are no drop folders
    ");
    let folder = folder.file("both.toml", wrong("a", "") + &wrong("b", ""));
    insta::assert_snapshot!(folder.run("drop-folder set both.toml").success(), @"
    drop folder 'a' is set
    drop folder 'b' is set
    ");
    // What is set must go with what is there; two that are changed together may change places.
    let folder = folder.file("c.toml", wrong("c", "base_folder = 'a'"));
    insta::assert_snapshot!(folder.run("drop-folder set c.toml").failed(), @"
    --- stderr ---
    rollbook: c.toml: the drop folder is not set right:
      drop folder 'c' would take the files of drop folder 'a': give each a folder of its own
    ");
    let folder = folder.file("both.toml", wrong("a", "base_folder = 'b'") + &wrong("b", "base_folder = 'a'"));
    let _ = folder.run("drop-folder set both.toml").success();
}

/// What is in the file is changed there.
#[test]
fn those_of_the_file_are_changed_there() {
    let folder = drop_folder(USERS).file("users.toml", USERS);
    for (command, help) in [
        ("set users.toml", "change it there"),
        ("pause px-users", "write paused = true there"),
        ("resume px-users", "write paused = false there"),
        ("remove px-users", "remove it there"),
    ] {
        let said = folder.run(&format!("drop-folder {command}")).failed();
        let sentence = format!("drop folder 'px-users' is set in rollbook.toml: {help}\n");
        assert!(said.ends_with(&sentence), "{command}: {said}");
    }
    // One that was set, and then is written into the file too.
    let folder = Folder::new().file("users.toml", USERS).after("drop-folder set users.toml").file(SETTINGS, USERS);
    insta::assert_snapshot!(folder.run("drop-folder list --json").success(), @r#"
    {"_id":"px-users","objectType":"managed/px_user","state":"ok","nextPoll":"2026-02-28T17:05:00.000Z","callbackOff":false,"openRuns":0,"notices":[]}
    {"_id":"px-users","objectType":"managed/px_user","state":"blocked","problem":"drop folder 'px-users': there is another one of this name","callbackOff":false,"openRuns":0,"notices":[]}
    "#);
    let _ = folder.run("drop-folder remove px-users").success();
    let _ = folder.run("drop-folder show px-users").success();
}

/// Nothing that is secret is found anywhere but in the file of the key, or in what the operator wrote.
#[test]
fn secrets_are_sealed_and_not_shown() {
    let folder = Folder::new().file("all.toml", ALL);
    for command in [
        "set all.toml",
        "set all.toml --json",
        "show px-accounts",
        "show px-accounts --json",
        "list",
        "list --json",
        "pause px-accounts --json",
        "test px-accounts",
        "poll px-accounts",
        "poll px-accounts --json",
        "remove px-accounts --json",
    ] {
        let outcome = folder.run(&format!("drop-folder {command}"));
        assert!(!format!("{outcome:?}").contains("sesame"), "{command}: {outcome:?}");
    }
    let _ = folder.run("drop-folder set all.toml").success();
    let mode = fs::metadata(folder.path("rollbook-data/secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = folder.read("rollbook-data/secret.key");
    for file in fs::read_dir(folder.path("rollbook-data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!has("sesame") && !has("whsec_"), "{}", path.display());
            assert_eq!(has(key.trim()), path.ends_with("secret.key"), "{}", path.display());
        }
    }
    // With another key nothing can be read; with the right one everything.
    fs::rename(folder.path("rollbook-data/secret.key"), folder.path("kept.key")).unwrap();
    insta::assert_snapshot!(folder.run("drop-folder poll px-accounts").failed(), @"
    --- stderr ---
    rollbook: the set of secrets of drop folder 'px-accounts' was sealed with another key than this installation has now: bring the key back, or set the secret again
    ");
    fs::copy(folder.path("kept.key"), folder.path("rollbook-data/secret.key")).unwrap();
    assert!(!folder.run("drop-folder show px-accounts --json").success().contains("_problem"));
}

/// The key may be elsewhere too.
#[test]
fn the_key_can_be_elsewhere() {
    let folder = Folder::new().file(SETTINGS, "[secrets]\nkey = { env = 'ROLLBOOK_KEY' }\n").file("all.toml", ALL);
    let _ = folder.run("types list").success();
    insta::assert_snapshot!(folder.run("drop-folder set all.toml").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: secrets.key: the environment variable 'ROLLBOOK_KEY' is not set
    ");
    insta::assert_snapshot!(text_of(&run_with(&folder, &[("ROLLBOOK_KEY", "short")], "drop-folder set all.toml")), @"rollbook: rollbook-data/rollbook.toml: secrets.key is not a key: it is 32 bytes in base64 or hexadecimal digits, or any text of at least 32 characters");
    let keys = [
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "3031323334353637383930313233343536373839303132333435363738393031",
        "correct horse battery staple, and so on",
    ];
    for key in keys {
        let set = run_with(&folder, &[("ROLLBOOK_KEY", key)], "drop-folder set all.toml");
        assert!(set.status.success(), "{key}: {}", text_of(&set));
        let problem = |key: &str| {
            text_of(&run_with(&folder, &[("ROLLBOOK_KEY", key)], "drop-folder show px-accounts --json"))
                .contains("_problem")
        };
        // The first two are one key, written in two ways.
        let same: Vec<bool> = keys.iter().map(|other| !problem(other)).collect();
        assert_eq!(same, if key == keys[2] { [false, false, true] } else { [true, true, false] }, "{key}");
    }
    assert!(!folder.path("rollbook-data/secret.key").exists());
    let folder = Folder::new()
        .file(SETTINGS, "[secrets]\nkey = 'correct horse battery staple, and so on'\n")
        .file("all.toml", ALL);
    insta::assert_snapshot!(folder.run("drop-folder set all.toml").failed(), @r#"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: secrets.key is written itself: write { env = "NAME" } or { file = "PATH" }
    "#);
}

/// A look by hand: what is printed, and the exit code.
#[test]
fn a_look_says_what_became_of_what_was_dropped() {
    let folder = drop_folder(USERS);
    insta::assert_snapshot!(folder.run("drop-folder poll nobody").failed(), @"
    --- stderr ---
    rollbook: there is no drop folder 'nobody'; there are px-users
    ");
    fs::create_dir_all(folder.path("rollbook-data/drop/users_import")).unwrap();
    insta::assert_snapshot!(folder.run("drop-folder poll px-users").success(), @"px-users: nothing is ready");
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id,email\n1,a@example.com\n2,b@example.com\n");
    mark(&folder, "users_import", "20210228");
    insta::assert_snapshot!(folder.run("drop-folder poll px-users").success(), @"
    px-users:

      partition  run                                   file          result   created  updated  unchanged  failed  total  problem
      20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    ");
    drop_csv(&folder, "users_import", "20210301", "a.csv.gz", "id,email\n1,a@example.com\n");
    drop_csv(&folder, "users_import", "20210301", "b.csv.gz", "id,flantana_carteret\n1,x\n");
    mark(&folder, "users_import", "20210301");
    insta::assert_snapshot!(folder.run("drop-folder poll --all").refused(), @"
    px-users:

      partition  run                                   file      result   created  updated  unchanged  failed  total  problem
      20210301   00000000-0000-0000-0000-000000000000  a.csv.gz  SUCCESS        0        0          1       0      1
      20210301   00000000-0000-0000-0000-000000000000  b.csv.gz  ERROR          0        0          0       0      1  Unknown PX Column: 'flantana_carteret'
    ");
    insta::assert_snapshot!(folder.run("drop-folder runs px-users").success(), @"
    partition  run                                   file          result   created  updated  unchanged  failed  total  problem
    20210301   00000000-0000-0000-0000-000000000000  a.csv.gz      SUCCESS        0        0          1       0      1
    20210301   00000000-0000-0000-0000-000000000000  b.csv.gz      ERROR          0        0          0       0      1  Unknown PX Column: 'flantana_carteret'
    20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    ");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    name      into             files                   schedule     last look (UTC)      next look (UTC)      state
    px-users  managed/px_user  file:drop/users_import  every 100ms  2026-02-28 17:05:00  2026-02-28 17:05:00  ok
    ");
    let runs = folder.run("drop-folder runs px-users --json --limit 1").json();
    assert_eq!((runs.len(), &runs[0]["partition"]), (1, &"20210301".into()));
    insta::assert_snapshot!(folder.run("drop-folder send-callback 00000000-0000-0000-0000-000000000000").failed(), @"
    --- stderr ---
    rollbook: there is no run '00000000-0000-0000-0000-000000000000'
    ");
    // Trouble is neither a success nor a refusal.
    fs::remove_dir_all(folder.path("rollbook-data/drop")).unwrap();
    let said = folder.run("drop-folder poll px-users").failed();
    assert!(said.starts_with("--- stderr ---\nrollbook: px-users: there is no directory '"), "{said}");
}

/// Who finds another process at work waits for it.
#[test]
fn a_look_waits_for_another_one() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id\n1\n");
    mark(&folder, "users_import", "20210228");
    let app = Arc::new(folder.installation());
    let place = DropFolders::new(Arc::clone(&app)).unwrap().get("px-users").unwrap().place();
    let lease = app.repository.lease_place(&place).unwrap().unwrap();
    let mut poll =
        folder.command("drop-folder poll px-users").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(poll.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "rollbook: waiting: another process looks at 'px-users'");
    drop(lease);
    assert!(poll.wait_with_output().unwrap().status.success());
    assert!(folder.path("rollbook-data/drop/users_import/processed/20210228/status.txt").exists());
}

/// A drop folder that is paused is looked at when it is named.
#[test]
fn paused_is_not_switched_off() {
    let folder = drop_folder(&format!("{USERS}paused = true\n"));
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id\n1\n");
    mark(&folder, "users_import", "20210228");
    insta::assert_snapshot!(folder.run("drop-folder poll --all").success(), @"
    --- stderr ---
    rollbook: there are no drop folders to be looked at
    ");
    assert_eq!(folder.run("drop-folder poll px-users --json").json()[0]["runs"][0]["success"], true);
}

/// Looking at drop folders makes no installation.
#[test]
fn looking_makes_no_installation() {
    let folder = Folder::new();
    for command in ["list", "show a", "runs a", "test a", "policy a", "pause a", "remove a"] {
        let said = folder.run(&format!("drop-folder {command}")).failed();
        assert!(said.contains("there is no installation in 'rollbook-data' yet"), "{said}");
    }
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

/// A callback that was not heard, and is sent again.
#[test]
fn a_callback_is_sent_again_by_hand() {
    let receiver = Receiver::new(&[Answer::Status(500, ""), Answer::Status(410, ""), Answer::Status(200, "")]);
    let callback = format!("callback = {{ url = '{}', api_key = 'sesame', allow_private = true }}\n", receiver.url);
    let folder = drop_folder(&format!("{USERS}{callback}"));
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id\n1\n");
    mark(&folder, "users_import", "20210228");
    let run = folder.run("drop-folder poll px-users --json").json()[0]["runs"][0]["_id"].as_str().unwrap().to_owned();
    let told = |folder: &Folder| folder.run("drop-folder show px-users").success().lines().last().unwrap().to_owned();
    assert_eq!(
        told(&folder),
        "callback about 20210228: waiting until 2026-02-28 17:05:00: the answer is 500 Internal Server Error"
    );
    let sent = folder.run(&format!("drop-folder send-callback {run}")).failed();
    assert_eq!(sent, "given up: the answer is 410 Gone\n");
    assert!(folder.run("drop-folder show px-users").success().contains("  off: their receiver answered 410\n"));
    let sent = folder.run(&format!("drop-folder send-callback {run} --json")).json().remove(0);
    assert_eq!(sent["callback"]["state"], "delivered");
    assert_eq!(sent["callback"]["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(told(&folder), "callback about 20210228: delivered");
}

/// Each right of a directory, and who has none.
#[test]
fn rights_are_tried_one_by_one() {
    let folder = drop_folder(USERS);
    fs::create_dir_all(folder.path("rollbook-data/drop/users_import/current")).unwrap();
    let place = fs::canonicalize(folder.path("rollbook-data")).unwrap();
    let tried = folder.run("drop-folder test px-users").success();
    insta::assert_snapshot!(tried.replace(place.to_str().unwrap(), "DATA"), @"
    px-users at DATA/drop/users_import:

      files can be listed                     ok
      files can be read                       ok
      files can be written under 'processed'  ok
      files can be deleted                    ok
    ");
    insta::assert_snapshot!(folder.run("drop-folder policy px-users").failed(), @"
    --- stderr ---
    rollbook: the files of the drop folder 'px-users' lie in a directory: policies are for buckets in S3
    ");
    fs::remove_dir_all(folder.path("rollbook-data/drop")).unwrap();
    let refused = folder.run("drop-folder test px-users --json").json().remove(0);
    assert_eq!(refused["ok"], false);
    let _ = folder.run("drop-folder test px-users").refused();
}

/// What is to be put into AWS.
#[test]
fn policies_are_filled_in() {
    let settings = "bucket = 'ABC123/export'\ns3 = { region = 'eu-central-1' }\n\
                    role = { arn = 'arn:aws:iam::123456789012:role/rollbook' }";
    let folder = Folder::new().file("role.toml", wrong("role", settings));
    insta::assert_snapshot!(folder.run("drop-folder set role.toml").success(), @"
    drop folder 'role' is set
    Next: rollbook drop-folder policy role
          The role needs the policies that it prints.
    ");
    insta::assert_snapshot!(folder.run("drop-folder policy role").success(), @r#"
    ExternalId: 00000000-0000-0000-0000-000000000000

    Trust policy of the role:
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "RollbookWithItsExternalId",
          "Effect": "Allow",
          "Principal": {
            "AWS": "ARN OF THE AWS USER OR ROLE THAT ROLLBOOK RUNS AS"
          },
          "Action": "sts:AssumeRole",
          "Condition": {
            "StringEquals": {
              "sts:ExternalId": "00000000-0000-0000-0000-000000000000"
            }
          }
        }
      ]
    }

    Permissions of the role:
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "Locate",
          "Effect": "Allow",
          "Action": "s3:GetBucketLocation",
          "Resource": "arn:aws:s3:::ABC123"
        },
        {
          "Sid": "List",
          "Effect": "Allow",
          "Action": "s3:ListBucket",
          "Resource": "arn:aws:s3:::ABC123",
          "Condition": {
            "StringLike": {
              "s3:prefix": [
                "export/role/*"
              ]
            }
          }
        },
        {
          "Sid": "Read",
          "Effect": "Allow",
          "Action": "s3:GetObject",
          "Resource": "arn:aws:s3:::ABC123/export/role/*"
        },
        {
          "Sid": "Write",
          "Effect": "Allow",
          "Action": "s3:PutObject",
          "Resource": "arn:aws:s3:::ABC123/export/role/processed/*"
        },
        {
          "Sid": "Delete",
          "Effect": "Allow",
          "Action": "s3:DeleteObject",
          "Resource": [
            "arn:aws:s3:::ABC123/export/role/current/*",
            "arn:aws:s3:::ABC123/export/role/processed/*"
          ]
        }
      ]
    }
    "#);
    let [json, again] = [(); 2].map(|()| folder.run("drop-folder policy role --json").json().remove(0));
    assert_eq!(json, again);
    let external_id = &json["trust"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"];
    assert_eq!(*external_id, json["externalId"]);
    assert_eq!(*external_id, folder.run("drop-folder show role --json").json()[0]["_externalId"]);
}
