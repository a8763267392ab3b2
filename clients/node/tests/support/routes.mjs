/**
 * The routes of the test application, which is the same in each framework.
 *
 * A handler gets an exchange, with the session, the parameters of the path and the JSON body. It returns what the
 * response has: `json`, `redirect` or `stream` (a generator), and `headers`.
 */

/** A handler waits in it until the test lets it continue. */
export class Gate {
  #enter;
  #open;
  /** Resolves when the handler has arrived. */
  entered = new Promise((resolve) => {
    this.#enter = resolve;
  });
  #opened = new Promise((resolve) => {
    this.#open = resolve;
  });

  pass() {
    this.#enter();
    return this.#opened;
  }

  open() {
    this.#open();
  }
}

/** The fields of a session. */
function fieldsOf(session) {
  const { claims, jwt, ...fields } = session.toJSON();
  return fields;
}

/** The JSON that the error handler of the application replies with. */
export function describeError(error) {
  return { error: error.code ?? error.message };
}

/** @param gate the routes that begin with `/held` wait in it */
export function routesWith(gate) {
  const handlers = {
    "GET /": (exchange) => ({
      json: { id: exchange.session.id ?? null, owner: exchange.session.owner, ...fieldsOf(exchange.session) },
    }),
    "POST /set": ({ session, body }) => {
      Object.assign(session, body);
      return { json: { done: true } };
    },
    "POST /nested": ({ session }) => {
      session.deep.list.push("new");
      return { json: {} };
    },
    "POST /remove/:name": ({ session, params }) => {
      delete session[params.name];
      return { json: {} };
    },
    "POST /login": async (exchange) => {
      await exchange.session.logIn(exchange.body.owner);
      if (exchange.body.device) exchange.session.device = exchange.body.device;
      return { json: { id: exchange.session.id } };
    },
    "POST /forgotten/:method": ({ session, params, body }) => {
      session[params.method](...body); // without await
      return { json: {} };
    },
    "GET /devices": async ({ session }) => ({ json: await session.sessions({ fields: ["/device"] }) }),
    "DELETE /devices/:id": async ({ session, params }) => {
      const device = (await session.sessions()).find(({ id }) => id === params.id);
      return { json: { ended: device ? await device.destroy() : 0 } };
    },
    "DELETE /devices": async ({ session, body }) => ({ json: { ended: await session.destroyAll(body) } }),
    "POST /logout": async ({ session }) => ({ json: { ended: await session.destroy() } }),
    "POST /null": (exchange) => {
      exchange.session = null;
      return { json: { none: exchange.session === null } };
    },
    "POST /regenerate": async (exchange) => {
      await exchange.session.regenerate();
      exchange.session.message = "You are logged out.";
      return { json: {} };
    },
    "POST /rotate": async ({ session, body }) => {
      await session.rotate(body);
      return { json: { id: session.id } };
    },
    "POST /claims": async ({ session, body }) => {
      await session.create(body);
      return { json: {} };
    },
    "POST /update": async ({ session, body }) => {
      Object.assign(session, body);
      await session.update();
      return { json: {} };
    },
    "GET /redirect": ({ session }) => {
      session.seen = true;
      return { redirect: "/" };
    },
    "GET /seen": ({ session }) => {
      session.seen = true;
      return { json: { length: "of the body" } };
    },
    "POST /throw": ({ session }) => {
      session.tried = true;
      throw new Error("the handler failed");
    },
    "POST /owner": ({ session }) => {
      session.owner = "bob";
      return { json: {} };
    },
    "POST /cookie": async ({ session }) => {
      await session.create();
      return { json: {}, headers: { "set-cookie": "__Host-session=mine; Path=/; Secure" } };
    },
    "POST /vary": async ({ session }) => {
      await session.create();
      return { json: {}, headers: { vary: "Accept-Encoding" } };
    },
    "POST /held/set": async (exchange) => {
      await gate.pass();
      Object.assign(exchange.session, exchange.body);
      return { json: {} };
    },
    "POST /held/stream": (exchange) => ({
      stream: async function* () {
        yield "a";
        await gate.pass();
        exchange.session.late = true;
        yield "b";
      },
    }),
    "POST /held/late/:method": (exchange) => ({
      stream: async function* () {
        yield "a";
        await gate.pass();
        const { session, params, body } = exchange;
        if (params.method === "logIn") session.lost = 1;
        yield await session[params.method](...body).then(
          () => "done",
          (error) => error.code,
        );
        delete session.lost;
      },
    }),
    "GET /sensitive": () => ({ json: { secret: 42 } }),
  };
  return Object.entries(handlers).map(([name, handler]) => {
    const [method, path] = name.split(" ");
    return { method, path, handler, recent: path === "/sensitive" ? 300 : undefined };
  });
}
