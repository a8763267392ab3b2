/** Requests, as a server hands them to the middleware. */
import { jrsSession } from "jrs-session";

/** The session of a request that carries this token. Rejects with what the middleware hands to `next`. */
export function visit(middleware, token) {
  const request = { headers: token === undefined ? {} : { "x-access-token": token } };
  return new Promise((resolve, reject) => {
    middleware(request, {}, (error) => (error ? reject(error) : resolve(request.session)));
  });
}

/** The middleware with a client of one of the libraries, which is closed after the test. */
export async function middlewareOf(test, connect, ports, options = {}) {
  const { client, close } = await connect(ports);
  test.after(close);
  return jrsSession({ client, ...options });
}
