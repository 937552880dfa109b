//! The REST door, asked with curl.

mod access;
mod managed;
mod observed;
mod oidc;
mod template;
mod upload;
