//! One operation of a JSON Patch.

use super::{
    Failure, OperationError, SyntaxError,
    document::Raw,
    names::{decoded, same_string},
    pointer::Pointer,
};

#[derive(Debug)]
pub(super) struct Operation<'t> {
    pub(super) path: Pointer,
    pub(super) what: OperationKind<'t>,
}

#[derive(Debug)]
pub(super) enum OperationKind<'t> {
    Add(Raw<'t>),
    Remove,
    Replace(Raw<'t>),
    Move { from: Pointer },
    Copy { from: Pointer },
    Test(Raw<'t>),
}

impl<'t> Operation<'t> {
    /// Reads an operation. Unknown members are ignored.
    pub(super) fn read(operation: Raw<'t>) -> Result<Self, Failure> {
        let malformed = |what| Failure::OperationError(OperationError::Malformed(what));
        if !operation.is_object() {
            return Err(malformed(SyntaxError::NotAnObject));
        }
        const NAMES: [&str; 4] = [r#""op""#, r#""path""#, r#""from""#, r#""value""#];
        let budget = operation.budget();
        let mut found = [None; 4];
        for (name, value) in operation.members() {
            let known = NAMES.iter().position(|known| same_string(known, name.text(), budget));
            if let Some(slot) = known.and_then(|at| found.get_mut(at))
                && slot.replace(value).is_some()
            {
                return Err(malformed(SyntaxError::DuplicateMember));
            }
        }
        let [op, path, from, value] = found;
        let path = path.and_then(pointer).ok_or(malformed(SyntaxError::Path))?;
        let from = || from.and_then(pointer).ok_or(malformed(SyntaxError::From));
        let value = value.ok_or(malformed(SyntaxError::Value));
        let op = op.filter(|op| op.text().starts_with('"')).map(|op| decoded(op.text(), budget));
        let what = match op.as_deref() {
            Some("add") => OperationKind::Add(value?),
            Some("remove") => OperationKind::Remove,
            Some("replace") => OperationKind::Replace(value?),
            Some("move") => OperationKind::Move { from: from()? },
            Some("copy") => OperationKind::Copy { from: from()? },
            Some("test") => OperationKind::Test(value?),
            _ => return Err(malformed(SyntaxError::Op)),
        };
        Ok(Self { path, what })
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.what {
            OperationKind::Add(_) => "add",
            OperationKind::Remove => "remove",
            OperationKind::Replace(_) => "replace",
            OperationKind::Move { .. } => "move",
            OperationKind::Copy { .. } => "copy",
            OperationKind::Test(_) => "test",
        }
    }
}

fn pointer(value: Raw<'_>) -> Option<Pointer> {
    let text = value.text().starts_with('"').then(|| decoded(value.text(), value.budget()))?;
    Pointer::new(text)
}
