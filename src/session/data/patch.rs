//! JSON Patch (RFC 6902), bounded in time and memory.

use json_patch::{
    AddOperation, CopyOperation, Patch, PatchOperation, ReplaceOperation,
    jsonptr::{Pointer, index::Index},
};
use serde_json::Value;

use super::{BadData, Change, DEEPEST};

/// Applies the operations one after the other. On an error `target` is left half changed, for its owner to throw away.
///
/// A few bytes of patch can copy megabytes, double what they doubled before, or shift a long array thousands of times.
/// So each operation is weighed before it is done: `limit` bounds how large the result may become on the way, and a small
/// multiple of it how many bytes and elements all operations together may touch.
pub(super) fn patch(target: &mut Value, operations: Patch, limit: usize) -> Result<(), Change> {
    let mut room = Room { limit, size: Size::of(target).bytes, work: limit.saturating_mul(4).saturating_add(1 << 16) };
    operations.0.into_iter().try_for_each(|operation| apply(target, operation, &mut room))
}

fn apply(target: &mut Value, operation: PatchOperation, room: &mut Room) -> Result<(), Change> {
    match operation {
        PatchOperation::Test(test) => {
            let found = find(target, &test.path)?;
            room.spend(Size::of(found).bytes)?;
            if same(found, &test.value) { Ok(()) } else { Err(Change::Bad(BadData::TestFailed)) }
        }
        PatchOperation::Add(AddOperation { path, value }) => add(target, &path, value, room),
        PatchOperation::Replace(ReplaceOperation { path, value }) => {
            find(target, &path)?;
            let size = Size::of(&value);
            room.admit(size, depth(&path))?;
            *target.pointer_mut(path.as_str()).ok_or(MISSING)? = value;
            room.grow(target, size.bytes)
        }
        PatchOperation::Remove(remove) => take(target, &remove.path, room).map(drop),
        PatchOperation::Move(r#move) => {
            if r#move.from == r#move.path {
                return find(target, &r#move.from).map(drop);
            }
            if r#move.path.starts_with(&r#move.from) {
                return Err(Change::Bad(BadData::IntoItself));
            }
            let value = take(target, &r#move.from, room)?;
            add(target, &r#move.path, value, room)
        }
        PatchOperation::Copy(CopyOperation { from, path }) => {
            let source = find(target, &from)?;
            // Weighed first: the copy itself is what costs.
            room.admit(Size::of(source), depth(&path))?;
            let copy = source.clone();
            add(target, &path, copy, room)
        }
    }
}

const MISSING: Change = Change::Bad(BadData::NoSuchPlace);

fn find<'v>(target: &'v Value, path: &Pointer) -> Result<&'v Value, Change> {
    target.pointer(path.as_str()).ok_or(MISSING)
}

fn depth(path: &Pointer) -> usize {
    path.tokens().count()
}

fn add(target: &mut Value, path: &Pointer, value: Value, room: &mut Room) -> Result<(), Change> {
    let size = Size::of(&value);
    room.admit(size, depth(path))?;
    let grown = size.bytes + path.last().map_or(0, |name| name.encoded().len() + 4);
    let Some((parent, _)) = path.split_back() else {
        *target = value;
        return room.grow(target, grown);
    };
    // An insertion shifts what stands behind it.
    if let Some(Value::Array(elements)) = target.pointer(parent.as_str()) {
        room.spend(elements.len())?;
    }
    let operation = PatchOperation::Add(AddOperation { path: path.to_owned(), value });
    json_patch::patch_unsafe(target, std::slice::from_ref(&operation)).map_err(|_| MISSING)?;
    room.grow(target, grown)
}

/// Takes a value out. The crate's removal would move the last member into the gap; here members keep their order.
fn take(target: &mut Value, path: &Pointer, room: &mut Room) -> Result<Value, Change> {
    let (parent, name) = path.split_back().ok_or(MISSING)?;
    match target.pointer_mut(parent.as_str()) {
        Some(Value::Object(members)) => {
            room.spend(members.len())?;
            members.shift_remove(name.decoded().as_ref()).ok_or(MISSING)
        }
        Some(Value::Array(elements)) => {
            room.spend(elements.len())?;
            match name.to_index() {
                Ok(Index::Num(at)) if at < elements.len() => Ok(elements.remove(at)),
                _ => Err(MISSING),
            }
        }
        _ => Err(MISSING),
    }
}

/// Whether two values are equal as RFC 6902 section 4.6 means it: numbers by value, objects in any order.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || decimal(one.as_str()).is_some_and(|one| Some(one) == decimal(other.as_str()))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let equal = |(name, value)| other.get::<String>(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(equal)
        }
        _ => one == other,
    }
}

/// What a JSON number says exactly: whether it is negative, its digits without zeros at either end, and the power of ten of
/// the last one. A double would round some numbers to others. `None` for an exponent beyond all use.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (is_negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, fraction].concat();
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return Some((false, String::new(), 0));
    }
    let power = exponent
        .parse::<i64>()
        .ok()?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(i64::try_from(digits.len() - short.len()).ok()?)?;
    Some((is_negative, short.trim_start_matches('0').to_owned(), power))
}

/// What a value takes: bytes of compact JSON (escapes not counted) and levels of nesting.
#[derive(Clone, Copy)]
struct Size {
    bytes: usize,
    levels: usize,
}

impl Size {
    fn of(value: &Value) -> Self {
        let children = |sizes: &mut dyn Iterator<Item = (usize, Self)>| {
            // Each is followed by a comma or by the closing bracket.
            let start = Self { bytes: 1, levels: 1 };
            let all = sizes.fold(start, |all, (name, size)| Self {
                bytes: all.bytes + name + size.bytes + 1,
                levels: all.levels.max(size.levels + 1),
            });
            Self { bytes: all.bytes.max(2), ..all }
        };
        match value {
            Value::Null | Value::Bool(_) => Self { bytes: 4, levels: 0 },
            Value::Number(number) => Self { bytes: number.as_str().len(), levels: 0 },
            Value::String(text) => Self { bytes: text.len() + 2, levels: 0 },
            Value::Array(elements) => children(&mut elements.iter().map(|element| (0, Self::of(element)))),
            Value::Object(members) => {
                children(&mut members.iter().map(|(name, value)| (name.len() + 3, Self::of(value))))
            }
        }
    }
}

/// What a patch may still take.
struct Room {
    /// The largest size that the whole may have at any time, in bytes.
    limit: usize,
    /// A size that the whole does not exceed.
    size: usize,
    /// How many bytes and elements may still be touched.
    work: usize,
}

impl Room {
    fn spend(&mut self, work: usize) -> Result<(), Change> {
        self.work = self.work.checked_sub(work).ok_or(Change::TooMuchWork)?;
        Ok(())
    }

    /// Lets a value in at a depth.
    fn admit(&mut self, size: Size, depth: usize) -> Result<(), Change> {
        if depth + size.levels > DEEPEST {
            return Err(Change::Bad(BadData::TooDeep));
        }
        if size.bytes > self.limit {
            return Err(Change::TooBig);
        }
        self.spend(size.bytes)
    }

    /// Counts what has come in. What went out is only counted when it matters: measuring costs as much as copying.
    fn grow(&mut self, target: &Value, bytes: usize) -> Result<(), Change> {
        self.size += bytes;
        if self.size > self.limit {
            self.size = Size::of(target).bytes;
            if self.size > self.limit {
                return Err(Change::TooBig);
            }
            self.spend(self.size)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
