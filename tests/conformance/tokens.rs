//! Tokens: found by the digest of their secrets, until they expire or are revoked.

use std::time::Duration;

use rollbook::clock;
use rollbook::error::Kind;
use rollbook::repository::Repository;
use rollbook::token::{Digest, Role, Token};

use super::{Open, type_name};

fn token(id: &str, name: &str) -> Token {
    Token {
        id: id.to_owned(),
        name: name.parse().unwrap(),
        role: Role::Viewer,
        object_types: None,
        created: clock::now(),
        expires: None,
    }
}

pub(super) fn kept_as_they_are(repository: &Repository, open: Open<'_>) {
    let types = ["managed/user", "managed/thing"].map(type_name);
    let scoped = Token {
        role: Role::Importer,
        object_types: Some(types.into_iter().collect()),
        expires: clock::ahead(Duration::from_secs(1000)),
        ..token("2", "Zoë's laptop")
    };
    let nothing = Token { role: Role::Admin, object_types: Some([].into()), ..token("3", "blind") };
    let all = [token("1", "dashboard"), scoped, nothing];
    for token in &all {
        repository.add_token(token, &Digest::of(&token.id)).unwrap();
    }
    let other = open();
    assert_eq!(other.tokens().unwrap(), all, "oldest first");
    for token in &all {
        assert_eq!(other.token(&Digest::of(&token.id)).unwrap().as_ref(), Some(token));
        assert_eq!(other.token_of_id(&token.id).unwrap().as_ref(), Some(token));
    }
    assert_eq!(other.token(&Digest::of("4")).unwrap(), None);
    assert_eq!((other.token_of_id("4").unwrap(), other.token_of_id("1\0").unwrap()), (None, None));
}

pub(super) fn names_and_secrets_are_not_shared(repository: &Repository, open: Open<'_>) {
    repository.add_token(&token("1", "a"), &Digest::of("x")).unwrap();
    let other = open();
    for (name, secret) in [("a", "y"), ("b", "x"), ("a", "x")] {
        let error = other.add_token(&token("2", name), &Digest::of(secret)).unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict, "{name} {secret}");
    }
    assert_eq!(other.put_token(&token("2", "b"), &Digest::of("x")).unwrap_err().kind(), Kind::Conflict);
    other.add_token(&token("2", "A"), &Digest::of("y")).unwrap();
    assert_eq!(repository.tokens().unwrap().len(), 2);
}

pub(super) fn expire(repository: &Repository, open: Open<'_>) {
    let past = Token { expires: Some(clock::now()), ..token("1", "a") };
    repository.add_token(&past, &Digest::of("x")).unwrap();
    let other = open();
    assert_eq!(other.token(&Digest::of("x")).unwrap(), None);
    assert_eq!(other.token_of_id("1").unwrap(), None);
    assert_eq!(other.tokens().unwrap(), [past], "it is shown until somebody takes its name");
    other.add_token(&token("2", "a"), &Digest::of("x")).unwrap();
    assert_eq!(repository.token(&Digest::of("x")).unwrap().unwrap().id, "2");
    assert_eq!(repository.tokens().unwrap().len(), 1);
}

pub(super) fn replaced(repository: &Repository, open: Open<'_>) {
    repository.put_token(&token("1", "a"), &Digest::of("x")).unwrap();
    open().put_token(&token("2", "a"), &Digest::of("y")).unwrap();
    assert_eq!(repository.token(&Digest::of("x")).unwrap(), None);
    assert_eq!(repository.token(&Digest::of("y")).unwrap().unwrap().id, "2");
    open().put_token(&token("3", "a"), &Digest::of("y")).unwrap();
    assert_eq!(repository.tokens().unwrap().len(), 1);
}

pub(super) fn revoked(repository: &Repository, open: Open<'_>) {
    let [one, two] = [token("1", "a"), token("2", "b")];
    repository.add_token(&one, &Digest::of("x")).unwrap();
    repository.add_token(&two, &Digest::of("y")).unwrap();
    assert_eq!(open().revoke_token("1").unwrap(), one);
    assert_eq!(repository.token(&Digest::of("x")).unwrap(), None);
    assert_eq!(repository.tokens().unwrap(), [two]);
    assert_eq!(open().revoke_token("1").unwrap_err().kind(), Kind::NotFound);
}
