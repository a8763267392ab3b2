const { createClient } = require("redis");
const jrsSession = require("jrs-session");
const run = require("./run.cjs");

if (typeof jrsSession.requireRecentAuth(60) !== "function") throw new Error("exports");
if (jrsSession !== jrsSession.jrsSession || typeof jrsSession.SessionError !== "function") throw new Error("exports");
run(jrsSession, createClient);
