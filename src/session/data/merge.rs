//! JSON Merge Patch (RFC 7396), from text to text. What the patch does not name is copied unchanged.

use super::{
    Failure,
    document::{Raw, Span, index},
    fields::Fields,
    node::reserve,
};

/// The target's member with a name of the patch.
#[derive(Clone, Copy)]
enum Old {
    Absent,
    /// The last value of that name, because readers take the last one.
    Value(Span),
    Done,
}

/// A member of the target that the patch names: its position, and that of its name in the patch.
struct Named {
    member: u32,
    change: u32,
}

/// Appends the result of applying `patch` to `target` to `out`. Members keep their order.
pub(super) fn merge(target: Option<Raw<'_>>, patch: Raw<'_>, out: &mut String) -> Result<(), Failure> {
    if !patch.is_object() {
        out.push_str(patch.text());
        return Ok(());
    }
    let target = target.filter(|target| target.is_object());
    let changes = Fields::read(patch)?;
    if let (Some(target), 0) = (target, changes.len()) {
        out.push_str(target.text());
        return Ok(());
    }
    let budget = patch.budget();
    budget.take::<Old>(changes.len())?;
    let mut old = vec![Old::Absent; changes.len()];
    let mut named = Vec::new();
    for ((name, value), member) in target.into_iter().flat_map(Raw::members).zip(0..) {
        budget.check()?;
        let Some(at) = changes.position(name) else { continue };
        if let (Some(last), Ok(change)) = (old.get_mut(at), u32::try_from(at)) {
            *last = Old::Value(value.span());
            reserve(&mut named, budget)?;
            named.push(Named { member, change });
        }
    }
    budget.check()?;

    out.push('{');
    let start = out.len();
    let mut next = named.iter().peekable();
    for ((name, value), member) in target.into_iter().flat_map(Raw::members).zip(0..) {
        let Some(named) = next.next_if(|named| named.member == member) else {
            begin_member(name, start, out);
            out.push_str(value.text());
            continue;
        };
        let at = index(named.change);
        let last = old.get_mut(at).map_or(Old::Absent, |old| std::mem::replace(old, Old::Done));
        if let (Some(change), Old::Value(last)) = (changes.value(at).filter(|change| !change.is_null()), last) {
            begin_member(name, start, out);
            merge(Some(value.other(last)), change, out)?;
        }
    }
    for ((name, change), old) in changes.iter().zip(&old) {
        if matches!(old, Old::Absent) && !change.is_null() {
            begin_member(name, start, out);
            merge(None, change, out)?;
        }
    }
    out.push('}');
    budget.give_back::<Old>(old.len());
    budget.give_back::<Named>(named.capacity());
    changes.done();
    Ok(())
}

/// Writes a name; `start` is where its object's first member starts.
fn begin_member(name: Raw<'_>, start: usize, out: &mut String) {
    if out.len() > start {
        out.push(',');
    }
    out.push_str(name.text());
    out.push(':');
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
