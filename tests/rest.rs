//! The REST door, asked with curl.

mod access;
mod article;
mod config;
mod drop_folder;
mod events;
mod failures;
mod managed;
mod metadata;
mod observed;
mod oidc;
mod roles;
mod running;
mod server;
mod template;
mod upload;
mod upload_cut;
mod upload_repeated;
mod wire;
