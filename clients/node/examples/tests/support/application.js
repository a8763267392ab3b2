/** Runs an example application as a separate process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const EXAMPLES = fileURLToPath(new URL("../../", import.meta.url));

/** The applications, with their command lines from the folder of these examples. */
export const NODE_LOGIN = { name: "Node", command: [process.execPath, "login/server.js"], environment: {} };

/**
 * Starts an application on a free port. It is stopped after the test.
 *
 * @param more environment variables
 * @returns its address
 */
export async function startApplication(test, { command, environment }, more) {
  const env = { ...process.env, PORT: "0", ...environment, ...more };
  // setpriv makes the kernel kill the application when the tests end, even if they are killed.
  const words = ["--pdeathsig", "KILL", ...command];
  const child = spawn("setpriv", words, { cwd: EXAMPLES, env, stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  test.after(async () => {
    child.kill();
    await gone;
  });
  const [address] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    gone.then(([code]) => Promise.reject(new Error(`${command.join(" ")} exited with ${code}`))),
  ]);
  return address;
}
