/** The package for `require`: the function itself, as in `jwt-redis-session`, with the other exports as properties. */
import callback = require("./callback.js");
import clients = require("./clients/index.js");
import errors = require("./errors.js");
import middleware = require("./middleware.js");
import options = require("./options.js");
import sessionData = require("./session-data.js");
import sessionTypes = require("./session-types.js");
import token = require("./token.js");

/**
 * Creates the middleware, as `jrsSession` in middleware.ts does.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const jrsSession = require("jrs-session");
 * app.use(jrsSession({ client }));
 * ```
 */
function jrsSession(given: options.Options): middleware.Middleware {
  return middleware.jrsSession(given);
}

// Aliases, not copies: with them, `declare module "jrs-session"` in an application adds members to SessionData itself.
namespace jrsSession {
  export import AsyncMethod = callback.AsyncMethod;
  export import Callback = callback.Callback;
  export import Claims = token.Claims;
  export import DeclaredData = sessionData.DeclaredData;
  export import DestroyAllOptions = sessionTypes.DestroyAllOptions;
  export import Middleware = middleware.Middleware;
  export import Options = options.Options;
  export import RedisClient = clients.RedisClient;
  export import RotateOptions = sessionTypes.RotateOptions;
  export import Session = sessionTypes.Session;
  export import SessionBase = sessionTypes.SessionBase;
  export import SessionData = sessionData.SessionData;
  export import SessionError = errors.SessionError;
  export import SessionErrorCode = errors.SessionErrorCode;
  export import SessionInfo = sessionTypes.SessionInfo;
  export import reservedMembers = sessionTypes.reservedMembers;
}

jrsSession.jrsSession = jrsSession;
jrsSession.default = jrsSession;

export = jrsSession;
