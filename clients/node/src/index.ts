/** The package for `import`. For `require`, see commonjs.ts. */
export type { AsyncMethod, Callback } from "./callback.js";
export type { RedisClient } from "./clients/index.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type { SessionInfo, SessionSummary, SessionsMethod } from "./listed-session-types.js";
export { jrsSession, jrsSession as default, type Middleware } from "./middleware.js";
export type { Options, TokenReuse } from "./options.js";
export { type RequireRecentAuthOptions, requireRecentAuth } from "./require-recent-auth.js";
export type { DeclaredData, SessionData } from "./session-data.js";
export type {
  DestroyAllOptions,
  MintOptions,
  RotateClaims,
  RotateOptions,
  SessionsOptions,
} from "./session-options.js";
export { reservedMembers, type Session, type SessionBase } from "./session-types.js";
export type { Claims } from "./token.js";
