/**
 * A Node.js callback.
 *
 * @param error `null` on success
 * @param value the result; missing on failure
 * @example
 * ```js
 * req.session.touch((error, seconds) => (error ? next(error) : res.json({ seconds })));
 * ```
 */
export type Callback<T> = (error: Error | null, value?: T) => void;

/**
 * A method that takes a Node.js callback as its last argument and returns nothing, or takes no callback and returns a
 * promise.
 *
 * @typeParam T the result
 * @typeParam Args the arguments before the callback. Optional ones may be left out before the callback.
 * @example
 * ```ts
 * declare const touch: AsyncMethod<number>;
 * const seconds = await touch();
 * touch((error, seconds) => console.log(error ?? seconds));
 * ```
 */
export interface AsyncMethod<T, Args extends unknown[] = []> {
  (...args: [...Args, callback: Callback<T>]): void;
  (...args: [...RequiredOf<Args>, callback: Callback<T>]): void;
  (...args: Args): Promise<T>;
}

/** The arguments before the first optional one. */
type RequiredOf<Args extends unknown[]> = [] extends Args
  ? []
  : Args extends [infer First, ...infer Others]
    ? [First, ...RequiredOf<Others>]
    : Args;

/** What an implementation of `AsyncMethod` returns. Each call gets one of the two, as the overload that it uses says. */
// biome-ignore lint/suspicious/noConfusingVoidType: both are return types of AsyncMethod
export type PromiseOrNothing<T> = Promise<T> & void;

/** Passes the result of `work` to the callback. Without a callback, returns `work`. */
export function callbackOrPromise<T>(work: Promise<T>, callback: Callback<T> | undefined): PromiseOrNothing<T> {
  if (typeof callback !== "function") return work as PromiseOrNothing<T>;
  // nextTick keeps exceptions of the callback out of the promise chain: they are not errors of `work`.
  work.then(
    (value) => process.nextTick(callback, null, value),
    (error: unknown) => process.nextTick(callback, error instanceof Error ? error : new Error(String(error))),
  );
  return undefined as PromiseOrNothing<T>;
}
