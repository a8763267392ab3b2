/** The package for `import`. For `require`, see commonjs.ts. */
export type { AsyncMethod, Callback } from "./callback.js";
export type { RedisClient } from "./clients/index.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export { jrsSession, jrsSession as default, type Middleware } from "./middleware.js";
export type { Options } from "./options.js";
export type { DeclaredData, SessionData } from "./session-data.js";
export {
  type DestroyAllOptions,
  type RotateOptions,
  reservedMembers,
  type Session,
  type SessionBase,
  type SessionInfo,
} from "./session-types.js";
export type { Claims } from "./token.js";
