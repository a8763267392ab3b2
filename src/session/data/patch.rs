//! JSON Patch (RFC 6902), bounded in time and memory by a [`Budget`].

use super::{
    Budget, DEEPEST, Failure, OperationError, PatchError,
    compare::same,
    document::{Document, Raw},
    node::{Node, find_member, new_name, reserve},
    operation::{Operation, OperationKind},
    pointer::{Pointer, element_index},
};

/// Applies an array of operations, one after the other.
///
/// Only the arrays and objects on the path of an operation are parsed; all other values stay text. `limit` is the
/// largest size of the data in bytes after each operation.
pub(super) fn patch<'t>(data: Raw<'t>, operations: Raw<'t>, limit: usize) -> Result<(Node<'t>, usize), PatchError> {
    let mut patched = Patched { root: Node::Raw(data), size: data.len(), limit, budget: data.budget() };
    for (at, operation) in operations.elements().enumerate() {
        patched.budget.spend(64);
        let operation = Operation::read(operation).map_err(|stop| stop.at(at + 1, ""))?;
        let name = operation.name();
        patched.apply(operation).and_then(|()| patched.budget.check()).map_err(|stop| stop.at(at + 1, name))?;
    }
    Ok((patched.root, patched.size))
}

struct Patched<'t> {
    root: Node<'t>,
    /// The length of the root in bytes when written.
    size: usize,
    limit: usize,
    budget: &'t Budget,
}

const MISSING: Failure = Failure::OperationError(OperationError::NoSuchPath);

impl<'t> Patched<'t> {
    fn apply(&mut self, Operation { path, what }: Operation<'t>) -> Result<(), Failure> {
        match what {
            OperationKind::Test(value) => self.test(&path, value),
            OperationKind::Add(value) => self.add(&path, Node::Raw(value)),
            OperationKind::Remove => self.remove(&path).map(drop),
            OperationKind::Replace(value) => {
                let value = Node::Raw(value);
                self.check_depth(&path, &value)?;
                let new_size = value.len(self.budget);
                let place = find(&mut self.root, path.tokens(), &mut self.size, self.budget)?;
                self.size = self.size + new_size - place.len(self.budget);
                *place = value;
                self.check_size()
            }
            OperationKind::Move { from } if from == path => {
                find(&mut self.root, from.tokens(), &mut self.size, self.budget).map(drop)
            }
            OperationKind::Move { from } if path.is_within(&from) => {
                Err(Failure::OperationError(OperationError::IntoItself))
            }
            OperationKind::Move { from } => {
                let value = self.remove(&from)?;
                self.add(&path, value)
            }
            OperationKind::Copy { from } => {
                let source = find(&mut self.root, from.tokens(), &mut self.size, self.budget)?;
                // Check the size before the expensive copy.
                if source.len(self.budget) > self.limit {
                    return Err(Failure::TooBig);
                }
                let copy = source.copy(self.budget)?;
                self.add(&path, copy)
            }
        }
    }

    fn test(&mut self, path: &Pointer, expected: Raw<'t>) -> Result<(), Failure> {
        let budget = self.budget;
        let equal = match find(&mut self.root, path.tokens(), &mut self.size, budget)? {
            Node::Raw(raw) => same(*raw, expected)?,
            opened => {
                let size = opened.len(budget);
                budget.take::<u8>(size)?;
                let mut text = String::with_capacity(size);
                opened.write(&mut text);
                let document = Document::new(&text, budget).ok_or(Failure::TooMuch)?;
                let equal = same(document.root(), expected)?;
                budget.give_back::<u8>(size);
                equal
            }
        };
        if equal { Ok(()) } else { Err(Failure::OperationError(OperationError::TestFailed)) }
    }

    fn add(&mut self, path: &Pointer, value: Node<'t>) -> Result<(), Failure> {
        self.check_depth(path, &value)?;
        let budget = self.budget;
        let new_size = value.len(budget);
        let Some((parent, last)) = path.split() else {
            (self.root, self.size) = (value, new_size);
            return self.check_size();
        };
        let parent = find(&mut self.root, parent, &mut self.size, budget)?;
        self.size -= parent.open(budget)?;
        match parent {
            Node::Array(elements) => {
                let at = if last == "-" { Some(elements.len()) } else { element_index(&last) };
                let at = at.filter(|at| *at <= elements.len()).ok_or(MISSING)?;
                budget.spend(4 * (elements.len() - at));
                self.size += new_size + usize::from(!elements.is_empty());
                reserve(elements, budget)?;
                elements.insert(at, value);
            }
            Node::Object(members) => {
                let known = find_member(members, &last, budget);
                match known.and_then(|at| members.get_mut(at)) {
                    Some((_, old)) => {
                        self.size = self.size + new_size - old.len(budget);
                        *old = value;
                    }
                    None => {
                        let name = new_name(&last, budget)?;
                        self.size += name.text().len() + 1 + new_size + usize::from(!members.is_empty());
                        reserve(members, budget)?;
                        members.push((name, value));
                    }
                }
            }
            Node::Raw(_) => return Err(MISSING),
        }
        self.check_size()
    }

    /// Removes a value. The others keep their order.
    fn remove(&mut self, path: &Pointer) -> Result<Node<'t>, Failure> {
        let budget = self.budget;
        let (parent, last) = path.split().ok_or(MISSING)?;
        let parent = find(&mut self.root, parent, &mut self.size, budget)?;
        self.size -= parent.open(budget)?;
        let (removed, left, name) = match parent {
            Node::Array(elements) => {
                let at = element_index(&last).filter(|at| *at < elements.len()).ok_or(MISSING)?;
                budget.spend(4 * (elements.len() - at));
                (elements.remove(at), elements.len(), 0)
            }
            Node::Object(members) => {
                let at = find_member(members, &last, budget).ok_or(MISSING)?;
                budget.spend(4 * (members.len() - at));
                let (name, value) = members.remove(at);
                (value, members.len(), name.text().len() + 1)
            }
            Node::Raw(_) => return Err(MISSING),
        };
        self.size -= removed.len(budget) + name + usize::from(left > 0);
        Ok(removed)
    }

    fn check_depth(&self, path: &Pointer, value: &Node<'t>) -> Result<(), Failure> {
        // Longer paths refer to nothing.
        let above = path.tokens().take(DEEPEST + 1).count();
        if above <= DEEPEST && above + value.levels(self.budget) > DEEPEST {
            return Err(Failure::OperationError(OperationError::TooDeep));
        }
        self.budget.check()
    }

    fn check_size(&self) -> Result<(), Failure> {
        if self.size > self.limit { Err(Failure::TooBig) } else { Ok(()) }
    }
}

/// The value at a path. `size` is that of the root, which shrinks when text is parsed.
fn find<'n, 't, T: AsRef<str>>(
    root: &'n mut Node<'t>,
    path: impl Iterator<Item = T>,
    size: &mut usize,
    budget: &Budget,
) -> Result<&'n mut Node<'t>, Failure> {
    let mut node = root;
    for token in path {
        budget.check()?;
        *size -= node.open(budget)?;
        let token = token.as_ref();
        node = match node {
            Node::Array(elements) => element_index(token).and_then(|at| elements.get_mut(at)),
            Node::Object(members) => {
                find_member(members, token, budget).and_then(|at| members.get_mut(at).map(|(_, value)| value))
            }
            Node::Raw(_) => None,
        }
        .ok_or(MISSING)?;
    }
    Ok(node)
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
