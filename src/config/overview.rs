//! Every setting with its value in force, where that is from and what it means: for people to look at. Secrets are not
//! shown.

use std::time::Duration;

use super::written::Source;
use super::{Config, RepositorySettings, SpoolBucket, SpoolSettings, repository, secrets};
use crate::token::Role;

/// A section of the settings.
#[derive(Clone, Debug)]
pub struct SectionOverview {
    /// Its name in the file.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its settings.
    pub settings: Vec<SettingOverview>,
}

/// A setting.
#[derive(Clone, Debug)]
pub struct SettingOverview {
    /// Its name in the section.
    pub key: &'static str,
    /// The value in force.
    pub value: Shown,
    /// Where it is from.
    pub source: Source,
    /// What it means.
    pub meaning: &'static str,
}

/// A value as people may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As it would be written.
    Text(String),
    /// A secret, of which nobody sees more.
    Secret,
    /// Nothing is set.
    Nothing,
}

impl Shown {
    fn of<T: ToString>(value: Option<T>) -> Shown {
        value.map_or(Shown::Nothing, |value| Shown::Text(value.to_string()))
    }

    fn secret<T>(value: Option<T>) -> Shown {
        if value.is_some() { Shown::Secret } else { Shown::Nothing }
    }
}

/// What is to be known of a setting beside its value.
struct Entry {
    key: &'static str,
    /// The environment variable that counts more than the file.
    variable: Option<&'static str>,
    meaning: &'static str,
    value: fn(&Config) -> Shown,
}

const fn entry(key: &'static str, meaning: &'static str, value: fn(&Config) -> Shown) -> Entry {
    Entry { key, variable: None, meaning, value }
}

const fn entry_or(
    key: &'static str,
    variable: &'static str,
    meaning: &'static str,
    value: fn(&Config) -> Shown,
) -> Entry {
    Entry { key, variable: Some(variable), meaning, value }
}

struct Section {
    name: &'static str,
    about: &'static str,
    entries: &'static [Entry],
}

const SECTIONS: [Section; 8] = [
    Section { name: "server", about: "Where the service listens, and how much patience it has.", entries: SERVER },
    Section { name: "repository", about: "Where everything is stored.", entries: REPOSITORY },
    Section { name: "spool", about: "Where accepted files wait until their imports are over.", entries: SPOOL },
    Section { name: "upload", about: "How much may be sent at once.", entries: UPLOAD },
    Section { name: "import", about: "What a file may do, and how an import divides its work.", entries: IMPORT },
    Section {
        name: "oidc",
        about: "The OpenID Connect issuer whose word counts beside our own tokens.",
        entries: OIDC,
    },
    Section { name: "secrets", about: "What stored secrets are sealed with.", entries: SECRETS },
    Section {
        name: "drop_folders",
        about: "How far administrators may go with the drop folders that they set.",
        entries: DROP_FOLDERS,
    },
];

const SERVER: &[Entry] = &[
    entry("listen", "Where the service listens: host and port.", |c| text(&c.server.listen)),
    entry("tls.certificate", "The certificate with which HTTPS is spoken, in a PEM file.", |c| {
        Shown::of(c.server.certificate.as_ref().map(|files| files.chain.display()))
    }),
    entry("tls.key", "The file with the certificate's private key.", |c| {
        Shown::of(c.server.certificate.as_ref().map(|files| files.key.display()))
    }),
    entry("behind_proxy", "Whether a proxy in front of us speaks HTTPS.", |c| text(c.server.behind_proxy)),
    entry(
        "public_url",
        "The address that people reach us at; unless it is set, the one that their browsers name.",
        |c| Shown::of(c.server.public_url.as_ref()),
    ),
    entry("request_timeout", "How long an answer may take from the last byte of the request on.", |c| {
        c.server.request_timeout.map_or_else(|| text("0s (as long as it takes)"), time)
    }),
    entry("header_timeout", "How long the head of a request may take, and how long a connection may lie idle.", |c| {
        time(c.server.header_timeout)
    }),
    entry("body_timeout", "How long the body of a request may stand still.", |c| time(c.server.body_timeout)),
    entry("min_body_rate", "The least bytes per second of a body.", |c| size(c.server.min_body_rate)),
    entry("max_body_size", "The most bytes of a request's body, but for uploads.", |c| size(c.server.max_body_size)),
    entry("max_connections", "How many connections are served at a time; more wait.", |c| {
        text(c.server.max_connections)
    }),
];

const REPOSITORY: &[Entry] = &[
    entry_or(
        "url",
        repository::VARIABLE,
        "The SQLite file or the PostgreSQL database; of the latter the place only.",
        |c| text(repository_shown(c)),
    ),
    entry("lease", "With PostgreSQL: after so long without a word from a process, others go on with its work.", |c| {
        match &c.repository {
            RepositorySettings::Postgres(settings) => time(settings.lease),
            RepositorySettings::Sqlite(_) => time(repository::LEASE),
        }
    }),
];

const SPOOL: &[Entry] = &[
    entry("url", "The directory or the bucket; unless it is set, the directory 'spool' of the data directory.", |c| {
        match &c.spool {
            SpoolSettings::Own => Shown::Nothing,
            SpoolSettings::Directory(path) => text(format!("file://{}", path.display())),
            SpoolSettings::Bucket(bucket) => text(&bucket.url),
        }
    }),
    entry("region", "The bucket's region, if S3 does not tell.", |c| {
        Shown::of(spool_bucket(c).and_then(|bucket| bucket.s3.region.as_ref()))
    }),
    entry("endpoint", "Where a server other than AWS is.", |c| {
        Shown::of(spool_bucket(c).and_then(|bucket| bucket.s3.endpoint.as_ref()))
    }),
    entry("access_key_id", "The id of the key that lets us into the bucket; by default AWS_ACCESS_KEY_ID.", |c| {
        Shown::of(spool_bucket(c).map(|bucket| &bucket.key.id))
    }),
    entry("secret_access_key", "The key itself; by default AWS_SECRET_ACCESS_KEY.", |c| Shown::secret(spool_bucket(c))),
    entry("session_token", "What belongs to a temporary key; by default AWS_SESSION_TOKEN.", |c| {
        Shown::secret(spool_bucket(c).and_then(|bucket| bucket.key.session_token.as_ref()))
    }),
];

const UPLOAD: &[Entry] = &[
    entry("max_size", "The most bytes that the files of one upload may have together.", |c| {
        size_or_none(c.upload.max_size)
    }),
    entry("max_records", "The most records that a file may have.", |c| number_or_none(c.upload.max_records)),
];

const IMPORT: &[Entry] = &[
    entry("memory", "About how much memory an import takes.", |c| size(c.memory.written)),
    entry("time_zone", "The time zone of dates in files that name none.", |c| text(&c.time_zone)),
    entry("commit_every", "For about so long an import holds the write lock before it commits.", |c| {
        time(c.pace.commit_every)
    }),
    entry("round", "How many records are looked up, decided and written together.", |c| text(c.pace.round)),
    entry("max_columns", "The most columns that a record may have.", |c| text(c.limits.max_columns)),
    entry("max_record_size", "The most bytes that one record may have.", |c| size(c.limits.max_record_size as u64)),
    entry("max_line_breaks", "The most line breaks in a cell; a missing quote shows as absurdly many.", |c| {
        text(c.limits.max_line_breaks)
    }),
    entry("max_decompressed_size", "The most bytes that a gzip file may decompress to.", |c| {
        size_or_none(c.limits.max_decompressed_size)
    }),
    entry("max_ratio", "The most that a gzip file may grow by decompression.", |c| number_or_none(c.limits.max_ratio)),
];

const OIDC: &[Entry] = &[
    entry("issuer", "Who signs the JWTs that are taken.", |c| Shown::of(c.oidc.as_ref().map(|oidc| &oidc.issuer))),
    entry("audience", "What JWTs for this service have in 'aud'.", |c| {
        Shown::of(c.oidc.as_ref().map(|oidc| &oidc.audience))
    }),
    entry("jwks_url", "Where the issuer's keys are, if it does not say so itself.", |c| {
        Shown::of(c.oidc.as_ref().and_then(|oidc| oidc.jwks_url.as_ref()))
    }),
    entry("name_claim", "The claim that names who asks.", |c| Shown::of(c.oidc.as_ref().map(|oidc| &oidc.name_claim))),
    entry("role_claim", "The claim with the words that stand for roles.", |c| {
        Shown::of(c.oidc.as_ref().map(|oidc| &oidc.role_claim))
    }),
    entry("roles.admin", "The word for an admin.", |c| role_word(c, Role::Admin)),
    entry("roles.importer", "The word for an importer.", |c| role_word(c, Role::Importer)),
    entry("roles.viewer", "The word for a viewer.", |c| role_word(c, Role::Viewer)),
    entry("types_claim", "The claim with the object types to be seen; unless it is set, all are seen.", |c| {
        Shown::of(c.oidc.as_ref().and_then(|oidc| oidc.types_claim.as_ref()))
    }),
    entry(
        "client_id",
        "As whom the console sends people to the issuer to sign in; unless it is set, it does not.",
        |c| Shown::of(c.oidc.as_ref().and_then(|oidc| oidc.client.as_ref()).map(|client| &client.id)),
    ),
    entry("client_secret", "What the console proves that with, if the issuer wants a proof.", |c| {
        Shown::secret(c.oidc.as_ref().and_then(|oidc| oidc.client.as_ref()).and_then(|client| client.secret.as_ref()))
    }),
    entry("scopes", "What the issuer is asked for when somebody signs in.", |c| {
        Shown::of(c.oidc.as_ref().and_then(|oidc| oidc.client.as_ref()).map(|client| &client.scopes))
    }),
    entry("label", "What the issuer is called on the sign-in page.", |c| {
        Shown::of(c.oidc.as_ref().and_then(|oidc| oidc.client.as_ref()).map(|client| &client.label))
    }),
];

const SECRETS: &[Entry] = &[entry_or(
    "key",
    secrets::VARIABLE,
    "The key; unless it is set, one is made in the file 'secret.key' of the data directory when it is first needed.",
    |c| if c.secrets.is_set() { Shown::Secret } else { Shown::Nothing },
)];

const DROP_FOLDERS: &[Entry] = &[
    entry("local_roots", "The directories that their directories lie in.", |c| {
        let roots = c.drop_folder_limits.local_roots.iter().map(|root| root.display().to_string());
        Shown::of(Some(roots.collect::<Vec<_>>().join(", ")).filter(|roots| !roots.is_empty()))
    }),
    entry("allow_private", "Whether their endpoints and callbacks may be private addresses.", |c| {
        text(c.drop_folder_limits.allow_private)
    }),
];

impl Config {
    /// Every setting that there is, section by section, but for the drop folders of the file.
    pub fn overview(&self) -> Vec<SectionOverview> {
        let settings = |section: &Section| {
            let setting = |entry: &Entry| SettingOverview {
                key: entry.key,
                value: (entry.value)(self),
                source: self.source(section.name, entry),
                meaning: entry.meaning,
            };
            section.entries.iter().map(setting).collect()
        };
        let section = |section: &Section| SectionOverview {
            name: section.name,
            about: section.about,
            settings: settings(section),
        };
        SECTIONS.iter().map(section).collect()
    }

    fn source(&self, section: &str, entry: &Entry) -> Source {
        let variable = entry.variable.filter(|variable| self.environment.get(variable).is_some());
        let source = self.written.source(&format!("{section}.{}", entry.key), variable);
        match (section, entry.key, (entry.value)(self)) {
            // Where the file says nothing of them, they are those of the environment.
            _ if source != Source::Default => source,
            (_, _, Shown::Nothing) => source,
            ("spool", "access_key_id", _) => Source::Environment("AWS_ACCESS_KEY_ID"),
            ("spool", "secret_access_key", _) => Source::Environment("AWS_SECRET_ACCESS_KEY"),
            ("spool", "session_token", _) => Source::Environment("AWS_SESSION_TOKEN"),
            _ => source,
        }
    }
}

fn text(value: impl ToString) -> Shown {
    Shown::Text(value.to_string())
}

/// A number of bytes as it is written in the file, but for a blank.
fn size(bytes: u64) -> Shown {
    let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    text(unit.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit)))
}

fn size_or_none(bytes: u64) -> Shown {
    if bytes == 0 { text("0 (no limit)") } else { size(bytes) }
}

fn number_or_none(number: u64) -> Shown {
    if number == 0 { text("0 (no limit)") } else { text(number) }
}

fn time(length: Duration) -> Shown {
    let (seconds, millis) = (length.as_secs(), length.subsec_millis());
    text(match seconds {
        _ if millis > 0 => format!("{} ms", length.as_millis()),
        _ if seconds > 0 && seconds.is_multiple_of(60 * 60) => format!("{} h", seconds / 60 / 60),
        _ if seconds > 0 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    })
}

fn spool_bucket(config: &Config) -> Option<&SpoolBucket> {
    match &config.spool {
        SpoolSettings::Bucket(bucket) => Some(bucket),
        SpoolSettings::Own | SpoolSettings::Directory(_) => None,
    }
}

fn role_word(config: &Config, role: Role) -> Shown {
    let words = config.oidc.as_ref().map(|oidc| &oidc.roles);
    Shown::of(words.and_then(|words| words.iter().find(|(known, _)| *known == role)).map(|(_, word)| word))
}

/// The place of the repository, without anything that lets somebody in.
fn repository_shown(config: &Config) -> String {
    match &config.repository {
        RepositorySettings::Sqlite(path) => {
            format!("sqlite:{}", path.strip_prefix(&config.data).unwrap_or(path).display())
        }
        RepositorySettings::Postgres(settings) => settings.place(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SECTIONS, Shown};
    use crate::config::{Config, Environment, Source};

    fn config(text: &str, variables: &[(&str, &str)]) -> Config {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(Path::new("data"), text, "rollbook.toml", Environment::new(variables)).expect("settings")
    }

    /// The keys that a section of the file may have, in the words of whoever reads it.
    fn known(section: &str) -> Vec<String> {
        let heading = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let text = format!("{heading}no_such_setting = 1\n");
        let read = Config::parse(Path::new("data"), &text, "rollbook.toml", Environment::default());
        let said = read.expect_err("unknown").to_string();
        let (_, all) = said.split_once("expected ").unwrap_or_else(|| panic!("{said}"));
        all.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn no_setting_is_forgotten() {
        let mut sections = known("").into_iter().filter(|name| name != "drop_folder").collect::<Vec<_>>();
        sections.sort();
        let mut shown: Vec<_> = SECTIONS.iter().map(|section| section.name.to_owned()).collect();
        shown.sort();
        assert_eq!(shown, sections);
        for section in &SECTIONS {
            let mut expected = Vec::new();
            for key in known(section.name) {
                match (section.name, key.as_str()) {
                    ("server", "tls") => expected.extend(["tls.certificate", "tls.key"].map(str::to_owned)),
                    ("oidc", "roles") => {
                        expected.extend(known("oidc.roles").into_iter().map(|role| format!("roles.{role}")));
                    }
                    _ => expected.push(key),
                }
            }
            expected.sort();
            let mut keys: Vec<_> = section.entries.iter().map(|entry| entry.key.to_owned()).collect();
            keys.sort();
            assert_eq!(keys, expected, "[{}]", section.name);
            let is_sentence = |text: &str| text.ends_with('.') && text.starts_with(char::is_uppercase);
            assert!(section.entries.iter().all(|entry| is_sentence(entry.meaning)), "[{}]", section.name);
        }
    }

    /// What is shown of each setting: key, value, source.
    fn shown(config: &Config, section: &str) -> String {
        let found = config.overview().into_iter().find(|found| found.name == section).expect("a section");
        let line = |setting: super::SettingOverview| {
            let value = match setting.value {
                Shown::Text(text) => text,
                Shown::Secret => "(secret)".to_owned(),
                Shown::Nothing => "-".to_owned(),
            };
            format!("{} = {value} {:?}", setting.key, setting.source)
        };
        found.settings.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn values_are_those_in_force() {
        let default = config("", &[]);
        let sections = default.overview();
        let mut settings = sections.iter().flat_map(|section| &section.settings);
        assert!(settings.all(|setting| setting.source == Source::Default));
        insta::assert_snapshot!(shown(&default, "server"), @"
        listen = 127.0.0.1:8080 Default
        tls.certificate = - Default
        tls.key = - Default
        behind_proxy = false Default
        public_url = - Default
        request_timeout = 30 s Default
        header_timeout = 30 s Default
        body_timeout = 30 s Default
        min_body_rate = 1 KB Default
        max_body_size = 5 MB Default
        max_connections = 800 Default
        ");
        insta::assert_snapshot!(shown(&default, "import"), @"
        memory = 380 MB Default
        time_zone = UTC Default
        commit_every = 1800 ms Default
        round = 16384 Default
        max_columns = 2000 Default
        max_record_size = 1 MB Default
        max_line_breaks = 100 Default
        max_decompressed_size = 0 (no limit) Default
        max_ratio = 200 Default
        ");
        insta::assert_snapshot!(shown(&default, "upload"), @"
        max_size = 50 MB Default
        max_records = 0 (no limit) Default
        ");
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[repository]\nurl = 'postgres://u:sesame@db.example.com/px?application_name=sesame'\n\
                    [spool]\nurl = 's3://bulk'\naccess_key_id = 'AKIA'\nsecret_access_key = 'sesame'\n\
                    session_token = { env = 'T' }\n[oidc]\nissuer = 'https://a.example.com'\naudience = 'a'\n\
                    client_id = 'c'\nclient_secret = 'sesame'\n";
        let config = config(text, &[("T", "sesame"), ("ROLLBOOK_SECRETS_KEY", "sesame sesame sesame sesame sesame")]);
        let all = ["repository", "spool", "oidc", "secrets"].map(|section| shown(&config, section)).join("\n");
        assert!(!all.contains("sesame"), "{all}");
        insta::assert_snapshot!(all, @r#"
        url = postgres://db.example.com/px File(None)
        lease = 30 s Default
        url = s3://bulk File(None)
        region = - Default
        endpoint = - Default
        access_key_id = AKIA File(None)
        secret_access_key = (secret) File(None)
        session_token = (secret) File(Some(Env("T")))
        issuer = https://a.example.com File(None)
        audience = a File(None)
        jwks_url = - Default
        name_claim = sub Default
        role_claim = scope Default
        roles.admin = rollbook.admin Default
        roles.importer = rollbook.importer Default
        roles.viewer = rollbook.viewer Default
        types_claim = - Default
        client_id = c File(None)
        client_secret = (secret) File(None)
        scopes = openid Default
        label = a.example.com Default
        key = (secret) Environment("ROLLBOOK_SECRETS_KEY")
        "#);
    }

    #[test]
    fn keys_of_the_environment_are_told() {
        let ours = [("AWS_ACCESS_KEY_ID", "AKIA2"), ("AWS_SECRET_ACCESS_KEY", "sesame")];
        insta::assert_snapshot!(shown(&config("[spool]\nurl = 's3://bulk'\n", &ours), "spool"), @r#"
        url = s3://bulk File(None)
        region = - Default
        endpoint = - Default
        access_key_id = AKIA2 Environment("AWS_ACCESS_KEY_ID")
        secret_access_key = (secret) Environment("AWS_SECRET_ACCESS_KEY")
        session_token = - Default
        "#);
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        for url in [
            "postgres://u:sesame@h/x",
            "postgres://u:p%40?sesame@h1,h2:99/x?password=se@same",
            "postgres://u:1234?sesame@h/x",
            "postgres://h/x?user=u&password=sesame",
            "postgres://u:12/sesame@h/x",
        ] {
            let shown = shown(&config("", &[("ROLLBOOK_REPOSITORY_URL", url)]), "repository");
            assert!(!shown.contains("same") && !shown.contains("12"), "{shown}");
        }
    }
}
