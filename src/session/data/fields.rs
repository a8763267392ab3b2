//! The members of one object, for look-up by name.

use super::{
    Failure,
    document::{Raw, Span},
    names::{Index, hash, same_string},
};

/// Names and values in the order of the text. Of members with the same name it keeps one, at the first position with
/// the last value.
#[derive(Debug)]
pub(super) struct Fields<'t> {
    object: Raw<'t>,
    fields: Vec<Field>,
    index: Index,
    /// The number of fields for which memory is reserved.
    taken: usize,
}

#[derive(Debug)]
struct Field {
    hash: u32,
    name: Span,
    value: Span,
}

impl<'t> Fields<'t> {
    pub(super) fn read(object: Raw<'t>) -> Result<Self, Failure> {
        let budget = object.budget();
        budget.spend(64);
        let taken = object.members().count();
        budget.take::<Field>(taken)?;
        let mut fields: Vec<Field> = Vec::with_capacity(taken);
        let mut index = Index::new(taken, budget)?;
        for (name, value) in object.members() {
            budget.check()?;
            let hash = hash(name.text(), budget);
            let known = index.enter(hash, |at| fields.get(at).is_some_and(|field| field.is(hash, name, object)));
            match known.and_then(|at| fields.get_mut(at)) {
                Some(field) => field.value = value.span(),
                None => fields.push(Field { hash, name: name.span(), value: value.span() }),
            }
        }
        budget.check()?;
        Ok(Self { object, fields, index, taken })
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Raw<'t>, Raw<'t>)> {
        self.fields.iter().map(|field| (self.object.other(field.name), self.object.other(field.value)))
    }

    pub(super) fn position(&self, name: Raw<'_>) -> Option<usize> {
        let hash = hash(name.text(), self.object.budget());
        self.index.find(hash, |at| self.fields.get(at).is_some_and(|field| field.is(hash, name, self.object)))
    }

    pub(super) fn value(&self, at: usize) -> Option<Raw<'t>> {
        self.fields.get(at).map(|field| self.object.other(field.value))
    }

    pub(super) fn done(self) {
        let budget = self.object.budget();
        budget.give_back::<Field>(self.taken);
        self.index.done(budget);
    }
}

impl Field {
    fn is(&self, hash: u32, name: Raw<'_>, object: Raw<'_>) -> bool {
        self.hash == hash && same_string(object.other(self.name).text(), name.text(), object.budget())
    }
}
