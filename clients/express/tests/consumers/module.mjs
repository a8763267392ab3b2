import { createClient } from "redis";
import jrsSession, { SessionError, jrsSession as named } from "jrs-session";
import run from "./run.cjs";

if (jrsSession !== named || typeof SessionError !== "function") throw new Error("exports");
run(jrsSession, createClient);
