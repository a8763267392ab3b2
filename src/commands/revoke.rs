//! `JRS.REVOKE key`

use crate::{
    error::Error,
    redis::{Access, ArgType, Argument, Call, Command, Spec},
    state,
    store::{self, RemovalReason},
    token::could_be_token,
};

/// Destroys a session by its key, without its token: "log that device out".
pub(super) struct Revoke;

impl Command for Revoke {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.REVOKE",
        // Declared NOT_KEY, and `run` checks the ACL: for a real key, the server would write a refused argument to ACL
        // LOG, and it may be a token by mistake.
        summary: c"Destroys a session by its key, without its token. Returns 1, or 0 if there is no such session.",
        arguments: &[Argument { name: c"key", kind: ArgType::Key, token: None, optional: false }],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let key = call.args().get(0).ok_or(Error::WrongArity)?.to_redis_string();
        if could_be_token(key.bytes()) {
            return Err(Error::Other("the argument is a token, not a session key: use JRS.DESTROY".into()));
        }
        let realms = state::realms()?;
        let realm = realms.of_session(key.bytes()).ok_or(Error::NotASessionKey)?;
        call.ctx.check_access(&key, Access::Delete)?;
        let existed = call.ctx.open(&key)?.is_some();
        if existed {
            store::destroy(call.ctx, realm, &key, RemovalReason::Destroyed)?;
        }
        call.ctx.reply_integer(i64::from(existed));
        Ok(())
    }
}
