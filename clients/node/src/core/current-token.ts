import { SessionError } from "./errors.js";
import type { Claims } from "./token.js";

/** The properties of a session that the server sets. The other own properties are the fields. */
export interface SessionProperties {
  id?: string;
  claims?: Claims;
  jwt?: string;
}

/** The token of a session, as the server issued or verified it. The application sees it as properties of the session. */
export class CurrentToken {
  id: string | undefined;
  claims: Claims | undefined;
  jwt: string | undefined;
  /** Whether the application has destroyed the session in this request. */
  destroyed = false;
  /** Whether the server has said that it does not have the session any more. */
  ended = false;
  /** The token of the request, and why its session could not be read, if the request continues without the session. */
  unread: { token: string; error: unknown } | undefined;

  set(token: string, claims: Claims): void {
    this.id = claims.jti;
    this.claims = claims;
    this.jwt = token;
    this.destroyed = false;
    this.ended = false;
    this.unread = undefined;
  }

  /** @throws the error of reading the session, which may be live: a new one would replace it */
  refuseUnread(): void {
    if (this.unread) throw this.unread.error;
  }

  /** The token, unless the session was destroyed in this request. */
  get active(): string | undefined {
    return this.destroyed ? undefined : this.jwt;
  }

  /**
   * The token, if the properties `id` and `jwt` of the session still hold what the server said.
   *
   * @throws SessionError `INVALID_SESSION` if the session has none
   * @throws SessionError `RESERVED_NAME` if the application has assigned other values
   */
  of(session: { id?: unknown; jwt?: unknown }): string {
    if (!session.id || !session.jwt) throw new SessionError("INVALID_SESSION", "Invalid session ID");
    for (const name of ["id", "jwt"] as const) {
      if (session[name] === this[name]) continue;
      throw new SessionError("RESERVED_NAME", `'${name}' identifies the session and cannot be assigned`);
    }
    return String(this.jwt);
  }
}
