//! Random reads, also with MAXAUTHAGE.

use redis::Value;

use super::Simulation;
use crate::support::{
    sessions::{etag, expiry, get, millis, refused, send},
    tokens::claims,
};

impl Simulation {
    pub(super) fn read(&mut self, at: usize) {
        let (before, session) = (millis(), self.model.0[at].clone());
        let token = self.token(at);
        let found = get(&mut self.conn, &token).unwrap();
        assert_eq!((&found.id, &found.owner, &found.data), (&session.id, &session.owner, &session.text()));
        assert_eq!(found.etag, etag(&session.text()));
        let after = millis();
        if session.slides(before) {
            self.take_expiry(at, before, session.ttl);
        } else if session.slides(after) {
            // The touch interval ended during the command.
            self.model.0[at].expiry = expiry(&mut self.conn, &session.key());
        }
        let left = self.model.0[at].expiry - before;
        assert!((left - (after - before) - 1000..left + 1000).contains(&(found.ttl * 1000)), "{} of {left}", found.ttl);
    }

    /// Reads a session with MAXAUTHAGE, which changes nothing if it is refused.
    pub(super) fn read_recent(&mut self, at: usize) {
        let (before, session) = (millis(), self.model.0[at].clone());
        let claims = claims(&session.token);
        let authenticated = claims.get("auth_time").unwrap_or(&claims["iat"]).as_i64().unwrap() * 1000;
        let seconds = self.rng.one_of(&[1, 2, 5, 1000]);
        let seconds_text = seconds.to_string();
        let words = |command| [command, session.token.as_str(), "MAXAUTHAGE", seconds_text.as_str()];
        let is_anonymous = session.owner.is_empty();
        if is_anonymous || before - authenticated > seconds * 1000 {
            assert_eq!(refused(&mut self.conn, &words("JRS.GET")), "STALEAUTH");
        } else {
            let reply = send::<Value>(&mut self.conn, &words("JRS.PEEK"));
            if millis() - authenticated <= seconds * 1000 {
                assert!(reply.is_ok_and(|reply| reply != Value::Nil));
            }
        }
    }
}
