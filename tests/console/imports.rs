//! The pages of imports.
