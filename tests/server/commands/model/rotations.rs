//! Random rotations, with a grace or as a login, and the use of older tokens.

use super::Simulation;
use crate::support::{
    session_model::{Realm, Session},
    sessions::{millis, refused, send},
    tokens::claims,
};

impl Simulation {
    pub(super) fn rotate(&mut self, at: usize) {
        let (before, old, used) = (millis(), self.model.0[at].clone(), self.token(at));
        let (owner, reauth) =
            (self.rng.one_of(&[None, None, Some("ada"), Some("bob"), Some("")]), self.rng.below(3) == 0);
        let is_login = owner.is_some() || reauth;
        let grace = (!is_login && self.rng.below(2) == 0).then_some(["GRACE", "60000"]);
        let mut words = vec!["JRS.ROTATE", &used];
        words.extend(owner.iter().flat_map(|owner| ["OWNER", owner]));
        words.extend(reauth.then_some("REAUTH"));
        words.extend(grace.into_iter().flatten());
        let new_owner = owner.unwrap_or(&old.owner).to_owned();
        let counts = new_owner != old.owner;
        if counts && self.model.is_full(old.realm, &new_owner) {
            assert_eq!(refused(&mut self.conn, &words), "TOOMANY");
            return;
        }
        let token: String = send(&mut self.conn, &words).unwrap();
        if used != old.token && !is_login {
            assert_eq!(token, old.token, "the session is not rotated again");
            return;
        }
        let id = claims(&token)["jti"].as_str().unwrap().to_owned();
        self.model.remove(&old.id);
        let (mut in_grace, mut retired) = (Vec::new(), Vec::new());
        let older = old.in_grace.iter().chain([&old.token]).cloned();
        if is_login || (grace.is_none() && old.realm != Realm::Few) {
            self.removed.extend(older.chain(old.retired.clone()));
        } else if grace.is_some() {
            in_grace.extend(older);
            retired.clone_from(&old.retired);
        } else {
            retired.extend(older.chain(old.retired.clone()));
        }
        let ttl = old.ttl;
        self.add(Session { owner: new_owner, id, token, in_grace, retired, ..old }, counts);
        if reauth {
            self.take_expiry(self.model.0.len() - 1, before, ttl);
        }
    }

    /// Uses a token after its grace, which ends the session, and tokens of sessions that ended so.
    pub(super) fn reuse(&mut self, at: usize) {
        let any = self.model.0.iter().position(|session| !session.retired.is_empty());
        let at = any.filter(|_| self.rng.below(2) == 0).unwrap_or(at);
        if let Some(retired) = self.model.0[at].retired.first().cloned() {
            assert_eq!(refused(&mut self.conn, &["JRS.PEEK", &retired]), "REUSED");
            let command = self.rng.one_of(&["JRS.GET", "JRS.TOUCH", "JRS.ROTATE", "JRS.DESTROY"]);
            assert_eq!(refused(&mut self.conn, &[command, &retired]), "REUSED");
            let session = self.model.0.remove(at);
            self.reused.extend(session.tokens().cloned());
        }
        let count = self.reused.len();
        if count > 0 {
            let token = &self.reused[self.rng.below(count)];
            let command = self.rng.one_of(&["JRS.GET", "JRS.TOUCH", "JRS.ROTATE", "JRS.DESTROY", "JRS.PEEK"]);
            assert_eq!(refused(&mut self.conn, &[command, token]), "REUSED");
        }
    }
}
