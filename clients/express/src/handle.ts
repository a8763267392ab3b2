import { SessionError } from "./errors.js";
import type { Claims } from "./token.js";

/** What a session is named by, as the server has said: the application sees it as properties of the session. */
export class Handle {
  id: string | undefined;
  claims: Claims | undefined;
  jwt: string | undefined;
  /** Whether the application has ended the session that this names. */
  ended = false;

  become(token: string, claims: Claims): void {
    this.id = claims.jti;
    this.claims = claims;
    this.jwt = token;
    this.ended = false;
  }

  /** The token of a session that has not been ended here. */
  get live(): string | undefined {
    return this.ended ? undefined : this.jwt;
  }

  /**
   * The token, as long as the application has left it in the session.
   *
   * @throws SessionError `INVALID_SESSION`; `RESERVED_NAME`, where the application has put something in its place
   */
  tokenFor(session: { id?: unknown; jwt?: unknown }): string {
    if (!session.id || !session.jwt) throw new SessionError("INVALID_SESSION", "Invalid session ID");
    for (const name of ["id", "jwt"] as const) {
      if (session[name] === this[name]) continue;
      throw new SessionError("RESERVED_NAME", `'${name}' is what the session is named by and cannot be assigned`);
    }
    return String(this.jwt);
  }
}
