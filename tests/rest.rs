//! The REST door, asked with curl.

mod observed;
mod template;
