//! The npm package `jwt-redis-session`, as an application uses it.

use serde_json::{Value, json};

use crate::support::{Server, programs};

/// Shorter than any hash, and not ASCII: what old installations have.
pub(crate) const SECRET: &str = "pässwörd";

/// The package's middleware with these options, in front of that server.
pub(crate) struct Package<'s> {
    server: &'s Server,
    options: Value,
}

impl<'s> Package<'s> {
    pub(crate) fn new(server: &'s Server) -> Self {
        Self::with_options(server, json!({}))
    }

    /// `options` are those besides the secret.
    pub(crate) fn with_options(server: &'s Server, mut options: Value) -> Self {
        options["secret"] = json!(SECRET);
        Self { server, options }
    }

    /// See `tests/interop/legacy.js` for what a task may hold.
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

    /// What a request with this token finds in its session.
    pub(crate) fn read(&self, token: &str) -> Value {
        self.act("read", json!({"token": token}))
    }

    pub(crate) fn finds(&self, token: &str) -> bool {
        self.read(token)["found"] == json!(true)
    }
}
