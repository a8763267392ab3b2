/** The option autoSave, and what the application assigns to the session. */
import assert from "node:assert/strict";

import { calls } from "../responses.mjs";
import { until } from "../wait.mjs";

export const SAVING_CASES = {
  "changed fields are merged, also nested and removed ones": async ({ application, server }) => {
    const { browser } = await application();
    await browser.request("POST", "/set", { body: { deep: { list: ["old"] }, other: 1, note: null } });
    const { id } = (await browser.request("GET", "/")).body;
    await browser.request("POST", "/nested");
    assert.deepEqual(await server.stored(id), { deep: { list: ["old", "new"] }, other: 1, note: null });
    await browser.request("POST", "/remove/other");
    await browser.request("POST", "/set", { body: { "a/b~c": 1 } });
    assert.deepEqual(await server.stored(id), { deep: { list: ["old", "new"] }, note: null, "a/b~c": 1 });
  },

  "two requests that change different fields both win": async ({ application, server }) => {
    const { browser, gate } = await application();
    await browser.request("POST", "/set", { body: { first: 0, second: 0, gone: 1 } });
    const { id } = (await browser.request("GET", "/")).body;
    const slow = browser.copy().request("POST", "/held/set", { body: { first: 1 } });
    await gate.entered;
    await browser.request("POST", "/set", { body: { second: 2 } });
    await browser.request("POST", "/remove/gone");
    gate.open();
    assert.equal((await slow).status, 200);
    assert.deepEqual(await server.stored(id), { first: 1, second: 2 });
  },

  "a session that is destroyed during the request is not created again": async ({ application, server }) => {
    const { browser, gate } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    const user = browser.copy();
    const slow = user.request("POST", "/held/set", { body: { late: true } });
    await gate.entered;
    await browser.request("POST", "/logout");
    gate.open();
    assert.equal((await slow).status, 200, "this is not an error");
    assert.equal(await server.send("DBSIZE"), 0);
    assert.deepEqual((await user.request("GET", "/")).body, { id: null, owner: "" });
  },

  "null destroys the session": async ({ application, server }) => {
    const { browser } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    assert.deepEqual((await browser.request("POST", "/null")).body, { none: true });
    assert.equal(browser.cookies.size, 0);
    assert.equal(await server.send("DBSIZE"), 0);
    assert.equal((await browser.request("POST", "/null")).status, 200, "the second time is not an error");
    assert.deepEqual(browser.lines, []);
  },

  "without autoSave, the application saves, and null destroys the session, too": async ({ application, server }) => {
    const { browser } = await application({ autoSave: false });
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    const { id } = (await browser.request("GET", "/")).body;
    await browser.request("POST", "/set", { body: { lost: 1 } });
    assert.deepEqual(await server.stored(id), {});
    await browser.request("POST", "/update", { body: { kept: 1 } });
    assert.deepEqual(await server.stored(id), { kept: 1 });
    await browser.request("POST", "/null");
    assert.equal(browser.cookies.size, 0);
    assert.equal(await server.send("DBSIZE"), 0);
  },

  "without autoSave, an unsaved change causes one warning": async ({ t, application }) => {
    const warnings = [];
    const listener = (warning) => warning.code === "JRS_UNSAVED" && warnings.push(warning.message);
    process.on("warning", listener);
    t.after(() => process.off("warning", listener));
    const { browser } = await application({ autoSave: false });
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    await browser.request("POST", "/set", { body: { flash: "done" } });
    await until("the warning", () => warnings.length > 0);
    await browser.request("POST", "/set", { body: { flash: "done" } });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /'flash'/);
    assert.ok(!warnings[0].includes("done"));
  },

  "regenerate destroys the session, and the next one is empty": async ({ application, server }) => {
    const { browser } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    await browser.request("POST", "/set", { body: { secret: 1 } });
    const old = browser.copy();
    await browser.request("POST", "/regenerate");
    const { id, ...fields } = (await browser.request("GET", "/")).body;
    assert.deepEqual(fields, { owner: "", message: "You are logged out." });
    assert.equal((await old.request("GET", "/")).body.id, null);
    assert.equal(await server.send("DBSIZE"), 1);
  },

  "changes after the headers of a stream are saved when it ends": async ({ application, server }) => {
    const { browser, gate } = await application();
    await browser.request("POST", "/set", { body: { early: true } });
    const { id } = (await browser.request("GET", "/")).body;
    const response = await browser.send("POST", "/held/stream");
    assert.equal(response.status, 200);
    assert.equal(await calls(server, "jrs.update"), 0);
    gate.open();
    assert.equal(await response.text(), "ab");
    assert.deepEqual(await server.stored(id), { early: true, late: true });
  },

  "a new session after the headers of a stream is an error": async ({ application, server }) => {
    const { browser, gate } = await application();
    const response = await browser.send("POST", "/held/stream");
    assert.deepEqual([response.status, browser.lines], [200, []]);
    gate.open();
    await assert.rejects(response.text(), TypeError, "the connection is closed");
    assert.equal(await server.send("DBSIZE"), 0);
  },

  "the response waits for methods that the application does not await": async ({ application, server }) => {
    for (const autoSave of [true, false]) {
      const { browser } = await application({ autoSave });
      const forget = (method, ...body) => browser.request("POST", `/forgotten/${method}`, { body });
      await forget("logIn", "ann");
      assert.equal((await browser.request("GET", "/")).body.owner, "ann");
      assert.equal(await server.send("DBSIZE"), 1, "one session");
      for (const [method, argument] of [
        ["rotate", {}],
        ["logIn", "ann"],
        ["logIn", "bob"],
      ]) {
        await forget(method, argument);
        assert.equal(browser.lines.length, 1, method);
      }
      assert.equal((await browser.request("GET", "/")).body.owner, "bob");
      await forget("destroy");
      assert.equal(browser.cookies.size, 0);
      assert.equal(await server.send("DBSIZE"), 0);
    }
  },

  "a login while a stream begins is complete, or changes nothing": async ({ application, server }) => {
    const { browser, gate } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    gate.open();
    const response = await browser.send("POST", "/held/late/logIn", { body: ["bob"] });
    const owner = (await response.text()) === "adone" ? "bob" : "ann";
    assert.equal((await browser.request("GET", "/")).body.owner, owner);
    assert.equal(await server.send("DBSIZE"), 1);
  },

  "a new token after the headers is an error, and nothing is changed": async ({ application, server }) => {
    const tries = [
      ["create", [], "HEADERS_SENT"],
      ["save", [], "HEADERS_SENT"],
      ["logIn", ["ann"], "HEADERS_SENT"],
      ["rotate", [{}], "HEADERS_SENT", "ann"],
      ["create", [], "HEADERS_SENT", "ann"],
      ["logIn", ["ann"], "HEADERS_SENT", "ann"],
      ["logIn", ["bob"], "HEADERS_SENT", "ann"],
      ["save", [], "done", "ann"],
      ["merge", [{ a: 1 }], "done", "ann"],
      ["destroy", [], "done", "ann"],
    ];
    for (const [method, body, result, owner] of tries) {
      const { browser, gate } = await application();
      if (owner) await browser.request("POST", "/login", { body: { owner } });
      await server.send("CONFIG", "RESETSTAT");
      const response = await browser.send("POST", `/held/late/${method}`, { body });
      gate.open();
      assert.equal(await response.text(), `a${result}`, `${method} ${owner}`);
      assert.deepEqual(browser.lines, []);
      if (result === "done") continue;
      const commands = await Promise.all(
        ["create", "rotate", "update", "destroy"].map((c) => calls(server, `jrs.${c}`)),
      );
      assert.deepEqual(commands, [0, 0, 0, 0]);
      if (owner) assert.equal((await browser.request("GET", "/")).body.owner, owner, "the old token is valid");
    }
  },

  "a session that cannot be saved fails the request before the response": async ({ application, server }) => {
    const { browser } = await application();
    for (const field of ["touch", "id"]) {
      const { status, body } = await browser.request("POST", "/set", { body: { [field]: "x" } });
      assert.deepEqual([status, body], [500, { error: "RESERVED_NAME" }]);
    }
    assert.equal(await server.send("DBSIZE"), 0);
    await browser.request("POST", "/set", { body: { theme: "dark" } });
    assert.deepEqual(await browser.request("POST", "/owner"), { status: 500, body: { error: "OWNER_CHANGED" } });
    await server.send("CONFIG", "SET", "jrs.max-data-size", "300");
    try {
      const { status, body } = await browser.request("POST", "/set", { body: { text: "x".repeat(400) } });
      assert.equal(status, 500);
      assert.match(body.error, /TOOBIG/);
    } finally {
      await server.send("CONFIG", "SET", "jrs.max-data-size", "65536");
    }
    assert.equal((await browser.request("GET", "/")).body.text, undefined);
  },
};
