import jrsSession, { jrsSession as named, SessionError } from "jrs-session";
import { createClient } from "redis";
import run from "./run.cjs";

if (jrsSession !== named || typeof SessionError !== "function") throw new Error("exports");
run(jrsSession, createClient);
