//! The cookie that holds the token.

use std::{fmt, fmt::Write};

use http::{HeaderMap, HeaderValue};

/// The largest cookie, name and value in bytes, that browsers keep (RFC 6265bis, section 5.6).
pub(super) const MAX_SIZE: usize = 4096;

/// The longest time that browsers keep a cookie, in seconds: 400 days.
pub(super) const MAX_AGE: u64 = 34_560_000;

/// How the session cookie is set. The default is `__Host-session` with `Path=/`, `Secure`, `HttpOnly`, `SameSite=Lax`.
///
/// ```
/// use jrs_client::axum::{Cookie, SameSite};
///
/// Cookie::builder().name("sid").same_site(SameSite::Strict).build()?;
/// // Over plain HTTP, Chromium and Firefox accept the default cookie from localhost. Safari does not.
/// Cookie::builder().secure(false).build()?;
/// # Ok::<(), jrs_client::axum::CookieError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cookie {
    pub(super) name: String,
    /// Everything after the value, except `Max-Age`.
    attributes: String,
    pub(super) persistent: bool,
}

/// When browsers send the cookie with requests of other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// With links to this site, not with forms and scripts of other sites.
    Lax,
    /// Always. The cookie must be `Secure`, and the application must protect itself against CSRF.
    None,
}

/// The attributes of a [`Cookie`].
#[derive(Clone, Debug)]
pub struct CookieBuilder {
    name: Option<String>,
    domain: Option<String>,
    path: String,
    same_site: SameSite,
    secure: bool,
    http_only: bool,
    partitioned: bool,
    persistent: bool,
}

/// Why browsers would drop such a cookie, without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieError(&'static str);

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for CookieError {}

impl CookieBuilder {
    /// The name. The default is `__Host-session`; `__Secure-session` with a domain or another path; `session` if the
    /// cookie is not `Secure`.
    pub fn name(mut self, name: impl Into<String>) -> CookieBuilder {
        self.name = Some(name.into());
        self
    }

    /// The domain, whose subdomains get the cookie too. Without it, only this host does.
    pub fn domain(mut self, domain: impl Into<String>) -> CookieBuilder {
        self.domain = Some(domain.into());
        self
    }

    /// The path whose requests have the cookie: `/` by default.
    pub fn path(mut self, path: impl Into<String>) -> CookieBuilder {
        self.path = path.into();
        self
    }

    /// When requests of other sites have the cookie: [`SameSite::Lax`] by default.
    pub fn same_site(mut self, same_site: SameSite) -> CookieBuilder {
        self.same_site = same_site;
        self
    }

    /// Whether the cookie is sent over TLS only: true by default.
    pub fn secure(mut self, secure: bool) -> CookieBuilder {
        self.secure = secure;
        self
    }

    /// Whether scripts of the page cannot read the cookie: true by default.
    pub fn http_only(mut self, http_only: bool) -> CookieBuilder {
        self.http_only = http_only;
        self
    }

    /// Whether the cookie belongs to the page that embeds this site (CHIPS): false by default.
    pub fn partitioned(mut self, partitioned: bool) -> CookieBuilder {
        self.partitioned = partitioned;
        self
    }

    /// Whether the cookie outlives the browser (`Max-Age`): true by default. It is renewed as the session slides.
    pub fn persistent(mut self, persistent: bool) -> CookieBuilder {
        self.persistent = persistent;
        self
    }

    /// Checks the attributes.
    ///
    /// # Errors
    ///
    /// Browsers would drop the cookie without a word: RFC 6265bis, sections 4.1.1 and 4.1.3.
    pub fn build(self) -> Result<Cookie, CookieError> {
        let host_only = self.domain.is_none() && self.path == "/";
        let name = self.name.unwrap_or_else(|| {
            let name = match (self.secure, host_only) {
                (false, _) => "session",
                (true, true) => "__Host-session",
                (true, false) => "__Secure-session",
            };
            name.to_owned()
        });
        let prefix = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let attribute = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b';');
        let token = |byte: u8| byte.is_ascii_graphic() && !br#"()<>@,;:\"/[]?={}"#.contains(&byte);
        let checks = [
            (!name.is_empty() && name.bytes().all(token), "the name must be a token of RFC 9110, such as 'sid'"),
            (name.len() < MAX_SIZE / 2, "the name is too long"),
            (self.path.starts_with('/') && attribute(&self.path), "the path must begin with '/' and have no ';'"),
            (
                self.domain.as_deref().is_none_or(|domain| {
                    !domain.is_empty() && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
                }),
                "the domain must be a host name",
            ),
            (self.secure || !prefix("__Secure-"), "the name begins with '__Secure-', so the cookie must be Secure"),
            (
                self.secure && host_only || !prefix("__Host-"),
                "the name begins with '__Host-', so the cookie must be Secure, with the path '/' and without a domain",
            ),
            (self.secure || self.same_site != SameSite::None, "SameSite=None needs Secure"),
            (self.secure || !self.partitioned, "Partitioned needs Secure"),
        ];
        if let Some((_, reason)) = checks.into_iter().find(|(holds, _)| !holds) {
            return Err(CookieError(reason));
        }
        let mut attributes = format!("; Path={}", self.path);
        if let Some(domain) = self.domain {
            attributes += "; Domain=";
            attributes += &domain;
        }
        attributes += match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        };
        for (present, text) in
            [(self.secure, "; Secure"), (self.http_only, "; HttpOnly"), (self.partitioned, "; Partitioned")]
        {
            attributes += if present { text } else { "" };
        }
        Ok(Cookie { name, attributes, persistent: self.persistent })
    }
}

impl Default for Cookie {
    fn default() -> Cookie {
        let attributes = "; Path=/; SameSite=Lax; Secure; HttpOnly".to_owned();
        Cookie { name: "__Host-session".to_owned(), attributes, persistent: true }
    }
}

impl Cookie {
    /// The default attributes, to change some of them.
    pub fn builder() -> CookieBuilder {
        CookieBuilder {
            name: None,
            domain: None,
            path: "/".to_owned(),
            same_site: SameSite::Lax,
            secure: true,
            http_only: true,
            partitioned: false,
            persistent: true,
        }
    }

    /// The value of the cookie in a request.
    pub(super) fn value<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        // Cookies of other programs can have any bytes, also in the same line.
        let lines = headers.get_all(http::header::COOKIE).into_iter().map(HeaderValue::as_bytes);
        let values = lines.flat_map(pairs).filter_map(|pair| {
            let rest = pair.trim_ascii_start().strip_prefix(self.name.as_bytes())?;
            rest.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii)
        });
        values.filter_map(|value| std::str::from_utf8(value).ok()).find(|value| !value.is_empty())
    }

    /// A line of `Set-Cookie`. Without `max_age` the cookie ends with the browser.
    pub(super) fn set(&self, value: &str, max_age: Option<u64>) -> String {
        let mut line = format!("{}={value}{}", self.name, self.attributes);
        if let Some(seconds) = max_age {
            // Writing to a String cannot fail.
            let _ = write!(line, "; Max-Age={}", seconds.min(MAX_AGE));
        }
        line
    }

    /// The line of `Set-Cookie` that clears the cookie.
    pub(super) fn clear(&self) -> String {
        format!("{}={}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT", self.name, self.attributes)
    }

    /// Whether the application itself has set a cookie of this name.
    pub(super) fn is_set_in(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(http::header::SET_COOKIE).into_iter();
        lines.any(|line| line.as_bytes().strip_prefix(self.name.as_bytes()).is_some_and(|rest| rest.starts_with(b"=")))
    }
}

/// The cookies of a line, with their names.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b';', line).chain([line.len()]).filter_map(move |end| {
        let pair = line.get(start..end);
        start = end + 1;
        pair
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Cookie, CookieError, MAX_AGE, SameSite};

    #[test]
    fn names_follow_the_attributes() -> Result<(), CookieError> {
        let builder = Cookie::builder;
        assert_eq!(builder().build()?.set("t", Some(9)), Cookie::default().set("t", Some(9)));
        let default = "__Host-session=t; Path=/; SameSite=Lax; Secure; HttpOnly";
        assert_eq!(Cookie::default().set("t", None), default);
        assert_eq!(Cookie::default().set("t", Some(u64::MAX)), format!("{default}; Max-Age={MAX_AGE}"));
        assert_eq!(builder().path("/app").build()?.name, "__Secure-session");
        assert_eq!(builder().domain("example.com").build()?.name, "__Secure-session");
        assert_eq!(builder().secure(false).path("/app").build()?.name, "session");
        let all = builder().name("sid").domain("example.com").path("/a").same_site(SameSite::None).partitioned(true);
        let line = "sid=t; Path=/a; Domain=example.com; SameSite=None; Secure; HttpOnly; Partitioned";
        assert_eq!(all.build()?.set("t", None), line);
        Ok(())
    }

    #[test]
    fn cookies_that_browsers_would_drop_are_errors() {
        let builder = Cookie::builder;
        for refused in [
            builder().name("__Host-x").domain("example.com"),
            builder().name("__host-x").path("/a"),
            builder().name("__Host-x").secure(false),
            builder().name("__Secure-x").secure(false),
            builder().same_site(SameSite::None).secure(false),
            builder().partitioned(true).secure(false),
            builder().name(""),
            builder().name("a b"),
            builder().name("a=b"),
            builder().name("a;b"),
            builder().name("é"),
            builder().path("app"),
            builder().path("/a;b"),
            builder().path("/a\r\nx"),
            builder().domain("a;b"),
            builder().domain(""),
        ] {
            assert!(refused.clone().build().is_err(), "{refused:?}");
        }
    }

    #[test]
    fn the_value_is_found_among_others() {
        let cookie = Cookie::default();
        let mut headers = HeaderMap::new();
        assert_eq!(cookie.value(&headers), None);
        let lines: [&[u8]; 4] = [
            b"x=__Host-session=1; y",
            b"x__Host-session=2; __Host-session=; __Host-session=\xff",
            b"name=Zo\xc3\xab; bytes=\xff\xfe; quoted=\"a b\"; __Host-session=t.u.v; c=d",
            b"__Host-session=second",
        ];
        for line in lines {
            headers.append("cookie", HeaderValue::from_bytes(line).unwrap());
        }
        assert_eq!(cookie.value(&headers), Some("t.u.v"));
    }
}
