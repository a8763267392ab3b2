/** The package for `require`: the function itself, as in `jwt-redis-session`, with the other exports as properties. */
import clients = require("./clients/index.js");
import callback = require("./core/callback.js");
import cookieOptions = require("./core/cookie-options.js");
import errors = require("./core/errors.js");
import listedSession = require("./core/listed-session-types.js");
import coreOptions = require("./core/options.js");
import sessionData = require("./core/session-data.js");
import sessionOptions = require("./core/session-options.js");
import sessionTypes = require("./core/session-types.js");
import token = require("./core/token.js");
import middleware = require("./express/middleware.js");
import options = require("./express/options.js");
import recentAuth = require("./express/require-recent-auth.js");

/**
 * Creates the middleware, as `jrsSession` in express/middleware.ts does.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const jrsSession = require("jrs-session");
 * app.use(jrsSession({ client, cookie: true }));
 * ```
 */
function jrsSession(given: options.Options): middleware.SessionMiddleware {
  return middleware.jrsSession(given);
}

// Aliases, not copies: with them, `declare module "jrs-session"` in an application adds members to SessionData itself.
namespace jrsSession {
  export import AsyncMethod = callback.AsyncMethod;
  export import Callback = callback.Callback;
  export import Claims = token.Claims;
  export import CookieOptions = cookieOptions.CookieOptions;
  export import DeclaredData = sessionData.DeclaredData;
  export import DestroyAllOptions = sessionOptions.DestroyAllOptions;
  export import LogInOptions = sessionOptions.LogInOptions;
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
  export import SessionMiddleware = middleware.SessionMiddleware;
  export import SessionSummary = listedSession.SessionSummary;
  export import SessionsMethod = listedSession.SessionsMethod;
  export import SessionsOptions = sessionOptions.SessionsOptions;
  export import TokenReuse = coreOptions.TokenReuse;
  export import requireRecentAuth = recentAuth.requireRecentAuth;
  export import reservedMembers = sessionTypes.reservedMembers;
}

jrsSession.jrsSession = jrsSession;
jrsSession.default = jrsSession;

export = jrsSession;
