/** A Node callback. On success the error is null. */
export type Callback<T> = (error: Error | null, value?: T) => void;

/** Answers through the callback if there is one, and else with a promise. */
export function answer<T>(work: Promise<T>, callback?: Callback<T>): Promise<T> | undefined {
  if (typeof callback !== "function") return work;
  // Through nextTick, so that what the callback throws is not taken for a failure of the work.
  work.then(
    (value) => process.nextTick(callback, null, value),
    (error: unknown) => process.nextTick(callback, error instanceof Error ? error : new Error(String(error))),
  );
  return undefined;
}
