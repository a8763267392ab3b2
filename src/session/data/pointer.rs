//! JSON Pointers (RFC 6901).

use std::borrow::Cow;

/// A JSON Pointer.
#[derive(Debug, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// `None` if the text violates the syntax of RFC 6901.
    pub fn new(text: String) -> Option<Self> {
        let is_escape = |piece: &str| piece.starts_with(['0', '1']);
        let is_pointer = (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(is_escape);
        is_pointer.then_some(Self(text))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
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

    /// Whether a value at one of these paths can be within a value at the other, or is the same.
    pub fn overlaps(&self, other: &Self) -> bool {
        self == other || self.is_within(other) || other.is_within(self)
    }
}

fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(token)
}

/// A name or an index without escapes.
pub(super) fn token(text: &str) -> Cow<'_, str> {
    if text.contains('~') { text.replace("~1", "/").replace("~0", "~").into() } else { text.into() }
}

/// The index of an array element: digits without a leading zero.
pub(super) fn element_index(token: &str) -> Option<usize> {
    let is_index = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    token.parse().ok().filter(|_| is_index)
}
