//! The console, visited with a browser that runs no JavaScript.

mod access;
mod imports;
mod integrations;
mod new_import;
mod objects;
mod oidc;
mod settings;
mod tokens;
mod types;
