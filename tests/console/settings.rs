//! The page of settings.
