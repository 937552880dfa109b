//! The REST door, asked with curl.

mod access;
mod observed;
mod template;
mod upload;
