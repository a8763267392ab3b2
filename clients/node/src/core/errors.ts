/**
 * The cause of a {@link SessionError}, for programs:
 * - `INVALID_SESSION`: the request has no session to act on
 * - `SESSION_ENDED`: the session has expired or was destroyed; nothing was written
 * - `TOKEN_REUSED`: the token was replaced by `rotate` and came again after its grace; the server has destroyed the
 *   session, because the token may be stolen
 * - `STALE_AUTH`: the user authenticated too long ago
 * - `NO_OWNER`: the session is anonymous, so it has no owner to list or destroy sessions of, or to mint a token for
 * - `OWNER_CHANGED`: another owner was assigned before `update`, `merge` or `mint`; only `create` and `rotate` store it
 * - `TWO_OWNERS`: the claim `sub` of `create` differs from the assigned owner
 * - `BAD_OWNER`: the owner is not a string or number, or begins with a prefix that this package reserves
 * - `RESERVED_NAME`: a field has the name of a method or property of the session
 * - `NO_REALM`: the server does not have the realm of the middleware
 * - `NOT_CONNECTED`: the application has never connected its Redis client
 * - `COOKIE_TOO_LARGE`: the token does not fit into the cookie; the session was destroyed
 * - `HEADERS_SENT`: `create`, `rotate` and `logIn` must be called before the headers of the response, which set the
 *   cookie, are sent; nothing was changed
 * - `TIMEOUT`: Redis did not reply in time; the command may or may not have been executed
 */
export type SessionErrorCode =
  | "INVALID_SESSION"
  | "SESSION_ENDED"
  | "TOKEN_REUSED"
  | "STALE_AUTH"
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

/**
 * An error of this package. Errors of Redis and of the Redis client are passed on unchanged, except that tokens and
 * session data are removed from them.
 *
 * @example
 * ```js
 * try {
 *   await req.session.update();
 * } catch (error) {
 *   if (error instanceof SessionError && error.code === "SESSION_ENDED") return res.sendStatus(401);
 *   throw error;
 * }
 * ```
 */
export class SessionError extends Error {
  override readonly name = "SessionError";
  /** The cause, for programs. The message is for people and may change. */
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error for a token that browsers would drop silently. @param limit the longest token that fits into the cookie */
export function cookieTooLarge(length: number, limit: number): SessionError {
  const sizes = `the token has ${length} bytes, but the cookie can hold only ${limit}`;
  return new SessionError("COOKIE_TOO_LARGE", `${sizes}: use fewer claims and more fields. The session was destroyed`);
}

/** The error for a new token that cannot be sent to the browser. */
export function headersSent(): SessionError {
  const message = "the headers of the response, which set the cookie, were already sent. Nothing was changed";
  return new SessionError("HEADERS_SENT", `${message}: call create, save, rotate or logIn before them`);
}

/** Replaces the errors of the server that this package has a code for. */
export function toSessionError(error: unknown): unknown {
  switch (firstWord(error)) {
    case "REUSED":
      return new SessionError("TOKEN_REUSED", "the token was replaced and used again, so the session was destroyed");
    case "STALEAUTH":
      return new SessionError("STALE_AUTH", "the user authenticated too long ago: ask for the password again");
    default:
      return error;
  }
}

/** Whether the token was replaced by a rotation and came again after its grace. */
export function isReused(error: unknown): boolean {
  return error instanceof SessionError && error.code === "TOKEN_REUSED";
}

/** Whether a method has found that its session has expired or was destroyed. */
export function isEnded(error: unknown): boolean {
  return error instanceof SessionError && error.code === "SESSION_ENDED";
}

/** Whether the server accepts the signature of the token, but the token or its session has expired. */
export function isExpired(error: unknown): boolean {
  return firstWord(error) === "EXPIREDTOKEN";
}

/**
 * Whether the server refuses the token, or says that the key is not that of its session, for instance because the token
 * is of another realm. The request then has no session; this is not a failure.
 */
export function isTokenRefused(error: unknown): boolean {
  return isExpired(error) || isWrongKey(error) || firstWord(error) === "BADTOKEN";
}

/** Whether the server says that the key is not the key of the token's session, or is not a session key. */
export function isWrongKey(error: unknown): boolean {
  return firstWord(error) === "WRONGKEY";
}

/**
 * The first word of a server error, such as `BADTOKEN` or `ERR`; undefined for errors of a client. Programs may rely on
 * this word only: the rest of the message may change. A message of a single word, such as `ETIMEDOUT`, is an error of a
 * client: servers always add a sentence.
 */
export function firstWord(error: unknown): string | undefined {
  return error instanceof Error ? /^([A-Z]{2,}) /.exec(error.message)?.[1] : undefined;
}
