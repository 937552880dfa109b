//! The pages of object types.
