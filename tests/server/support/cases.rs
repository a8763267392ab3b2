//! Tables of test cases.
#![allow(clippy::print_stderr, reason = "a failed test prints the name of its case")]

use std::{thread, vec};

/// The values of a table of names and values. If a test fails in a loop over them, it prints the name of its case.
pub(crate) fn cases<T>(table: impl IntoIterator<Item = (&'static str, T)>) -> Cases<T> {
    Cases { rest: table.into_iter().collect::<Vec<_>>().into_iter(), current: None }
}

/// See [`cases`].
pub(crate) struct Cases<T> {
    rest: vec::IntoIter<(&'static str, T)>,
    current: Option<&'static str>,
}

impl<T> Iterator for Cases<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let (name, value) = self.rest.next()?;
        self.current = Some(name);
        Some(value)
    }
}

impl<T> Drop for Cases<T> {
    /// A loop drops its iterator when its body panics.
    fn drop(&mut self) {
        if let Some(name) = self.current.filter(|_| thread::panicking()) {
            eprintln!("the case is: {name}");
        }
    }
}
