import jrsSession, { jrsSession as named, requireRecentAuth, SessionError } from "jrs-session";
import { createClient } from "redis";
import run from "./run.cjs";

if (typeof requireRecentAuth(60) !== "function") throw new Error("exports");
if (jrsSession !== named || typeof SessionError !== "function") throw new Error("exports");
run(jrsSession, createClient);
