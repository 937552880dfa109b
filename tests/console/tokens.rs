//! The page of tokens.
