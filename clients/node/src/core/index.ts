/** The sessions without a framework, for adapters: `jrs-session/core`. */
export type { RedisClient } from "../clients/index.js";
export type { AsyncMethod, Callback } from "./callback.js";
export { varyByCookie } from "./cookie.js";
export type { CookieOptions } from "./cookie-options.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type { SessionInfo, SessionSummary, SessionsMethod } from "./listed-session-types.js";
export type { CoreOptions, TokenReuse } from "./options.js";
export { checkRecentAuthArguments, type RecentAuthRefusal, recentAuthRefusal } from "./recent-auth.js";
export type { RequestSession } from "./request-session.js";
export type { DeclaredData, SessionData } from "./session-data.js";
export type {
  DestroyAllOptions,
  LogInOptions,
  MintOptions,
  RotateClaims,
  RotateOptions,
  SessionsOptions,
} from "./session-options.js";
export { reservedMembers, type Session, type SessionBase } from "./session-types.js";
export { createSessions, type Sessions } from "./sessions.js";
export type { Claims } from "./token.js";
export type { RequestLike } from "./token-source.js";
