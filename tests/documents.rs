//! The documents say what is so: what they show is what comes out, and what they name is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fancy_regex::Regex;
use rollbook::config::{Config, Environment};

use crate::harness::{Folder, steady};
use crate::service::{ADMIN, Service};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "COMPATIBILITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/console.md",
    "docs/distributed.md",
    "docs/drop-folder.md",
    "docs/postgresql.md",
    "docs/rest.md",
    "examples/README.md",
];

const IMPORT: &str = "import examples/users.csv --into managed/user --unique userName";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).expect(name)
}

/// What stands between fences, block by block.
fn blocks(document: &str) -> Vec<&str> {
    document.split("```\n").skip(1).step_by(2).collect()
}

/// All matches of the pattern's first group.
fn matches(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found.unwrap()[1].to_owned()).collect()
}

#[test]
fn readme_begins_with_two_commands() {
    let readme = read("README.md");
    assert_eq!(blocks(&readme)[0], format!("cargo run --release -- {IMPORT}\nscripts/test\n"));
    let mode = fs::metadata(path("scripts/test")).expect("scripts/test").permissions().mode();
    assert!(mode & 0o111 != 0, "scripts/test can be run");
}

#[test]
fn the_first_command_prints_what_readme_shows() {
    let folder = Folder::new().file("examples/users.csv", read("examples/users.csv"));
    assert_eq!(steady(blocks(&read("README.md"))[1]), folder.run(IMPORT).refused());
}

/// Each command of README, typed in its order after the first one, does what it is there for.
#[test]
fn the_tour_can_be_walked() {
    let folder = Folder::new();
    std::os::unix::fs::symlink(path("examples"), folder.path("examples")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_rollbook"));
    let search = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let type_in = |folder: &Folder, line: &str| {
        Command::new("sh").args(["-c", line]).current_dir(folder.path("")).env("PATH", &search).output().unwrap()
    };
    let walked = |folder: &Folder, line: &str| {
        let imports = String::from_utf8(type_in(folder, "rollbook imports list --json").stdout).unwrap();
        let id = matches(r#""_id":"([^"]+)""#, &imports).pop().unwrap();
        let outcome = type_in(folder, &line.replace("ID", &id));
        assert!(matches!(outcome.status.code(), Some(0 | 1)), "{line}: {outcome:?}");
        // Data of the example is refused, and nothing else is said but who does the work: the service may be faster.
        let stderr = String::from_utf8(outcome.stderr.clone()).unwrap();
        assert!(
            stderr.lines().all(|said| said.starts_with("rollbook: waiting: another process")),
            "{line}: {outcome:?}"
        );
        String::from_utf8(outcome.stdout).unwrap()
    };
    let _ = type_in(&folder, &format!("rollbook {IMPORT}"));
    let readme = read("README.md");
    let mut lines = blocks(&readme).into_iter().flat_map(str::lines);
    let is_typed =
        |line: &&str| ["rollbook ", "mkdir ", "cp ", "touch ", "cat "].iter().any(|word| line.starts_with(word));
    lines.by_ref().take_while(|line| *line != "rollbook serve").filter(is_typed).for_each(|line| {
        walked(&folder, line);
    });
    // From here on there is a service beside the commands.
    let service = Service::on(folder);
    let here = |line: &str| line.replace("http://127.0.0.1:8080", &service.address).replace("TOKEN", ADMIN);
    let mut asked = 0;
    for line in lines {
        if is_typed(&line) {
            walked(&service.folder, line);
        } else if line.starts_with("curl ") {
            let answer = walked(&service.folder, &here(&line.replacen("curl", "curl --silent --show-error", 1)));
            assert!(!answer.contains("\"code\":"), "{line}: {answer}");
            asked += 1;
        }
    }
    assert!(asked > 0, "the tour asks the service for something");
}

#[test]
fn every_command_is_in_readme() {
    let (readme, help) = (read("README.md"), Folder::new().run("--help").success());
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = matches(r"(?m)^  ([a-z-]+) ", commands.split("\n\n").next().unwrap());
    assert!(commands.contains(&"import".to_owned()), "{help}");
    for command in commands.iter().filter(|command| *command != "help") {
        let named = Regex::new(&format!(r"rollbook {command}\b")).unwrap();
        assert!(named.is_match(&readme).unwrap(), "README says nothing of 'rollbook {command}'");
    }
}

#[test]
fn what_documents_name_is_there() {
    let named = [
        r"`((?:src|tests|scripts|examples|migrations|fuzz)/[^`\s]*)",
        r"\]\(([^)#:]+)\)",
        r"(?m)^((?:scripts|examples)/[^\s]+)",
    ];
    for document in DOCUMENTS {
        let (text, folder) = (read(document), path(document));
        for name in named.iter().flat_map(|pattern| matches(pattern, &text)) {
            let is_there = path(&name).exists() || folder.with_file_name(&name).exists();
            assert!(is_there, "{document} names '{name}'");
        }
    }
}

#[test]
fn the_example_configuration_has_every_setting_with_its_default() {
    let data = Path::new("data");
    let example = Config::load(data, Some(&path("examples/rollbook.toml")), Environment::default()).unwrap();
    let default = Config::load(data, None, Environment::default()).unwrap();
    assert_eq!(format!("{example:?}"), format!("{default:?}"));

    let text = read("examples/rollbook.toml");
    let mut settings = known("", "unknown = 1\n");
    for section in settings.clone() {
        settings.extend(known(&section, &format!("[{section}]\nunknown = 1\n")));
    }
    settings.extend(known("drop_folder", "[[drop_folder]]\nunknown = 1\n"));
    assert!(["memory", "max_file_size"].iter().all(|known| settings.contains(&(*known).to_owned())), "{settings:?}");
    for setting in settings {
        // What has no default is shown as a comment.
        let shown = [
            format!("\n{setting} = "),
            format!("\n# {setting} = "),
            format!("\n[{setting}]\n"),
            format!("\n# [{setting}]\n"),
            format!("\n# [[{setting}]]\n"),
        ];
        let is_there = shown.iter().any(|shown| text.contains(shown));
        assert!(is_there, "the example configuration says nothing of '{setting}'");
    }
}

/// The keys that there are, as the refusal of an unknown one lists them.
fn known(section: &str, configuration: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rollbook.toml");
    fs::write(&file, configuration).unwrap();
    let error = Config::load(folder.path(), Some(&file), Environment::default()).unwrap_err().to_string();
    let (_, expected) = error.split_once("expected").expect(section);
    matches("'([a-z_]+)'", expected)
}
