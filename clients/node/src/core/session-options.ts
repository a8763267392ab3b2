/** Options of `sessions`. */
export interface SessionsOptions {
  /**
   * JSON Pointers (RFC 6901) of the values to list, such as `/device`, instead of all data.
   *
   * @default undefined (all data)
   */
  fields?: readonly string[] | undefined;

  /**
   * The largest number of sessions to list.
   *
   * @default undefined (all)
   */
  limit?: number | undefined;

  /**
   * The id of a session: the list begins after it. It need not exist any more.
   *
   * @default undefined (the list begins with the oldest session)
   */
  after?: string | undefined;
}

/** Options of `rotate`. `grace` cannot be combined with `reauth`, nor with an assigned owner. */
export type RotateOptions = RotateClaims &
  (
    | {
        /**
         * Whether the user has just authenticated again. If so, `max-lifetime` is counted from now.
         *
         * @default false
         */
        reauth?: boolean | undefined;
        grace?: undefined;
      }
    | {
        /**
         * How many milliseconds the old token stays valid, at most 60000: requests that are already on their way with it
         * act on the rotated session.
         *
         * @default the setting `rotate-grace` of the server, which is 0 by default
         */
        grace?: number | undefined;
        reauth?: false | undefined;
      }
  );

/** What `rotate` can always change. */
export interface RotateClaims {
  /**
   * Claims of the new token, in place of the claims that were given before.
   *
   * @default the claims of the old token
   */
  claims?: object | undefined;
}

/** Options of `logIn`. */
export interface LogInOptions {
  /**
   * Claims of the new token.
   *
   * @default the claims of the old token, if the session is kept
   */
  claims?: object | undefined;
}

/** Options of `mint`. */
export interface MintOptions {
  /**
   * The claim `aud`: the service that the token is for.
   *
   * @default the setting `audience` of the realm
   */
  audience?: string | undefined;

  /**
   * The lifetime in seconds, at most 3600. The token never outlives the session.
   *
   * @default the setting `access-token-age` of the realm, which is 300 by default
   */
  expiresIn?: number | undefined;

  /** Other claims, such as `scope`. */
  claims?: object | undefined;
}

/** Options of `destroyAll`. */
export interface DestroyAllOptions {
  /**
   * Whether this session is kept.
   *
   * @default false
   */
  keepCurrent?: boolean | undefined;
}
