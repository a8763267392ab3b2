/** `jrs-session/hono` for `import`. For `require`, see commonjs.ts. */
export { type HonoSessions, jrsSession, jrsSession as default } from "./middleware.js";
export type { Options } from "./options.js";
export { type RequireRecentAuthOptions, requireRecentAuth } from "./require-recent-auth.js";
