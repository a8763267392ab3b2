/** How many milliseconds a test waits for a condition. */
export const WAIT_LIMIT = 60_000;

/** Calls `check` until its result is truthy, and returns the result. Fails after `WAIT_LIMIT`. */
export async function until(what, check) {
  const end = performance.now() + WAIT_LIMIT;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (performance.now() > end) throw new Error(`${what}: not within ${WAIT_LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20)); // the polling interval
  }
}
