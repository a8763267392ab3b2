/** `jrs-session/fastify` for `import`. For `require`, see commonjs.ts. */
export type { Options } from "./options.js";
export { jrsSession, jrsSession as default } from "./plugin.js";
export { type RecentAuthHook, type RequireRecentAuthOptions, requireRecentAuth } from "./require-recent-auth.js";
