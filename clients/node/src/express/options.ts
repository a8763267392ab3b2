import type { CoreOptions } from "../core/options.js";

/**
 * The options of the middleware.
 *
 * @example
 * ```js
 * app.use(jrsSession({ client, cookie: true, autoSave: true }));
 * ```
 */
export interface Options extends CoreOptions {
  /**
   * The name of the session in the request.
   *
   * @default "session"
   * @example
   * ```js
   * app.use(jrsSession({ client, requestKey: "jwtSession" }));
   * app.get("/", (req, res) => res.json(req.jwtSession));
   * ```
   */
  requestKey?: string | undefined;
}
