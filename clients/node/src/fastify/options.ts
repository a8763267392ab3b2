import type { CoreOptions } from "../core/options.js";

/**
 * The options of the plugin. They are those of the middleware for Express.
 *
 * @example
 * ```js
 * app.register(jrsSession, { client, cookie: true, autoSave: true });
 * ```
 */
export interface Options extends CoreOptions {
  /**
   * The name of the session in the request. The method of the application has the same name: `getAdminSession` for
   * `adminSession`.
   *
   * @default "session"
   * @example
   * ```js
   * app.register(jrsSession, { client, cookie: "admin", realm: "admin", requestKey: "adminSession" });
   * app.get("/", async (request) => request.adminSession);
   * ```
   */
  requestKey?: string | undefined;
}
