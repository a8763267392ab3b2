/** `jrs-session/hono` for `require`: the function itself, with the other exports as properties. */
import middleware = require("./middleware.js");
import honoOptions = require("./options.js");
import recentAuth = require("./require-recent-auth.js");

/**
 * Creates the middleware, as `jrsSession` in middleware.ts does.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const jrsSession = require("jrs-session/hono");
 * app.use(jrsSession({ client, cookie: true, autoSave: true }));
 * ```
 */
function jrsSession(given: honoOptions.Options): middleware.HonoSessions {
  return middleware.jrsSession(given);
}

namespace jrsSession {
  export import HonoSessions = middleware.HonoSessions;
  export import Options = honoOptions.Options;
  export import RequireRecentAuthOptions = recentAuth.RequireRecentAuthOptions;
  export import requireRecentAuth = recentAuth.requireRecentAuth;
}

jrsSession.jrsSession = jrsSession;
jrsSession.default = jrsSession;

export = jrsSession;
