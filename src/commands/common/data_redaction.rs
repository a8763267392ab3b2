//! Redacts session data in SLOWLOG and MONITOR, where it would be readable outside the encrypted keyspace.

use std::ops::Range;

use crate::{redis::Call, state};

/// Redacts the arguments that may be session data, if a realm of the server encrypts data. These are the arguments at
/// `positions`, apart from the words in `options`, and every other JSON text, because an argument may be misplaced. The
/// argument of CLAIMS stays: the token contains it unencrypted.
///
/// Call it last, as [`SignatureCommand::redact`](super::signature_command::SignatureCommand::redact) says.
pub(in crate::commands) fn redact_data(call: &Call<'_>, positions: Range<usize>, options: &[&[u8]]) {
    if !state::encrypts_data() {
        return;
    }
    let mut follows_claims = false;
    for position in 0..call.args().len() {
        let Some(argument) = call.args().get(position) else { return };
        let bytes = argument.bytes();
        let is_option = options.iter().any(|option| bytes.eq_ignore_ascii_case(option));
        let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
        follows_claims = if (positions.contains(&position) && !is_option) || (is_json && !follows_claims) {
            call.redact(position);
            false
        } else {
            bytes.eq_ignore_ascii_case(b"CLAIMS")
        };
    }
}
