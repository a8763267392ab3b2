/** Runs an example application as a separate process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * Starts an application on a free port. It is stopped after the test.
 *
 * @param script its path in the folder of the examples
 * @returns its address
 */
export async function startApplication(test, script, environment) {
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  const env = { ...process.env, PORT: "0", ...environment };
  // setpriv makes the kernel kill the application when the tests end, even if they are killed.
  const words = ["--pdeathsig", "KILL", process.execPath, path];
  const child = spawn("setpriv", words, { env, stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  test.after(async () => {
    child.kill();
    await gone;
  });
  const [address] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    gone.then(([code]) => Promise.reject(new Error(`${script} exited with ${code}`))),
  ]);
  return address;
}
