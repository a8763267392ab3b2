//! Tables of test cases.
#![allow(clippy::print_stderr, reason = "a failed test prints the name of its case")]

use std::{fmt::Debug, thread, vec};

/// The values of a table of names and values. If a test fails in a loop over them, it prints the name of its case.
pub(crate) fn cases<N: ToString, T>(table: impl IntoIterator<Item = (N, T)>) -> Cases<T> {
    let named = table.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<Vec<_>>();
    Cases { rest: named.into_iter(), current: None }
}

/// The values of a table, each named by its `Debug` text. See [`cases`].
pub(crate) fn each<T: Debug>(values: impl IntoIterator<Item = T>) -> Cases<T> {
    cases(values.into_iter().map(|value| (format!("{value:?}"), value)))
}

/// See [`cases`] and [`each`].
pub(crate) struct Cases<T> {
    rest: vec::IntoIter<(String, T)>,
    current: Option<String>,
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
        if let Some(name) = self.current.as_ref().filter(|_| thread::panicking()) {
            eprintln!("the case is: {name}");
        }
    }
}
