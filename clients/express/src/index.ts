/** The package as ES modules import it; `commonjs.ts` is the same for `require`. */
export { jrsSession, jrsSession as default, type Middleware } from "./middleware.js";
export type { Callback } from "./callback.js";
export type { RedisClient } from "./clients/index.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type { Options } from "./options.js";
export type { SessionInfo } from "./session-info.js";
export type { Session } from "./session.js";
export { type DestroyAllOptions, type RotateOptions, reservedMembers } from "./session-types.js";
export type { Claims } from "./token.js";
