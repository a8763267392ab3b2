/** The package for `import`. For `require`, see commonjs.ts. */
export type { RedisClient } from "./clients/index.js";
export type { AsyncMethod, Callback } from "./core/callback.js";
export type { CookieOptions } from "./core/cookie-options.js";
export { SessionError, type SessionErrorCode } from "./core/errors.js";
export type { SessionInfo, SessionSummary, SessionsMethod } from "./core/listed-session-types.js";
export type { TokenReuse } from "./core/options.js";
export type { DeclaredData, SessionData } from "./core/session-data.js";
export type {
  DestroyAllOptions,
  LogInOptions,
  MintOptions,
  RotateClaims,
  RotateOptions,
  SessionsOptions,
} from "./core/session-options.js";
export { reservedMembers, type Session, type SessionBase } from "./core/session-types.js";
export type { Claims } from "./core/token.js";
export { jrsSession, jrsSession as default, type Middleware, type SessionMiddleware } from "./express/middleware.js";
export type { Options } from "./express/options.js";
export { type RequireRecentAuthOptions, requireRecentAuth } from "./express/require-recent-auth.js";
