//! `JRS.HELP`

use crate::{
    error::Error,
    redis::{ArgType, Argument, Call, Command, Spec},
};

/// Lists the commands with their syntax and summary.
pub(super) struct Help;

/// The first and the last line of the reply.
const FIRST: &str = "JRS.<command> [<argument> ...]. Commands are:";
const LAST: &str =
    "On a cluster node [key] is required: <keyspace><jti of the token>, such as sess:{user:42}:0192f3a4-...";

impl Command for Help {
    type Error = Error;

    const SPEC: Spec = Spec {
        name: c"JRS.HELP",
        flags: c"allow-loading allow-stale fast",
        is_routed: false,
        summary: c"Lists the commands and their arguments.",
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let specs = || super::ALL.iter().map(|command| &command.spec).filter(|spec| !spec.is_hidden);
        call.ctx.reply_array(2 * specs().count() + 2);
        call.ctx.reply_bytes(FIRST);
        for spec in specs() {
            call.ctx.reply_bytes(synopsis(spec));
            call.ctx.reply_bytes(format!("    {}", spec.summary.to_string_lossy()));
        }
        call.ctx.reply_bytes(LAST);
        Ok(())
    }
}

/// The command's name and arguments: `GET [key] token`.
fn synopsis(spec: &Spec) -> String {
    let name = spec.name.to_string_lossy();
    let mut words = vec![name.strip_prefix("JRS.").unwrap_or(&name).to_owned()];
    words.extend(spec.arguments.iter().map(argument));
    words.join(" ")
}

/// The syntax of an argument: `[EX seconds | PX milliseconds]`.
fn argument(argument: &Argument) -> String {
    let name = argument.name.to_string_lossy();
    let text = match (&argument.kind, argument.token) {
        (ArgType::OneOf(choices), _) => choices.iter().map(self::argument).collect::<Vec<_>>().join(" | "),
        (ArgType::Block(parts), _) => parts.iter().map(self::argument).collect::<Vec<_>>().join(" "),
        (ArgType::Strings, _) => format!("{name} [{name} ...]"),
        (ArgType::Word, Some(token)) => token.to_string_lossy().into_owned(),
        (_, Some(token)) => format!("{} {name}", token.to_string_lossy()),
        (_, None) => name.into_owned(),
    };
    if argument.optional { format!("[{text}]") } else { text }
}
