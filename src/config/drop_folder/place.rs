//! Where the files of a drop folder lie: reading it, and telling whether two drop folders would take the same files.

use std::path::{Component, Path, PathBuf};

use super::{Bucket, DropFolder};

/// A bucket as it was written, read. Paths in `data` are resolved as far as they exist, so that one directory has one
/// path.
///
/// # Errors
/// What is wrong with it, for a sentence that begins with it.
pub(in crate::config) fn read_bucket(text: &str, data: &Path) -> Result<Bucket, String> {
    match scheme(text) {
        Some(("file", path)) => read_directory(path, data).map(Bucket::Directory),
        Some(("s3", rest)) => read_s3(rest.trim_start_matches('/')),
        Some(_) => Err(format!("is not a bucket: {FORMS}")),
        None => read_s3(text),
    }
}

const FORMS: &str = "write 'BUCKET/FOLDER', 's3://BUCKET/FOLDER', 'file:DIRECTORY' for one in the data directory, or \
                     'file:///DIRECTORY'";

/// What stands before the first colon, in lower case, and what behind it. Names of buckets have none.
fn scheme(text: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let known = ["file", "s3"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
    Some((known.unwrap_or(""), rest))
}

fn read_directory(path: &str, data: &Path) -> Result<PathBuf, String> {
    let path = match path.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("names a host: write 'file:///DIRECTORY'".to_owned()),
        None => path,
    };
    if path.contains(char::is_control) {
        return Err("has control characters".to_owned());
    }
    if Path::new(path).components().any(|part| part == Component::ParentDir) {
        return Err("has '..' in it: write the path without".to_owned());
    }
    if Path::new(path).components().all(|part| matches!(part, Component::RootDir | Component::CurDir)) {
        return Err("names no directory: write for example 'file:drop'".to_owned());
    }
    Ok(resolved(&data.join(path)))
}

fn read_s3(text: &str) -> Result<Bucket, String> {
    let text = text.trim_matches('/');
    let (name, folders) = text.split_once('/').unwrap_or((text, ""));
    if !is_bucket_name(name) {
        return Err("has no name of a bucket, which is 3 to 63 letters, digits, '-', '.' and '_'".to_owned());
    }
    let folders = read_path(folders)?;
    Ok(Bucket::S3 { name: name.to_owned(), folders })
}

/// S3's rules, and those that buckets made before March 2018 were made by: with capitals and `_`.
fn is_bucket_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_outer = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let is_address = name.parse::<std::net::Ipv4Addr>().is_ok();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_known(*byte))
        && is_outer(bytes.first())
        && is_outer(bytes.last())
        && !is_address
        && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
}

/// How long a path in a bucket may be: S3 takes 1,024 bytes, of which names below it need some.
const LONGEST: usize = 500;

/// A path in a bucket, without outer slashes; the empty one is the top.
pub(super) fn read_path(path: &str) -> Result<String, String> {
    let path = path.trim_matches('/');
    if path.contains(char::is_control) {
        return Err("has control characters".to_owned());
    }
    if path.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    match path.split('/').find(|part| matches!(*part, "" | "." | "..")) {
        Some(_) if path.is_empty() => Ok(String::new()),
        Some("") => Err("has two slashes in a row".to_owned()),
        Some(part) => Err(format!("has '{part}' in it: write the path without")),
        None => Ok(path.to_owned()),
    }
}

/// The path without symbolic links, as far as it exists.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut known = path.as_path();
    let mut names = Vec::new();
    loop {
        if let Ok(found) = known.canonicalize() {
            return names.iter().rev().fold(found, |path, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (known.parent(), known.file_name()) else { return path };
        names.push(name);
        known = parent;
    }
}

/// Where a drop folder works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    name: String,
    store: String,
    path: String,
}

impl Ground {
    /// Why its drop folder cannot be beside the other one, if it cannot: it has the same name, or a file of one would be a
    /// file of the other.
    pub fn clash(&self, other: &Ground) -> Option<String> {
        let Ground { name, store, path } = self;
        if *name == other.name {
            return Some(format!("drop folder '{name}': there is another one of this name"));
        }
        let shares = *store == other.store && (works_in(path, &other.path) || works_in(&other.path, path));
        shares.then(|| {
            let other = &other.name;
            format!("drop folder '{name}' would take the files of drop folder '{other}': give each a folder of its own")
        })
    }
}

/// Whether the drop folder at `outer` works in `inner`: it is the same, or below its `current` or `processed`.
fn works_in(outer: &str, inner: &str) -> bool {
    let below = match inner.strip_prefix(outer) {
        Some(below) if outer.is_empty() || below.is_empty() => below,
        Some(below) => match below.strip_prefix('/') {
            Some(below) => below,
            None => return false,
        },
        None => return false,
    };
    matches!(below.split('/').next(), Some("" | "current" | "processed"))
}

impl DropFolder {
    /// The place of its files, as the ledger knows it: the same for two drop folders that would take the same files.
    pub fn place(&self) -> String {
        let (store, path) = self.parts(|path| path);
        match &self.bucket {
            Bucket::Directory(_) => format!("file:{path}"),
            Bucket::S3 { .. } => format!("s3:{store}/{path}"),
        }
    }

    /// Where it works, to be held against where others do.
    pub fn ground(&self) -> Ground {
        let (store, path) = self.parts(|path| resolved(&path));
        Ground { name: self.name.clone(), store, path }
    }

    /// The store, and the path in it; that of a directory is passed through `end`.
    fn parts(&self, end: impl Fn(PathBuf) -> PathBuf) -> (String, String) {
        match &self.bucket {
            Bucket::Directory(directory) => {
                let path = self.base_folder.split('/').filter(|part| !part.is_empty());
                let path = path.fold(directory.clone(), |path, part| path.join(part));
                (String::new(), end(path).display().to_string())
            }
            Bucket::S3 { name, folders } => {
                let parts = [name, folders, &self.base_folder].map(String::as_str);
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                (self.s3.endpoint.as_deref().map_or_else(|| AWS.to_owned(), store), parts.join("/"))
            }
        }
    }
}

const AWS: &str = "aws";

/// Which server an endpoint is, however it is written.
fn store(endpoint: &str) -> String {
    let endpoint = endpoint.to_ascii_lowercase();
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", &endpoint));
    let host = rest.trim_end_matches('/');
    let host = host.strip_suffix(if scheme == "http" { ":80" } else { ":443" }).unwrap_or(host);
    match host.strip_prefix("localhost") {
        _ if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") => AWS.to_owned(),
        Some(port) if port.is_empty() || port.starts_with(':') => format!("127.0.0.1{port}"),
        _ => host.to_owned(),
    }
}
