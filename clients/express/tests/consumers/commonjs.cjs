const { createClient } = require("redis");
const jrsSession = require("jrs-session");
const run = require("./run.cjs");

if (jrsSession !== jrsSession.jrsSession || typeof jrsSession.SessionError !== "function") throw new Error("exports");
run(jrsSession, createClient);
