import type { CoreOptions } from "../core/options.js";

/**
 * The options of the middleware. They are those of the middleware for Express. `onReuse` gets the context of Hono as
 * `request`.
 *
 * @example
 * ```js
 * app.use(jrsSession({ client, cookie: true, autoSave: true }));
 * ```
 */
export interface Options extends CoreOptions {
  /**
   * The name of the session in the context.
   *
   * @default "session"
   * @example
   * ```js
   * app.use(jrsSession({ client, cookie: "admin", realm: "admin", requestKey: "adminSession" }));
   * app.get("/", (c) => c.json(c.get("adminSession")));
   * ```
   */
  requestKey?: string | undefined;
}
