/** Runs an example application as a separate process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const EXAMPLES = fileURLToPath(new URL("../../", import.meta.url));

const PYTHON_PACKAGE = fileURLToPath(new URL("../../../../python/", import.meta.url));
/** The default is the environment that clients/python/scripts/test makes. */
const PYTHON =
  process.env.JRS_PYTHON ?? fileURLToPath(new URL("../../../../../target/venv-python/bin/python", import.meta.url));

/** The applications, with their command lines from the folder of these examples. */
export const NODE_LOGIN = { name: "Node", command: [process.execPath, "login/server.js"], environment: {} };
export const PYTHON_LOGIN = {
  name: "Python",
  command: [PYTHON, `${PYTHON_PACKAGE}examples/login/server.py`],
  environment: { PYTHONPATH: `${PYTHON_PACKAGE}src`, PYTHONDONTWRITEBYTECODE: "1" },
  // Without the environment, only the package for Node.js is developed.
  skip: process.env.JRS_PYTHON === undefined && !existsSync(PYTHON) && "run clients/python/scripts/test first",
};

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
