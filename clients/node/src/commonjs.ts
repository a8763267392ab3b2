/** The package for `require`: the function itself, as in `jwt-redis-session`, with the other exports as properties. */
import callback = require("./callback.js");
import clients = require("./clients/index.js");
import errors = require("./errors.js");
import listedSession = require("./listed-session-types.js");
import middleware = require("./middleware.js");
import options = require("./options.js");
import recentAuth = require("./require-recent-auth.js");
import sessionData = require("./session-data.js");
import sessionOptions = require("./session-options.js");
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
  export import DestroyAllOptions = sessionOptions.DestroyAllOptions;
  export import Middleware = middleware.Middleware;
  export import MintOptions = sessionOptions.MintOptions;
  export import Options = options.Options;
  export import RedisClient = clients.RedisClient;
  export import RequireRecentAuthOptions = recentAuth.RequireRecentAuthOptions;
  export import RotateClaims = sessionOptions.RotateClaims;
  export import RotateOptions = sessionOptions.RotateOptions;
  export import Session = sessionTypes.Session;
  export import SessionBase = sessionTypes.SessionBase;
  export import SessionData = sessionData.SessionData;
  export import SessionError = errors.SessionError;
  export import SessionErrorCode = errors.SessionErrorCode;
  export import SessionInfo = listedSession.SessionInfo;
  export import SessionSummary = listedSession.SessionSummary;
  export import SessionsMethod = listedSession.SessionsMethod;
  export import SessionsOptions = sessionOptions.SessionsOptions;
  export import TokenReuse = options.TokenReuse;
  export import requireRecentAuth = recentAuth.requireRecentAuth;
  export import reservedMembers = sessionTypes.reservedMembers;
}

jrsSession.jrsSession = jrsSession;
jrsSession.default = jrsSession;

export = jrsSession;
