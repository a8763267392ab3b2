import { pipeline, type Readable, Transform } from "node:stream";
import { type ReadableStream, TransformStream } from "node:stream/web";

/** A stream with the same chunks. It ends only after `work`, and fails with the error of `work`. */
export function streamThen(source: Readable, work: () => Promise<unknown> | undefined): Readable {
  const through = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => {
      Promise.resolve(work()).then(() => done(), done);
    },
  });
  // If one of the two fails or is closed, the other is destroyed. The reader gets the error from `through`.
  pipeline(source, through, () => undefined);
  return through;
}

/** The same for a stream of the web API. */
export function webStreamThen(source: ReadableStream, work: () => Promise<unknown> | undefined): ReadableStream {
  const flush = async () => {
    await work();
  };
  return source.pipeThrough(new TransformStream({ flush }));
}

/** Stops a stream of either kind that is not sent, so that its source is closed. Other values are ignored. */
export function stopStream(body: unknown): void {
  if (typeof body !== "object" || body === null) return;
  if ("destroy" in body && typeof body.destroy === "function") body.destroy();
  // A locked stream rejects: the application reads it itself.
  else if ("cancel" in body && typeof body.cancel === "function") body.cancel().catch(() => undefined);
}
