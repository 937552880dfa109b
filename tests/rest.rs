//! The REST door, asked with curl.

mod template;
