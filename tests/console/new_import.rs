//! Sending files.
//!
//! * `access`: who may send them, from which pages, and what is in them.
//! * `again`: what did not go in the first time.
//! * `refused`: files and choices that cannot be.
//! * `report`: what would happen, and then the import.

mod access;
mod again;
mod refused;
mod report;

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::visitor::{Page, Visitor};

/// Longer than any of these files takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

const USERS: &str = "userName,givenName,sn,mail\nann,Ann,Lee,ann@example.com\nbob,Bob,Ray,bob@example.com\n";

/// When somebody sends a file from the form at this address, and waits for its report.
fn sent(visitor: &mut Visitor, form: &str, name: &str, content: impl AsRef<[u8]>) -> Page {
    let mut form = visitor.go(form).form("Check the file");
    form.attach("file", name, content);
    let page = visitor.press(&form, "Check the file");
    settled(visitor, page)
}

/// The report once the dry run is over; any other page as it is.
fn settled(visitor: &mut Visitor, mut page: Page) -> Page {
    let deadline = Instant::now() + PATIENCE;
    while page.html.contains("http-equiv=\"refresh\"") {
        assert!(Instant::now() < deadline, "the dry run is not over:\n{}", page.text());
        sleep(Duration::from_millis(20));
        page = visitor.go(&page.address);
    }
    page
}

/// The id at the end of an address.
fn id_of(page: &Page) -> String {
    page.address.rsplit('/').next().unwrap().to_owned()
}

/// What the report says in its notice.
fn notice(page: &Page) -> String {
    page.text_of("class", "notice")
}
