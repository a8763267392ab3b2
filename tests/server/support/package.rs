//! The npm package `jwt-redis-session`, as an application uses it.

use serde_json::{Value, json};

use crate::support::{Server, programs};

/// Short and not ASCII, as old installations have it.
pub(crate) const SECRET: &str = "pässwörd";

/// The package's middleware with these options, connected to this server.
pub(crate) struct Package<'s> {
    server: &'s Server,
    options: Value,
}

impl<'s> Package<'s> {
    pub(crate) fn new(server: &'s Server) -> Self {
        Self::with_options(server, json!({}))
    }

    /// `options` are all options but the secret.
    pub(crate) fn with_options(server: &'s Server, mut options: Value) -> Self {
        options["secret"] = json!(SECRET);
        Self { server, options }
    }

    /// Runs an action of `tests/interop/legacy.js`, which describes the members of a task.
    pub(crate) fn act(&self, action: &str, mut task: Value) -> Value {
        task["action"] = json!(action);
        task["port"] = json!(self.server.port());
        task["options"] = self.options.clone();
        programs::run("legacy.js", &task)
    }

    /// A new session: its id and its token.
    pub(crate) fn create(&self, data: Value, claims: Value) -> (String, String) {
        let created = self.act("create", json!({"data": data, "claims": claims}));
        let text = |name: &str| created[name].as_str().expect("a created session has it").to_owned();
        (text("id"), text("token"))
    }

    /// What a request with this token reads from its session.
    pub(crate) fn read(&self, token: &str) -> Value {
        self.act("read", json!({"token": token}))
    }

    /// Whether a request with this token has a session.
    pub(crate) fn finds(&self, token: &str) -> bool {
        self.read(token)["found"] == json!(true)
    }
}
