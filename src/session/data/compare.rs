//! Equality by RFC 6902 section 4.6: numbers by value, objects in any order.

use super::{Failure, document::Raw, fields::Fields, names::same_string};

/// Whether two values are equal. Of members with the same name the last one counts.
pub(super) fn same(one: Raw<'_>, other: Raw<'_>) -> Result<bool, Failure> {
    let budget = one.budget();
    budget.spend(24 + one.len().min(other.len()) / 8);
    budget.check()?;
    let (text, other_text) = (one.text(), other.text());
    if text == other_text {
        return Ok(true);
    }
    match (text.as_bytes().first(), other_text.as_bytes().first()) {
        (Some(b'['), Some(b'[')) => {
            let (mut elements, mut others) = (one.elements(), other.elements());
            loop {
                match (elements.next(), others.next()) {
                    (None, None) => return Ok(true),
                    (Some(one), Some(other)) if same(one, other)? => {}
                    _ => return Ok(false),
                }
            }
        }
        (Some(b'{'), Some(b'{')) => {
            let (members, others) = (Fields::read(one)?, Fields::read(other)?);
            let mut equal = members.len() == others.len();
            for (name, value) in members.iter() {
                if !equal {
                    break;
                }
                equal = match others.position(name).and_then(|at| others.value(at)) {
                    Some(other) => same(value, other)?,
                    None => false,
                };
            }
            members.done();
            others.done();
            Ok(equal)
        }
        (Some(b'"'), Some(b'"')) => Ok(same_string(text, other_text, budget)),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => {
            budget.spend(32 + text.len() + other_text.len());
            Ok(Decimal::of(text).is_some_and(|number| Decimal::of(other_text).is_some_and(|other| number == other)))
        }
        _ => Ok(false),
    }
}

/// The exact value of a JSON number, because a double would round different numbers to the same value.
struct Decimal<'t> {
    is_negative: bool,
    /// The digits before and after the point, without leading and trailing zeros.
    digits: (&'t str, &'t str),
    /// The power of ten of the last digit.
    power: i64,
}

impl<'t> Decimal<'t> {
    /// `None` for an exponent out of range.
    fn of(number: &'t str) -> Option<Self> {
        let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (is_negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let fraction = fraction.trim_end_matches('0');
        let short = if fraction.is_empty() { whole.trim_end_matches('0') } else { whole };
        let digits = match short.trim_start_matches('0') {
            "" => ("", fraction.trim_start_matches('0')),
            short => (short, fraction),
        };
        if digits == ("", "") {
            return Some(Self { is_negative: false, digits, power: 0 });
        }
        let power = exponent
            .parse::<i64>()
            .ok()?
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(i64::try_from(whole.len() - short.len()).ok()?)?;
        Some(Self { is_negative, digits, power })
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        let digits = |number: &Self| number.digits.0.bytes().chain(number.digits.1.bytes());
        (self.is_negative, self.power) == (other.is_negative, other.power)
            && self.digits.0.len() + self.digits.1.len() == other.digits.0.len() + other.digits.1.len()
            && digits(self).eq(digits(other))
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
