/** Redis servers with the module. Each has its own port and temporary folder, and is removed after the test. */
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "redis-5";

import { until } from "./wait.mjs";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const MODULE =
  process.env.JRS_MODULE ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "release/libjrs.so");
const PROGRAM = process.env.JRS_TEST_SERVER ?? "redis-server";

export class Server {
  #child;
  #folder;
  #arguments;
  #client;
  port;

  /**
   * @param more arguments of the process after the settings
   * @param file the configuration file, if there is one
   */
  constructor(folder, port, settings, more = ["--loadmodule", MODULE], file = []) {
    this.#folder = folder;
    this.port = port;
    const lines = Object.entries({ bind: "127.0.0.1", port, dir: folder, save: "", ...settings });
    this.#arguments = [...file, ...lines.flatMap(([name, value]) => [`--${name}`, String(value)]), ...more];
  }

  /**
   * Starts a server that is stopped after the test.
   *
   * @param settings lines of redis.conf; `{folder}` is replaced by the folder of the server
   * @param files the contents of files to create in the folder, by name
   */
  static start(test, settings = {}, files = {}) {
    return Server.#start(test, settings, files);
  }

  /** Starts a server without the module. */
  static startBare(test) {
    return Server.#start(test, {}, {}, []);
  }

  /** Starts a Sentinel. @param lines of its configuration, without the word `sentinel` in front */
  static startSentinel(test, lines) {
    // A Sentinel needs a configuration file, which it rewrites.
    const conf = lines.map((line) => `sentinel ${line}\n`).join("");
    return Server.#start(test, {}, { "sentinel.conf": conf }, ["--sentinel"], "sentinel.conf");
  }

  static async #start(test, settings, files, more, file) {
    const folder = await mkdtemp(join(tmpdir(), "jrs-session-"));
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), content.replaceAll("{folder}", folder), { mode: 0o600 });
    }
    const placed = Object.entries(settings).map(([name, value]) => [
      name,
      String(value).replaceAll("{folder}", folder),
    ]);
    const path = file && [join(folder, file)];
    let server;
    test.after(async () => {
      await server?.stop();
      await rm(folder, { recursive: true });
    });
    return until("a server on a free port", async () => {
      server = new Server(folder, await freePort(), Object.fromEntries(placed), more, path);
      try {
        await server.run();
      } catch (error) {
        if (!error.message.includes("Address already in use")) throw error;
        // Another test has the port: the next attempt takes another one.
        await server.stop();
        await rm(join(folder, "server.log"));
        return undefined;
      }
      return server;
    });
  }

  /** Starts the process. After {@link stop} it can be started again, on the same port. */
  async run() {
    const log = openSync(join(this.#folder, "server.log"), "a");
    // setpriv makes the kernel kill the server when the tests end, even if they are killed.
    const words = ["--pdeathsig", "KILL", PROGRAM, ...this.#arguments];
    this.#child = spawn("setpriv", words, { stdio: ["ignore", log, log] });
    const client = createClient({ socket: { host: "127.0.0.1", port: this.port }, disableOfflineQueue: true });
    client.on("error", () => undefined); // the server is starting or stopped; a command fails with its own error
    this.#client = client;
    client.connect().catch(() => undefined);
    await until("the server replies", async () => {
      if (this.#child.exitCode !== null) throw new Error(await readFile(join(this.#folder, "server.log"), "utf8"));
      if (!client.isReady) return false;
      // Another process may have taken the port first.
      return (await client.info("server")).includes(`process_id:${this.#child.pid}\r\n`);
    });
  }

  /** Kills the process, as in a crash. */
  async stop() {
    if (this.#client.isOpen) this.#client.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** Sends a command on a separate connection. */
  send(...words) {
    return this.#client.sendCommand(words);
  }

  /** The stored data of a session. */
  async stored(id) {
    return JSON.parse(await this.send("GET", `sess:${id}`));
  }
}

/** How many times a command was executed. */
export async function calls(server, command) {
  return Number(new RegExp(`${command}:calls=(\\d+)`, "i").exec(await server.send("INFO", "commandstats"))?.[1] ?? 0);
}

/** A JWK Set with a random secret. */
export function keySet(kid) {
  return JSON.stringify({ keys: [{ kty: "oct", alg: "HS256", kid, k: randomBytes(32).toString("base64url") }] });
}

/**
 * A free port whose cluster bus port, which is 10,000 higher, is also free. Both are below the ports that the kernel gives
 * to connections and to `listen(0)`, so none of these takes them before the server starts, or while it is stopped.
 */
export async function freePort() {
  return until("a free port", async () => {
    const port = randomInt(11_000, 22_000);
    return (await isFree(port)) && (await isFree(port + 10_000)) && port;
  });
}

async function isFree(port) {
  const listener = createServer().listen(port, "127.0.0.1");
  try {
    await once(listener, "listening");
  } catch {
    return false;
  }
  await new Promise((resolve) => listener.close(resolve));
  return true;
}
