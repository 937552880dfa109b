//! The failures of an import as a file that can be corrected and imported again.

use std::io::Write;
use std::path::{Path, PathBuf};

use rollbook::app::App;
use rollbook::error::Result;
use rollbook::failure::{Escape, FailuresWriter};
use rollbook::import::Import;

use super::new_file::NewFile;
use super::output::unwritable;

/// Writes all failures of an import.
pub(crate) fn write(app: &App, import: &Import, out: &mut dyn Write, escape: Escape) -> Result<()> {
    let mut writer = FailuresWriter::new(out, &import.header, escape).map_err(unwritable)?;
    app.repository.each_failure(import.id, u64::MAX, |failure| {
        writer.write(&failure.cells, &failure.plain_problem()).map_err(unwritable)
    })?;
    writer.finish().map(drop).map_err(unwritable)
}

/// Writes all failures of an import to a file.
pub(crate) fn write_file(app: &App, import: &Import, path: &Path, escape: Escape) -> Result<()> {
    let mut file = NewFile::create(path)?;
    write(app, import, &mut file, escape)?;
    file.finish()
}

/// The name of the failures file of the file that was named as the `number`th, from 1: `failed.csv`, `failed-2.csv`.
pub(crate) fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::numbered;

    #[test]
    fn further_files_are_numbered() {
        for (path, number, name) in [
            ("failed.csv", 1, "failed.csv"),
            ("failed.csv", 2, "failed-2.csv"),
            ("out/failed.errors.csv", 3, "out/failed.errors-3.csv"),
            ("failed", 2, "failed-2"),
        ] {
            assert_eq!(numbered(Path::new(path), number), Path::new(name));
        }
    }
}
