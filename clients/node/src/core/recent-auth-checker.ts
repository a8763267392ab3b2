/**
 * The key of a method of sessions for `requireRecentAuth`. `Symbol.for` shares it between the ES module and the CommonJS
 * copy of this package.
 */
export const checkRecentAuth: unique symbol = Symbol.for("jrs-session.checkRecentAuth") as never;

/** A session, for `requireRecentAuth`. */
export interface RecentAuthChecker {
  /**
   * Resolves if the server says that the session exists and its user has authenticated in the last `seconds`. Does not
   * extend the session.
   *
   * @throws SessionError `STALE_AUTH`, and the errors of other methods
   */
  [checkRecentAuth](seconds: number): Promise<void>;
}
