/** Milliseconds that anything awaited in a test may take. */
export const PATIENCE = 20_000;

/** Waits until a condition holds, that is, until `ask` answers with something true, and answers with it. */
export async function until(what, ask) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20)); // between two polls
  }
}
