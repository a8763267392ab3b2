/** Starts Express applications, and sends requests with cookies as a browser does. */
import { once } from "node:events";

/** Starts an application, which is stopped after the test. @returns its address */
export async function listening(t, app) {
  const listener = app.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  return `http://127.0.0.1:${listener.address().port}`;
}

export class Browser {
  cookies = new Map();
  /** The Set-Cookie headers of the last response. */
  lines = [];
  /** The headers of the last response. */
  headers = new Headers();
  address;

  constructor(address) {
    this.address = address;
  }

  /** The header Vary of the last response; null without one. */
  get vary() {
    return this.headers.get("vary");
  }

  copy() {
    const copy = new Browser(this.address);
    copy.cookies = new Map(this.cookies);
    return copy;
  }

  /** Sends a request, and keeps the cookies that the response sets. @returns the response, whose body is not read yet */
  async send(method, path, { body, headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const type = body && { "content-type": "application/json" };
    const init = {
      method,
      headers: { cookie, ...type, ...headers },
      body: body && JSON.stringify(body),
      redirect: "manual",
    };
    const response = await fetch(this.address + path, init);
    this.headers = response.headers;
    this.lines = response.headers.getSetCookie();
    for (const line of this.lines) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** @returns the status, and the body, which is parsed if it is JSON */
  async request(method, path, init) {
    const response = await this.send(method, path, init);
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text };
  }
}
