/** The package as `require` finds it: the function itself, as with jwt-redis-session. */
import type * as jrs from "./index.js";
import { SessionError, jrsSession as middleware, reservedMembers } from "./index.js";

const jrsSession = Object.assign(middleware, { jrsSession: middleware, default: middleware, SessionError, reservedMembers });

namespace jrsSession {
  export type Callback<T> = jrs.Callback<T>;
  export type Claims = jrs.Claims;
  export type DestroyAllOptions = jrs.DestroyAllOptions;
  export type Middleware = jrs.Middleware;
  export type Options = jrs.Options;
  export type SessionInfo = jrs.SessionInfo;
  export type RedisClient = jrs.RedisClient;
  export type RotateOptions = jrs.RotateOptions;
  export type Session = jrs.Session;
  export type SessionError = jrs.SessionError;
  export type SessionErrorCode = jrs.SessionErrorCode;
}

export = jrsSession;
