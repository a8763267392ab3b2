//! The methods of the clients, asynchronous and blocking, which differ in three words only.

/// Writes the methods of a client. The arguments are `async`, `mut` and `.await`, or nothing.
macro_rules! methods {
    ([$($async:ident)?] [$($mut:ident)?] [$($wait:tt)*]) => {
        /// Creates a session. `data` must be a JSON object. An anonymous session has the owner `""`.
        pub $($async)? fn create(&$($mut)? self, owner: &str, data: &(impl Serialize + ?Sized)) -> Result<Token, Error> {
            self.create_with(owner, data, &CreateOptions::new()) $($wait)*
        }

        /// Creates a session with claims or another lifetime.
        pub $($async)? fn create_with(
            &$($mut)? self,
            owner: &str,
            data: &(impl Serialize + ?Sized),
            options: &CreateOptions,
        ) -> Result<Token, Error> {
            let owner = call::to_server(owner, self.is_cluster())?;
            self.send(&call::create(owner, data, options, self.realm_name())?) $($wait)*
        }

        /// Reads a session and extends it. `None`: it expired or was destroyed.
        pub $($async)? fn get<T: DeserializeOwned>(&$($mut)? self, token: &Token) -> Result<Option<Session<T>>, Error> {
            self.session(&call::read("JRS.GET", token, None)?) $($wait)*
        }

        /// Reads a session whose user authenticated at most `seconds` ago, else [`Error::StaleAuth`].
        pub $($async)? fn get_recent<T: DeserializeOwned>(
            &$($mut)? self,
            token: &Token,
            seconds: u64,
        ) -> Result<Option<Session<T>>, Error> {
            let reply = self.session(&call::read("JRS.GET", token, Some(seconds))?) $($wait)*;
            reply.map_err(|error| error.with_max_age(seconds))
        }

        /// Reads a session without extending it. Works on replicas too.
        pub $($async)? fn peek<T: DeserializeOwned>(&$($mut)? self, token: &Token) -> Result<Option<Session<T>>, Error> {
            self.session(&call::read("JRS.PEEK", token, None)?) $($wait)*
        }

        /// As [`get_recent`](Jrs::get_recent), without extending the session.
        pub $($async)? fn peek_recent<T: DeserializeOwned>(
            &$($mut)? self,
            token: &Token,
            seconds: u64,
        ) -> Result<Option<Session<T>>, Error> {
            let reply = self.session(&call::read("JRS.PEEK", token, Some(seconds))?) $($wait)*;
            reply.map_err(|error| error.with_max_age(seconds))
        }

        /// Replaces the data. Returns the new etag; `None` if there is no such session: it is never created again.
        pub $($async)? fn update(&$($mut)? self, token: &Token, data: &(impl Serialize + ?Sized)) -> Result<Option<String>, Error> {
            self.update_with(token, data, &UpdateOptions::new()) $($wait)*
        }

        /// As [`update`](Jrs::update), with options.
        pub $($async)? fn update_with(
            &$($mut)? self,
            token: &Token,
            data: &(impl Serialize + ?Sized),
            options: &UpdateOptions,
        ) -> Result<Option<String>, Error> {
            self.send(&call::update(token, data, "REPLACE", options)?) $($wait)*
        }

        /// Changes the members in `patch`, in the server (RFC 7396: `null` removes a member). Changes of other requests stay.
        pub $($async)? fn merge(&$($mut)? self, token: &Token, patch: &(impl Serialize + ?Sized)) -> Result<Option<String>, Error> {
            self.merge_with(token, patch, &UpdateOptions::new()) $($wait)*
        }

        /// As [`merge`](Jrs::merge), with options.
        pub $($async)? fn merge_with(
            &$($mut)? self,
            token: &Token,
            patch: &(impl Serialize + ?Sized),
            options: &UpdateOptions,
        ) -> Result<Option<String>, Error> {
            self.send(&call::update(token, patch, "MERGE", options)?) $($wait)*
        }

        /// Applies the operations of a JSON Patch (RFC 6902), all or none.
        pub $($async)? fn patch(&$($mut)? self, token: &Token, operations: &(impl Serialize + ?Sized)) -> Result<Option<String>, Error> {
            self.patch_with(token, operations, &UpdateOptions::new()) $($wait)*
        }

        /// As [`patch`](Jrs::patch), with options.
        pub $($async)? fn patch_with(
            &$($mut)? self,
            token: &Token,
            operations: &(impl Serialize + ?Sized),
            options: &UpdateOptions,
        ) -> Result<Option<String>, Error> {
            self.send(&call::update(token, operations, "PATCH", options)?) $($wait)*
        }

        /// Extends a session without reading it. Returns the time that is left.
        pub $($async)? fn touch(&$($mut)? self, token: &Token) -> Result<Option<Duration>, Error> {
            self.send(&call::touch(token, None)?) $($wait)*
        }

        /// Lets a session expire after `ttl`, once: the next read extends it by its own ttl again.
        pub $($async)? fn touch_for(&$($mut)? self, token: &Token, ttl: Duration) -> Result<Option<Duration>, Error> {
            self.send(&call::touch(token, Some(ttl))?) $($wait)*
        }

        /// Destroys a session, also with an expired token. Returns whether it existed.
        pub $($async)? fn destroy(&$($mut)? self, token: &Token) -> Result<bool, Error> {
            self.send(&call::destroy(token)?) $($wait)*
        }

        /// Gives a session a new id and a new token. Use [`RotateOptions::reauth`] at a login.
        pub $($async)? fn rotate(&$($mut)? self, token: &Token, options: &RotateOptions) -> Result<Option<Token>, Error> {
            self.send(&call::rotate(token, options)?) $($wait)*
        }

        /// Signs a short-lived access token (RFC 9068) for another service. It is not a session token.
        pub $($async)? fn mint(&$($mut)? self, token: &Token, options: &MintOptions) -> Result<Option<Token>, Error> {
            self.send(&call::mint(token, options)?) $($wait)*
        }

        /// The live sessions of an owner, oldest first.
        pub $($async)? fn list(&$($mut)? self, owner: &str) -> Result<Vec<ListedSession>, Error> {
            self.list_with(owner, &ListOptions::new()) $($wait)*
        }

        /// As [`list`](Jrs::list), with data or fields, or in pages.
        pub $($async)? fn list_with<T: DeserializeOwned>(
            &$($mut)? self,
            owner: &str,
            options: &ListOptions,
        ) -> Result<Vec<ListedSession<T>>, Error> {
            self.send(&call::list(owner, options, self.realm_name())) $($wait)*
        }

        /// How many live sessions an owner has.
        pub $($async)? fn count(&$($mut)? self, owner: &str) -> Result<u64, Error> {
            self.send(&call::count(owner, self.realm_name())) $($wait)*
        }

        /// Destroys a session by its id: "log out that device". Returns whether it existed. The application checks whose
        /// session it is: the id must come from [`list`](Jrs::list) of this user.
        pub $($async)? fn revoke(&$($mut)? self, id: &str) -> Result<bool, Error> {
            self.send(&call::revoke(id)) $($wait)*
        }

        /// Destroys all sessions of an owner: "log out everywhere". Returns how many.
        pub $($async)? fn destroy_all(&$($mut)? self, owner: &str) -> Result<u64, Error> {
            self.send(&call::destroy_all(owner, None, self.realm_name())) $($wait)*
        }

        /// Destroys all sessions of an owner except the one of `token`.
        pub $($async)? fn destroy_all_except(&$($mut)? self, owner: &str, token: &Token) -> Result<u64, Error> {
            self.send(&call::destroy_all(owner, Some(token), self.realm_name())) $($wait)*
        }

        /// Explains a token. A bad one is not an error here.
        pub $($async)? fn inspect(&$($mut)? self, token: &Token) -> Result<Inspection, Error> {
            self.send(&call::inspect(token)?) $($wait)*
        }

        /// The public keys of the realm: a JWK Set, as JSON text.
        pub $($async)? fn jwks(&$($mut)? self) -> Result<String, Error> {
            self.send(&call::jwks(self.realm_name())) $($wait)*
        }

        /// The realms of the server.
        pub $($async)? fn realms(&$($mut)? self) -> Result<Vec<Realm>, Error> {
            self.send(&call::realms()) $($wait)*
        }

        /// Lets the server, in a cluster every node, read its key files again.
        pub $($async)? fn reload(&$($mut)? self) -> Result<(), Error> {
            self.send(&call::reload()) $($wait)*
        }

        /// Makes a new signing key in the file that the server generated. Returns its `kid`.
        pub $($async)? fn rotate_key(&$($mut)? self) -> Result<String, Error> {
            self.send(&call::rotate_key(self.realm_name())) $($wait)*
        }
    };
}

pub(crate) use methods;
