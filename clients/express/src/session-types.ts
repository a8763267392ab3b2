/** What `rotate` changes besides the id. */
export interface RotateOptions {
  /** Claims of the new token in place of the old ones'. */
  claims?: object | undefined;
  /** Whether the user has just proved who they are: `max-lifetime` starts anew. */
  reauth?: boolean | undefined;
}

/** What `destroyAll` spares. */
export interface DestroyAllOptions {
  /** Whether this session stays. */
  keepCurrent?: boolean | undefined;
}

/** What sessions of one middleware have in common. */
export interface SessionSettings {
  /** Whether `toJSON` shows the token. */
  showsToken: boolean;
  /** How long a token may be; a cookie holds no longer ones. */
  longestToken: number;
}

/** Where a request keeps its session. */
export interface Place {
  /** Puts an empty session there. */
  renew(): void;
}

/**
 * Names the members of the stored data that are called `id`, `claims` or `jwt`: `session[reservedMembers].id`. A session
 * needs these names for itself, so they are no fields. They are written back with the fields.
 */
export const reservedMembers: unique symbol = Symbol.for("jrs-session.reservedMembers") as never;
