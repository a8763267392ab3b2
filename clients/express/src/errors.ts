/**
 * What went wrong, for programs:
 * - `INVALID_SESSION`: the session was neither read nor created, so there is nothing to act on
 * - `SESSION_ENDED`: it has ended or was destroyed meanwhile; nothing was written
 * - `NO_OWNER`: only sessions of an owner can be listed and ended together
 * - `OWNER_CHANGED`: only `create` and `rotate` give a session another owner
 * - `TWO_OWNERS`: `create` was given a claim `sub` that is another owner than the one that was assigned
 * - `BAD_OWNER`: an owner that is neither a string nor a number, or one that this package keeps for itself
 * - `RESERVED_NAME`: a field has the name of a method or of a property of the session itself
 * - `NO_REALM`: the server does not have the realm that the middleware is for
 * - `NOT_CONNECTED`: the application has never connected its Redis client
 * - `COOKIE_TOO_LARGE`: the token does not fit into the cookie; the session was ended
 * - `HEADERS_SENT`: a session was to be created after the response's headers, which would have held its token
 * - `TIMEOUT`: Redis has not answered in time; whether the command was carried out is unknown
 */
export type SessionErrorCode =
  | "INVALID_SESSION"
  | "SESSION_ENDED"
  | "NO_OWNER"
  | "OWNER_CHANGED"
  | "TWO_OWNERS"
  | "BAD_OWNER"
  | "RESERVED_NAME"
  | "NO_REALM"
  | "NOT_CONNECTED"
  | "COOKIE_TOO_LARGE"
  | "HEADERS_SENT"
  | "TIMEOUT";

/** An error of this package. Errors of Redis and of its client are handed on as they are. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether the server says that the token was good, and that only time has ended it or its session. */
export function isExpiry(error: unknown): boolean {
  return firstWord(error) === "EXPIREDTOKEN";
}

/**
 * Whether the server refuses the token, or says that its session has another key: for instance, the token is of another
 * realm. To a request, that is no session rather than a failure.
 */
export function isRefusal(error: unknown): boolean {
  return isExpiry(error) || isWrongKey(error) || firstWord(error) === "BADTOKEN";
}

/** Whether the server says that the key is not that of the token's session, or not a session's key. */
export function isWrongKey(error: unknown): boolean {
  return firstWord(error) === "WRONGKEY";
}

/**
 * The first word of a server's error: `BADTOKEN`, `ERR`, …; nothing for errors of a client. The word is all that
 * programs may rely on: the sentence behind it may change.
 */
export function firstWord(error: unknown): string | undefined {
  return error instanceof Error ? /^([A-Z]{2,}) /.exec(error.message)?.[1] : undefined;
}
