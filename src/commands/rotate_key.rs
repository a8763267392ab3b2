//! `JRS.ROTATEKEY [REALM name]`

use super::common::options::{REALM, realm_option};
use crate::{
    error::Error,
    redis::{Call, Command, Spec},
    state,
};

/// Makes a new key the signing key of a realm, in the key file that this server generated.
pub(super) struct RotateKey;

impl Command for RotateKey {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.ROTATEKEY",
        // In a script with the flag `no-writes` it would change the key file.
        flags: c"admin deny-script",
        is_routed: false,
        summary: c"Makes a new signing key in the generated key file and returns its kid. Old keys verify until their \
                   tokens have expired.",
        since: c"0.2.0",
        complexity: c"O(N) where N is the number of keys, and two writes to the disk",
        tips: Some(c"nondeterministic_output"),
        arguments: &[REALM],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let realm = realm_option(call)?;
        let kid = state::rotate_key(&realm, state::now(call.ctx))?;
        call.ctx.reply_bytes(kid);
        Ok(())
    }
}
