//! `rollbook drop-folder test` and `policy`.

use rollbook::drop_folder::{DropFolders, Policies, Probed, Right};
use rollbook::error::Result;

use crate::cli::Verdict;
use crate::cli::context::Context;
use crate::cli::table::Table;

pub(crate) fn test(context: &mut Context, folders: &DropFolders, name: &str) -> Result<Verdict> {
    let probe = folders.test(name)?;
    let verdict = if probe.is_good() { Verdict::Good } else { Verdict::Refused };
    if context.out.json {
        context.out.json(&probe.to_json(name))?;
        return Ok(verdict);
    }
    let mut table = Table::without_headings();
    for Probed { right, problem } in probe.rights {
        table.row([format!("  {}", sentence(right)), problem.unwrap_or_else(|| "ok".to_owned())]);
    }
    context.out.line(format!("{name} at {}:\n\n{table}", probe.place))?;
    Ok(verdict)
}

/// What it means to have a right.
fn sentence(right: Right) -> &'static str {
    match right {
        Right::Assume => "the role can be assumed with the ExternalId",
        Right::Guard => "the role cannot be assumed without it",
        Right::List => "files can be listed",
        Right::Read => "files can be read",
        Right::Write => "files can be written under 'processed'",
        Right::Delete => "files can be deleted",
    }
}

pub(crate) fn policy(context: &mut Context, folders: &DropFolders, name: &str) -> Result<Verdict> {
    let policies = folders.policies(name)?;
    if context.out.json {
        context.out.json(&policies.to_json(name))?;
        return Ok(Verdict::Good);
    }
    let Policies { external_id, trust, role } = policies;
    let whose = match trust {
        None => "user of the access key",
        Some(trust) => {
            context.out.line(format!("ExternalId: {external_id}\n\nTrust policy of the role:"))?;
            context.out.pretty_json(&trust)?;
            context.out.line("")?;
            "role"
        }
    };
    context.out.line(format!("Permissions of the {whose}:"))?;
    context.out.pretty_json(&role)?;
    Ok(Verdict::Good)
}
