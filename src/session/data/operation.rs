//! One operation of a JSON Patch, and its JSON Pointers (RFC 6901).

use std::borrow::Cow;

use super::{
    Failure, OperationError, SyntaxError,
    document::Raw,
    names::{decoded, same_string},
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
        let path = path.and_then(Pointer::read).ok_or(malformed(SyntaxError::Path))?;
        let from = || from.and_then(Pointer::read).ok_or(malformed(SyntaxError::From));
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

/// A JSON Pointer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pointer(String);

impl Pointer {
    fn read(value: Raw<'_>) -> Option<Self> {
        let text = value.text().starts_with('"').then(|| decoded(value.text(), value.budget()))?;
        let is_escape = |piece: &str| piece.starts_with(['0', '1']);
        let is_pointer = (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(is_escape);
        is_pointer.then_some(Self(text))
    }

    /// The names and indices of the path.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        tokens(&self.0)
    }

    /// The tokens before the last one, and the last one. `None` for the whole document.
    pub(super) fn split(&self) -> Option<(impl Iterator<Item = Cow<'_, str>>, Cow<'_, str>)> {
        let (parent, last) = self.0.rsplit_once('/')?;
        Some((tokens(parent), token(last)))
    }

    /// Whether a value at this path is within the value at `other`.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(token)
}

fn token(text: &str) -> Cow<'_, str> {
    if text.contains('~') { text.replace("~1", "/").replace("~0", "~").into() } else { text.into() }
}

/// The index of an array element: digits without a leading zero.
pub(super) fn element_index(token: &str) -> Option<usize> {
    let is_index = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    token.parse().ok().filter(|_| is_index)
}
