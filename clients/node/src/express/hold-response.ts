import type { ResponseLike } from "./request-and-response.js";

/** The part of a response that is needed to hold it. Responses that are not of Node.js may have less. */
type HeldResponse = ResponseLike & {
  statusCode?: number;
  statusMessage?: string;
  getHeaders?(): Record<string, string | string[] | number | undefined>;
  getHeaderNames?(): string[];
  removeHeader?(name: string): unknown;
};

/** Methods that send a part of the response. */
const SENDERS = ["write", "writeHead", "flushHeaders"] as const;

/** Headers that Express derives from the body. They must not describe the body of an error handler. */
const OF_THE_BODY = ["content-length", "etag", "last-modified"];

/**
 * Keeps a response, whose application has ended it, as it is until the session is saved. An error handler may answer the
 * same request a second time, because the headers are not sent yet: the first answer stays.
 *
 * @returns a function that releases the response. With true, its first answer can be sent; with false, another one
 */
export function holdResponse(given: ResponseLike): (send: boolean) => void {
  const response = given as HeldResponse & Record<(typeof SENDERS)[number], (...args: unknown[]) => unknown>;
  const { statusCode, statusMessage } = response;
  const headers = { ...response.getHeaders?.() };
  let isHeld = true;
  for (const name of SENDERS) {
    const send = response[name];
    const ignored = name === "write" ? true : response;
    response[name] = (...args) => (isHeld ? ignored : send?.apply(response, args));
  }
  return (send) => {
    isHeld = false;
    if (response.headersSent) return;
    if (send) restore(response, { statusCode, statusMessage }, headers);
    else for (const name of OF_THE_BODY) response.removeHeader?.(name);
  };
}

function restore(response: HeldResponse, status: object, headers: ReturnType<NonNullable<HeldResponse["getHeaders"]>>) {
  Object.assign(response, status);
  for (const name of response.getHeaderNames?.() ?? []) if (!(name in headers)) response.removeHeader?.(name);
  for (const [name, value] of Object.entries(headers)) {
    if (response.getHeader(name) !== value) response.setHeader(name, value as string);
  }
}
