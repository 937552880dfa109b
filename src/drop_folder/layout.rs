//! To be written: which files of a drop folder are what (pure).
