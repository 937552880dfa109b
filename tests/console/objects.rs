//! The pages of objects.
