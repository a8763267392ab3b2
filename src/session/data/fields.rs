//! The members of one object, to be looked up by name.

use super::{Stop, names::Index, text::Raw};

/// Names and values in the order of the text. Of several members of one name there is one, at the first one's place, with
/// the last one's value.
#[derive(Debug)]
pub(super) struct Fields<'t> {
    fields: Vec<(Raw<'t>, Raw<'t>)>,
    index: Index,
    /// How many the memory was taken for.
    taken: usize,
}

impl<'t> Fields<'t> {
    pub(super) fn read(object: Raw<'t>) -> Result<Self, Stop> {
        let budget = object.budget();
        budget.spend(64);
        let taken = object.members().count();
        budget.take::<(Raw<'t>, Raw<'t>)>(taken)?;
        let mut fields: Vec<(Raw<'t>, Raw<'t>)> = Vec::with_capacity(taken);
        let mut index = Index::new(taken, budget)?;
        for (name, value) in object.members() {
            let known = index.enter(name.text(), |at| fields.get(at).map(|(name, _)| name.text()));
            match known.and_then(|at| fields.get_mut(at)) {
                Some((_, last)) => *last = value,
                None => fields.push((name, value)),
            }
        }
        budget.check()?;
        Ok(Self { fields, index, taken })
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Raw<'t>, Raw<'t>)> {
        self.fields.iter().copied()
    }

    /// The position of the member of this name.
    pub(super) fn position(&self, name: Raw<'_>) -> Option<usize> {
        self.index.find(name.text(), |at| self.fields.get(at).map(|(name, _)| name.text()))
    }

    pub(super) fn value(&self, at: usize) -> Option<Raw<'t>> {
        self.fields.get(at).map(|(_, value)| *value)
    }

    /// Gives the memory back.
    pub(super) fn done(self, object: Raw<'t>) {
        object.budget().give_back::<(Raw<'t>, Raw<'t>)>(self.taken);
        self.index.done(object.budget());
    }
}
