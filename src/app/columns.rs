//! What the columns of a file are taken for, one by one, for whoever shows it.

use crate::engine::columns::Columns;
use crate::fault::Fault;
use crate::plan::Plan;
use crate::schema::ObjectType;

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its place, from 1.
    pub number: usize,
    /// What it is taken for.
    pub taken: Taken,
}

/// What a column is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The property of this path.
    As(String),
    /// Nothing: it is passed over.
    PassedOver,
    /// Nothing, and that refuses the file.
    Wrong(Fault),
}

/// What the columns of this header are taken for, and what is wrong besides: columns that are missing.
pub fn columns_of(header: &[String], object_type: &ObjectType, plan: &Plan) -> (Vec<Column>, Vec<Fault>) {
    let plan = plan.clone().normalised();
    let Columns { paths, faults, .. } = Columns::new(header, object_type, &plan);
    let columns = header.iter().zip(paths).zip(1..).map(|((name, path), number)| {
        let wrong = faults.iter().find(|fault| is_about(fault, number));
        let taken = match (wrong, path) {
            (Some(fault), _) => Taken::Wrong(fault.clone()),
            (None, Some(path)) => Taken::As(path),
            (None, None) => Taken::PassedOver,
        };
        Column { name: name.clone(), number, taken }
    });
    let columns = columns.collect();
    let missing = faults.into_iter().filter(|fault| matches!(fault, Fault::MissingColumn { .. }));
    (columns, missing.collect())
}

/// Whether a fault is one of the column at this place.
fn is_about(fault: &Fault, at: usize) -> bool {
    match fault {
        Fault::UnknownColumn { number, .. }
        | Fault::BlankColumn { number }
        | Fault::DisabledColumn { number, .. }
        | Fault::ReadOnlyColumn { number, .. }
        | Fault::PrivateColumn { number, .. }
        | Fault::RelationshipColumn { number, .. } => *number == at,
        Fault::DuplicateColumn { numbers: (first, second), .. } => *first == at || *second == at,
        Fault::NotSeparated { .. } => true,
        _ => false,
    }
}
