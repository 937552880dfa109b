//! The command line as people use it: given files, when this is typed, then that is printed.

mod check;
mod help;
mod import;
mod imports;
mod objects;
mod token;
mod types;

/// Four people, all well.
const USERS: &str = "\
userName,givenName,sn,mail,preferences/updates
bjensen,Barbara,Jensen,bjensen@example.com,true
scarter,Sam,Carter,scarter@example.com,false
jdoe,Jürgen,Doe,jdoe@example.com,
awhite,Alan,White,awhite@example.com,TRUE
";

/// Four people, of whom the second has no mail address and the fourth two things wrong.
const FAULTY_USERS: &str = "\
userName,givenName,sn,mail,preferences/updates
bjensen,Barbara,Jensen,bjensen@example.com,true
scarter,Sam,Carter,nowhere,false
jdoe,Jürgen,Doe,jdoe@example.com,
awhite,Alan,,awhite@example.com,maybe
";

const IMPORT_USERS: &str = "import users.csv --into managed/user --unique userName";
