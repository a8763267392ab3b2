/** `jrs-session/fastify` for `require`: the plugin itself, with the other exports as properties. */
import type { FastifyInstance } from "fastify";

import fastifyOptions = require("./options.js");
import plugin = require("./plugin.js");
import recentAuth = require("./require-recent-auth.js");

/**
 * The plugin, as `jrsSession` in plugin.ts.
 *
 * @example
 * ```js
 * app.register(require("jrs-session/fastify"), { client, cookie: true, autoSave: true });
 * ```
 */
function jrsSession(app: FastifyInstance, options: fastifyOptions.Options, done: (error?: Error) => void): void {
  plugin.jrsSession(app, options, done);
}

namespace jrsSession {
  export import Options = fastifyOptions.Options;
  export import RecentAuthHook = recentAuth.RecentAuthHook;
  export import RequireRecentAuthOptions = recentAuth.RequireRecentAuthOptions;
  export import requireRecentAuth = recentAuth.requireRecentAuth;
}

Object.assign(jrsSession, plugin.jrsSession); // the symbols that Fastify reads
jrsSession.jrsSession = jrsSession;
jrsSession.default = jrsSession;

export = jrsSession;
