/** An Express application that listens, and a browser that keeps its cookies. */
import { once } from "node:events";

/** Lets an application listen, until the test is over. @returns its address */
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
  /** The Set-Cookie lines of the last answer. */
  lines = [];
  #address;

  constructor(address) {
    this.#address = address;
  }

  copy() {
    const copy = new Browser(this.#address);
    copy.cookies = new Map(this.cookies);
    return copy;
  }

  /** @returns status and body, which is parsed if it is JSON */
  async ask(method, path, { body, headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const type = body && { "content-type": "application/json" };
    const init = { method, headers: { cookie, ...type, ...headers }, body: body && JSON.stringify(body), redirect: "manual" };
    const response = await fetch(this.#address + path, init);
    this.lines = response.headers.getSetCookie();
    for (const line of this.lines) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text };
  }
}
