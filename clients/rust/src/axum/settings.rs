//! What all requests of one layer have in common.

use std::{fmt, sync::Arc};

use http::{HeaderMap, header::AUTHORIZATION};

use super::{Cookie, renewals::Renewals};
use crate::{Claims, Error, Jrs, Token};

/// A rotated token that was used again: it may be stolen. The server has destroyed the session.
#[non_exhaustive]
pub struct Reuse {
    /// The id in the token.
    pub id: String,
    /// The owner of the session.
    pub owner: String,
    /// The claims of the token, which the server has verified.
    pub claims: Claims,
}

impl fmt::Debug for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reuse").field("id", &self.id).field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// A function of the application.
pub(super) type Callback<T> = Arc<dyn Fn(&T) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) jrs: Jrs,
    pub(super) cookie: Option<Cookie>,
    pub(super) bearer: bool,
    pub(super) auto_save: bool,
    pub(super) fail_open: bool,
    pub(super) renewals: Arc<Renewals>,
    pub(super) on_reuse: Option<Callback<Reuse>>,
    pub(super) on_error: Option<Callback<Error>>,
}

/// The token of a request, and where it was.
pub(super) struct Received {
    pub(super) token: Token,
    pub(super) in_cookie: bool,
}

impl Settings {
    /// The token of a request: in `Authorization`, if that is read, else in the cookie.
    pub(super) fn received(&self, headers: &HeaderMap) -> Option<Received> {
        let bearer = self.bearer.then(|| bearer(headers)).flatten();
        let bearer = bearer.map(|token| Received { token: token.into(), in_cookie: false });
        let cookie = || {
            let token = self.cookie.as_ref()?.value(headers)?;
            Some(Received { token: token.into(), in_cookie: true })
        };
        bearer.or_else(cookie)
    }

    pub(super) fn report_reuse(&self, token: &Token) {
        let Some(on_reuse) = &self.on_reuse else { return };
        let claims = token.unverified_claims().unwrap_or_default();
        let text = |name: &str| claims.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let owner = crate::call::from_server(text("sub"), self.jrs.is_cluster());
        on_reuse(&Reuse { id: text("jti"), owner, claims });
    }

    pub(super) fn report_error(&self, error: &Error) {
        if let Some(on_error) = &self.on_error {
            on_error(error);
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

    #[test]
    fn the_scheme_of_a_bearer_token_has_any_case() {
        for (header, expected) in [
            ("Bearer a.b.c", Some("a.b.c")),
            ("bearer  a.b.c ", Some("a.b.c")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Basic a.b.c", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(header))]);
            assert_eq!(super::bearer(&headers), expected, "{header}");
        }
    }
}
