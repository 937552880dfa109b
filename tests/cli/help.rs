//! Help texts and slips in typing.

use crate::database::Backend;
use crate::harness::Folder;

#[test]
fn help_tells_what_there_is() {
    insta::assert_snapshot!(Folder::new().run("--help").success(), @"
    Imports people and accounts from CSV files, with an exact account of every record.

    Every record of a file is created, updated, unchanged or failed with a reason, exactly once. What is
    stored, and what an import did, is kept in a data directory, which is made when it is first needed.

    Usage: rollbook [OPTIONS] <COMMAND>

    Commands:
      serve        Serve the REST API, and run imports as they come
      import       Import files: create what is new, update what differs, report what is wrong
      check        Check files against an object type, changing nothing
      template     Print the header of a CSV file for an object type
      imports      Look at imports, get their failures, cancel them, clean up after them
      types        List, show and change object types
      objects      List, show and export objects
      drop-folder  Set drop folders, look at them, and see what became of what was dropped
      token        Create, list and revoke the tokens that the REST API is used with
      migrate      Bring the repository to the form of this program, or move it to PostgreSQL
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
          --data <DIR>
              The directory that everything is kept in
              
              [env: ROLLBOOK_DATA]
              [default: rollbook-data]

          --config <FILE>
              The settings [default: rollbook.toml in the data directory, if there is one]
              
              [env: ROLLBOOK_CONFIG]

          --json
              Print JSON for programs, one object per line

    Examples:
      rollbook template managed/user > users.csv               Get the header, to be filled in
      rollbook check users.csv --against managed/user          See what is wrong with the file
      rollbook import users.csv --into managed/user --unique userName
      rollbook imports failures ID --out failed.csv            Get the failed records
      rollbook objects list managed/user                       See what is stored

    Exit code: 0, all records are in; 1, data was refused, in whole or part; 2, anything else.
    ");
}

#[test]
fn every_command_explains_itself() {
    for (command, example) in [
        ("import", "rollbook import users.csv --into managed/user --unique userName"),
        ("check", "rollbook check users.csv --against managed/user"),
        ("template", "rollbook template managed/user > users.csv"),
        ("imports failures", "rollbook imports failures"),
        ("types apply", "rollbook types apply managed.json"),
        ("objects list", "rollbook objects list managed/user --filter"),
        ("drop-folder poll", "rollbook drop-folder poll px-users"),
        ("drop-folder set", "object_type = \"managed/px_user\""),
        ("drop-folder test", "1, one is missing"),
        ("token create", "rollbook token create --name hr-import --role importer"),
        ("objects export", "rollbook objects export managed/user --out users.csv"),
    ] {
        let help = Folder::new().run(&format!("{command} --help")).success();
        assert!(help.contains(example), "{help}");
        assert!(help.contains("--data <DIR>"), "{help}");
    }
}

#[test]
fn the_help_of_import_can_be_learnt_from() {
    insta::assert_snapshot!(Folder::new().run("import --help").success(), @r#"
    Import files: create what is new, update what differs, report what is wrong

    The first row of a file names the properties ('rollbook template' writes one), every further row is
    a record. A record whose unique properties are those of an existing object updates that object, any
    other creates one; properties without a column are left alone. A record that fails does not hold up
    the others. Importing a file again changes nothing.

    If the header of one file does not fit, no file is imported. The whole structure of a file is
    checked before anything of it is stored, so a damaged file is refused and changes nothing. Files may
    be compressed with gzip. An import that is interrupted is continued by the next one.

    Usage: rollbook import [OPTIONS] --into <TYPE> --unique <PROPERTY> <FILE>...

    Arguments:
      <FILE>...
              CSV files, or - for standard input

    Options:
          --into <TYPE>
              The object type that the records are of, such as managed/user

          --unique <PROPERTY>
              The properties that together find the existing object, separated by commas

          --dry-run
              Report what would happen, and change nothing

          --atomic
              Import nothing of a file in which a record fails

          --blank <WHAT>
              What an empty cell means: 'clear' removes the property (a new object gets its default),
              'keep' leaves it as it is
              
              [default: clear]

          --date-format <PATTERN>
              How dates are written, as a Java pattern such as "dd.MM.yyyy"; also iso8601, epoch_s and
              epoch_ms. May be repeated: the first that fits is taken [default: iso8601]

          --failures <OUT.csv>
              Write the failed records to this file, to be corrected and imported. Those of the second
              file go to OUT-2.csv, and so on

          --duplicates <WHAT>
              What happens when a key comes twice in a file: 'fail-later' fails the later records,
              'last-wins' lets them replace the earlier ones (with --atomic only)
              
              [default: fail-later]

          --max-records <N>
              Refuse a file with more records [default: no limit, with last-wins 350000]

      -h, --help
              Print help (see a summary with '-h')

    Global options:
          --data <DIR>
              The directory that everything is kept in
              
              [env: ROLLBOOK_DATA]
              [default: rollbook-data]

          --config <FILE>
              The settings [default: rollbook.toml in the data directory, if there is one]
              
              [env: ROLLBOOK_CONFIG]

          --json
              Print JSON for programs, one object per line

    Examples:
      rollbook import users.csv --into managed/user --unique userName
      rollbook import users.csv.gz --into managed/user --unique userName --dry-run
      rollbook import px_users.csv --into managed/px_user --unique id --atomic --duplicates last-wins
      generate-users | rollbook import - --into managed/user --unique givenName,sn --failures failed.csv
    "#);
}

#[test]
fn slips_in_typing_are_the_operators() {
    insta::assert_snapshot!(Folder::new().run("import users.csv --into managed/user").failed(), @"
    --- stderr ---
    error: the following required arguments were not provided:
      --unique <PROPERTY>

    Usage: rollbook import --into <TYPE> --unique <PROPERTY> <FILE>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(Folder::new().run("import users.csv --into user --unique userName").failed(), @"
    --- stderr ---
    error: invalid value 'user' for '--into <TYPE>': 'user' is no name of an object type: object types are named managed/NAME

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(Folder::new().run("imports show 17").failed(), @"
    --- stderr ---
    error: invalid value '17' for '<ID>': there is no import '17'

    For more information, try '--help'.
    ");
    let _ = Folder::new().run("").failed();
}

#[test]
fn looking_makes_no_installation() {
    let folder = Folder::new();
    let _ = folder.run("types list").success();
    let _ = folder.run("template managed/user").success();
    for (command, data) in
        [("imports list", "rollbook-data"), ("objects list managed/user --data elsewhere", "elsewhere")]
    {
        let place = Backend::chosen().place(data);
        let expected = format!("there is no installation in {place} yet: 'rollbook import' makes one");
        let said = folder.run(command).failed();
        assert!(said.contains(&expected), "{said}");
    }
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn settings_are_checked() {
    let folder = Folder::new().file("rollbook-data/rollbook.toml", "[import]\nmemroy = '1GB'\n");
    insta::assert_snapshot!(folder.run("imports list").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: line 2: unknown field 'memroy', expected one of 'memory', 'time_zone', 'commit_every', 'round', 'max_columns', 'max_record_size', 'max_line_breaks', 'max_decompressed_size', 'max_ratio'
    ");
    insta::assert_snapshot!(folder.run("imports list --config missing.toml").failed(), @"
    --- stderr ---
    rollbook: the configuration 'missing.toml' could not be read: No such file or directory (os error 2)
    ");
}
