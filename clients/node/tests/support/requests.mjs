/** Sends requests to the middleware without a server. */
import { jrsSession } from "jrs-session";

/** The session of a request with this token. Rejects with the error that the middleware passes to `next`. */
export function requestSession(middleware, token) {
  const request = { headers: token === undefined ? {} : { "x-access-token": token } };
  return new Promise((resolve, reject) => {
    middleware(request, {}, (error) => (error ? reject(error) : resolve(request.session)));
  });
}

/** Connects a client, which is closed after the test, and creates the middleware with it. */
export async function middlewareOf(test, connect, ports, options = {}) {
  const { client, close } = await connect(ports);
  test.after(close);
  return jrsSession({ client, ...options });
}
