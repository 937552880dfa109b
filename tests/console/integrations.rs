//! The pages of drop folders.
