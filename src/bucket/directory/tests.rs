use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::Directory;
use crate::error::{Error, Kind, Result};
use crate::run::Version;

/// A directory with one file, `users_import/current/a.csv.gz`, which says `hello`.
fn directory() -> (TempDir, Directory) {
    let root = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(root.path().join("users_import/current")).expect("folders");
    fs::write(root.path().join("users_import/current/a.csv.gz"), "hello").expect("a file");
    let directory = Directory::open(root.path(), "users_import").expect("a bucket");
    (root, directory)
}

fn read(directory: &Directory, key: &str, version: &Version) -> Result<String> {
    let mut text = Vec::new();
    directory.read(key, version, &mut |piece| {
        text.extend_from_slice(&piece);
        Ok(())
    })?;
    Ok(String::from_utf8(text).expect("text"))
}

fn look(directory: &Directory, key: &str) -> Version {
    directory.look(key).expect("looked").expect("a file")
}

fn kind<T>(result: Result<T>) -> Kind {
    result.map(|_| ()).expect_err("an error").kind()
}

/// The sentence, with the directory's own path out of it.
fn sentence(root: &Path, error: Error) -> String {
    error.to_string().replace(root.to_str().expect("a path"), "ROOT")
}

#[test]
fn what_is_written_is_listed_looked_at_read_copied_and_deleted() {
    let (root, directory) = directory();
    directory.write("processed/20210228/status.txt", 3, &mut &b"one"[..]).expect("written");
    let listing = directory.list("processed").expect("listed");
    assert_eq!((listing.files, listing.folders), (vec![], vec!["20210228".to_owned()]));
    let listed = directory.list("processed/20210228").expect("listed").files.remove(0);
    assert_eq!(listed.key, "processed/20210228/status.txt");
    assert_eq!(listed.version, look(&directory, &listed.key));
    assert_eq!(read(&directory, &listed.key, &listed.version).expect("read"), "one");
    directory.copy(&listed.key, &listed.version, "processed/20210228/_runs/1/status.txt").expect("copied");
    directory.delete(&listed.key, &listed.version).expect("deleted");
    directory.delete(&listed.key, &listed.version).expect("gone is no error");
    assert_eq!(directory.look(&listed.key).expect("looked"), None);
    let copy = root.path().join("users_import/processed/20210228/_runs/1/status.txt");
    assert_eq!(fs::read_to_string(copy).expect("the copy"), "one");
}

#[test]
fn a_replaced_file_is_neither_read_nor_copied_nor_deleted() {
    let (root, directory) = directory();
    let old = look(&directory, "current/a.csv.gz");
    let path = root.path().join("users_import/current/a.csv.gz");
    fs::write(path.with_extension("new"), "HELLO").expect("a file");
    fs::rename(path.with_extension("new"), &path).expect("replaced");
    assert_eq!(kind(read(&directory, "current/a.csv.gz", &old)), Kind::Outdated);
    assert_eq!(kind(directory.copy("current/a.csv.gz", &old, "processed/a.csv.gz")), Kind::Outdated);
    assert_eq!(kind(directory.delete("current/a.csv.gz", &old)), Kind::Outdated);
    assert_eq!(fs::read_to_string(&path).expect("still there"), "HELLO");
    assert_eq!(directory.look("processed/a.csv.gz").expect("looked"), None);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_outdated() {
    let (root, directory) = directory();
    let version = look(&directory, "current/a.csv.gz");
    let path = root.path().join("users_import/current/a.csv.gz");
    let read = directory.read("current/a.csv.gz", &version, &mut |_| {
        fs::write(&path, "hello, and more").expect("changed");
        Ok(())
    });
    assert_eq!(kind(read), Kind::Outdated);
}

#[test]
fn a_large_file_comes_in_pieces() {
    let (_root, directory) = directory();
    let content = vec![7; super::PIECE * 2 + 1];
    directory.write("processed/large", content.len() as u64, &mut content.as_slice()).expect("written");
    let mut sizes = Vec::new();
    let mut take = |piece: bytes::Bytes| {
        sizes.push(piece.len());
        Ok(())
    };
    directory.read("processed/large", &look(&directory, "processed/large"), &mut take).expect("read");
    assert_eq!(sizes, [super::PIECE, super::PIECE, 1]);
}

#[test]
fn what_was_not_written_whole_is_not_there() {
    let (root, directory) = directory();
    assert_eq!(kind(directory.write("processed/short", 5, &mut &b"four"[..])), Kind::Internal);
    assert_eq!(fs::read_dir(root.path().join("users_import/processed")).expect("a folder").count(), 0);
    // As a kill leaves it.
    let unfinished = root.path().join("users_import/processed").join(super::unfinished_name("whole"));
    fs::write(&unfinished, "who").expect("a file");
    assert_eq!(directory.list("processed").expect("listed"), super::Listing::default());
    directory.write("processed/whole", 5, &mut &b"whole"[..]).expect("written");
    assert!(!unfinished.exists());
}

#[test]
fn keys_that_lead_elsewhere_are_refused() {
    let (_root, directory) = directory();
    for key in
        ["../secret", "current/../../secret", "current//a", "/etc/passwd", "current/", ".", "a\0b", "a\\b", "a\nb"]
    {
        assert_eq!(kind(directory.look(key)), Kind::Request, "{key:?}");
        assert_eq!(kind(directory.write(key, 0, &mut &b""[..])), Kind::Request, "{key:?}");
    }
    assert!(Directory::open(Path::new("drop"), "../elsewhere").is_err());
}

#[test]
fn a_missing_directory_is_told_from_a_missing_folder() {
    let (root, directory) = directory();
    assert_eq!(directory.list("processed").expect("nothing"), super::Listing::default());
    fs::remove_dir_all(root.path()).expect("removed");
    let error = directory.list("current").expect_err("no directory");
    assert_eq!(error.kind(), Kind::Request);
    insta::assert_snapshot!(sentence(root.path(), error), @"there is no directory 'ROOT': make it, and in it the folder 'users_import/current'");
    assert_eq!(kind(directory.write("processed/a", 0, &mut &b""[..])), Kind::Request);
}

#[test]
fn a_folder_is_removed_only_if_it_is_empty() {
    let (root, directory) = directory();
    directory.remove_empty_folder("current").expect("tolerated");
    directory.remove_empty_folder("nowhere").expect("tolerated");
    assert!(root.path().join("users_import/current/a.csv.gz").exists());
    directory.delete("current/a.csv.gz", &look(&directory, "current/a.csv.gz")).expect("deleted");
    directory.remove_empty_folder("current").expect("removed");
    assert!(!root.path().join("users_import/current").exists());
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_no_file_is_left_alone_with_a_notice() {
        let (root, directory) = directory();
        let current = root.path().join("users_import/current");
        symlink("/etc/passwd", current.join("link.csv.gz")).expect("a link");
        symlink("/etc", current.join("folder")).expect("a link");
        fs::create_dir(current.join("directory.csv.gz")).expect("a directory");
        fs::write(current.join(OsStr::from_bytes(b"\xff.csv.gz")), "").expect("a file");
        fs::write(current.join("two\nlines.csv.gz"), "").expect("a file");
        let _socket = UnixListener::bind(current.join("socket.csv.gz")).expect("a socket");
        assert!(Command::new("mkfifo").arg(current.join("pipe.csv.gz")).status().expect("mkfifo").success());
        let listing = directory.list("current").expect("listed");
        assert_eq!(listing.files.iter().map(|file| &file.key).collect::<Vec<_>>(), ["current/a.csv.gz"]);
        assert_eq!(listing.folders, ["directory.csv.gz"]);
        insta::assert_snapshot!(listing.notices.join("\n"), @r"
        'folder' is a symbolic link, which is not followed, and is left alone
        'link.csv.gz' is a symbolic link, which is not followed, and is left alone
        'pipe.csv.gz' is neither a file nor a directory, and is left alone
        'socket.csv.gz' is neither a file nor a directory, and is left alone
        'two\nlines.csv.gz' has a name that cannot be used, and is left alone
        '�.csv.gz' has a name that cannot be used, and is left alone
        ");
    }

    #[test]
    fn nothing_is_followed_and_nothing_is_waited_for() {
        let (root, directory) = directory();
        let version = look(&directory, "current/a.csv.gz");
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("a.csv.gz"), "hello").expect("a file");
        let current = root.path().join("users_import/current");
        symlink(outside.path(), current.join("dt=20210228")).expect("a link");
        symlink(outside.path(), root.path().join("users_import/processed")).expect("a link");
        symlink(outside.path().join("a.csv.gz"), current.join("link")).expect("a link");
        assert!(Command::new("mkfifo").arg(current.join("pipe")).status().expect("mkfifo").success());
        for key in ["current/link", "current/pipe"] {
            assert_eq!(directory.look(key).expect("looked"), None);
            assert_eq!(kind(read(&directory, key, &version)), Kind::NotFound);
        }
        assert_eq!(kind(directory.list("current/dt=20210228")), Kind::Request);
        assert_eq!(kind(read(&directory, "current/dt=20210228/a.csv.gz", &version)), Kind::Request);
        let error = directory.write("processed/b", 0, &mut &b""[..]).expect_err("a link");
        insta::assert_snapshot!(sentence(root.path(), error), @"'ROOT/users_import/processed' is a symbolic link, which is not followed: it must be a directory");
        assert!(super::super::path::open(&current.join("link")).is_err());
        assert!(!outside.path().join("b").exists());
    }

    #[test]
    fn a_link_in_the_place_of_the_target_is_replaced() {
        let (root, directory) = directory();
        let outside = root.path().join("outside");
        fs::write(&outside, "safe").expect("a file");
        fs::create_dir(root.path().join("users_import/processed")).expect("a folder");
        symlink(&outside, root.path().join("users_import/processed/status.txt")).expect("a link");
        directory.write("processed/status.txt", 3, &mut &b"new"[..]).expect("written");
        assert_eq!(fs::read_to_string(&outside).expect("a file"), "safe");
        assert_eq!(look(&directory, "processed/status.txt").size, 3);
    }

    #[test]
    fn a_missing_right_is_named() {
        let (root, directory) = directory();
        let path = root.path().join("users_import/current/a.csv.gz");
        let version = look(&directory, "current/a.csv.gz");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("forbidden");
        if fs::File::open(&path).is_ok() {
            return; // Root may do everything.
        }
        let error = read(&directory, "current/a.csv.gz", &version).expect_err("forbidden");
        assert_eq!(error.kind(), Kind::Forbidden);
    }
}
