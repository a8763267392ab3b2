//! The data during a patch: unchanged parts stay text, and only the arrays and objects on the paths of the patch are
//! parsed.

use super::{
    Budget, Failure,
    document::Raw,
    names::{Index, decodes_to, hash, hash_decoded, same_string},
};

/// A value. Cloning a raw value is cheap at any size.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "an untouched value, of which there are many, takes a quarter less memory")]
pub(super) enum Node<'t> {
    /// Unchanged text.
    Raw(Raw<'t>),
    Array(Box<Vec<Node<'t>>>),
    /// Names are unique: of members with the same name the last value stays, at the first position.
    Object(Box<Vec<Member<'t>>>),
}

pub(super) type Member<'t> = (Name<'t>, Node<'t>);

/// The hash of a name, and the name: a JSON string with its quotes.
#[derive(Clone, Debug)]
pub(super) enum Name<'t> {
    Raw(u32, Raw<'t>),
    /// From a path.
    New(u32, Box<str>),
}

impl Name<'_> {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Raw(_, raw) => raw.text(),
            Self::New(_, text) => text,
        }
    }

    const fn hash(&self) -> u32 {
        match self {
            Self::Raw(hash, _) | Self::New(hash, _) => *hash,
        }
    }
}

impl<'t> Node<'t> {
    /// Parses the text of an array or object one level deep. Returns by how many bytes it becomes shorter when
    /// written: white space and all but the last value of a name are dropped.
    pub(super) fn open(&mut self, budget: &Budget) -> Result<usize, Failure> {
        let Self::Raw(raw) = *self else { return Ok(0) };
        if raw.is_array() {
            let count = raw.elements().count();
            budget.take::<Self>(count)?;
            let mut elements = Vec::with_capacity(count);
            elements.extend(raw.elements().map(Self::Raw));
            *self = Self::Array(Box::new(elements));
        } else if raw.is_object() {
            let count = raw.members().count();
            budget.take::<Member<'t>>(count)?;
            let mut members: Vec<Member<'t>> = Vec::with_capacity(count);
            let mut index = Index::new(count, budget)?;
            for (name, value) in raw.members() {
                budget.check()?;
                let hash = hash(name.text(), budget);
                let known = index.enter(hash, |at| {
                    members.get(at).is_some_and(|(known, _)| {
                        known.hash() == hash && same_string(known.text(), name.text(), budget)
                    })
                });
                match known.and_then(|at| members.get_mut(at)) {
                    Some((_, last)) => *last = Self::Raw(value),
                    None => members.push((Name::Raw(hash, name), Self::Raw(value))),
                }
            }
            index.done(budget);
            *self = Self::Object(Box::new(members));
        } else {
            return Ok(0);
        }
        let len = self.len(budget);
        budget.check()?;
        Ok(raw.len().saturating_sub(len))
    }

    /// The length in bytes when written.
    pub(super) fn len(&self, budget: &Budget) -> usize {
        budget.spend(1);
        // A comma or the closing bracket follows each part.
        match self {
            Self::Raw(raw) => raw.len(),
            Self::Array(elements) => 2.max(1 + elements.iter().map(|element| element.len(budget) + 1).sum::<usize>()),
            Self::Object(members) => {
                let sizes = members.iter().map(|(name, value)| name.text().len() + value.len(budget) + 2);
                2.max(1 + sizes.sum::<usize>())
            }
        }
    }

    /// The nesting depth. Wrong if the budget is exhausted.
    pub(super) fn levels(&self, budget: &Budget) -> usize {
        budget.spend(1);
        match self {
            Self::Raw(raw) => {
                let nests = (raw.is_array() || raw.is_object()) && budget.check().is_ok();
                budget.spend(if nests { raw.len() } else { 0 });
                if nests { super::depth(raw.text().as_bytes()) } else { 0 }
            }
            Self::Array(elements) => 1 + elements.iter().map(|value| value.levels(budget)).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.levels(budget)).max().unwrap_or(0),
        }
    }

    /// A copy, whose memory is reserved first.
    pub(super) fn copy(&self, budget: &Budget) -> Result<Self, Failure> {
        self.take_memory(budget)?;
        Ok(self.clone())
    }

    fn take_memory(&self, budget: &Budget) -> Result<(), Failure> {
        match self {
            Self::Raw(_) => budget.check(),
            Self::Array(elements) => {
                budget.take::<Self>(elements.len() + 1)?;
                elements.iter().try_for_each(|element| element.take_memory(budget))
            }
            Self::Object(members) => {
                budget.take::<Member<'t>>(members.len() + 1)?;
                members.iter().try_for_each(|(name, value)| {
                    if let Name::New(_, text) = name {
                        budget.take::<u8>(text.len())?;
                    }
                    value.take_memory(budget)
                })
            }
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Raw(raw) => out.push_str(raw.text()),
            Self::Array(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(name.text());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// The position of the member with this decoded name.
pub(super) fn find_member(members: &[Member<'_>], name: &str, budget: &Budget) -> Option<usize> {
    let hash = hash_decoded(name, budget);
    let found = members.iter().position(|(known, _)| known.hash() == hash && decodes_to(known.text(), name, budget));
    budget.spend(2 * found.unwrap_or(members.len()));
    found
}

/// A name from a path, as JSON writes it.
pub(super) fn new_name<'t>(name: &str, budget: &Budget) -> Result<Name<'t>, Failure> {
    let text: Box<str> = serde_json::Value::from(name).to_string().into();
    budget.take::<u8>(text.len())?;
    Ok(Name::New(hash_decoded(name, budget), text))
}

/// Reserves room for one more element without doubling the memory of a long array.
pub(super) fn reserve<T>(items: &mut Vec<T>, budget: &Budget) -> Result<(), Failure> {
    if items.len() == items.capacity() {
        let more = 4 + items.len() / 16;
        budget.take::<T>(more)?;
        items.reserve_exact(more);
    }
    Ok(())
}
