// The option fields of sessions(): what is sent, and how a reply is read in each form in which clients return it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { requestSession } from "./support/requests.mjs";

const ID = "{ann}:1";
const TOKEN = `x.${Buffer.from(JSON.stringify({ jti: ID })).toString("base64url")}.x`;
const POINTERS = ["/device", "/none", "/list", "/null"];

/** A listed session, by the form of maps in replies. */
const FORMS = {
  "flat arrays": (entries) => entries.flat(),
  Maps: (entries) => new Map(entries),
  objects: (entries) => Object.fromEntries(entries),
};

/** A session of a client that knows one session. Its commands are added to `sent`. */
function sessionOf(form, fields, sent = []) {
  const sendCommand = async (command) => {
    sent.push(command);
    const [name] = command;
    if (name === "JRS.REALMS") return [["name", "default", "keyspace", "sess:"]];
    if (name === "JRS.GET") return [ID, "ann", "{}", "{}", 1];
    if (name === "JRS.REVOKE") return 1;
    const listed = [
      ["id", ID],
      ["created", 1_700_000_000_000],
      ["ttl", 60],
    ];
    if (fields) listed.push(["fields", fields]);
    return [form(listed)];
  };
  return requestSession(jrsSession({ client: { sendCommand } }), TOKEN);
}

for (const [name, form] of Object.entries(FORMS)) {
  test(`${name}: values are parsed, and a missing value is not null`, async () => {
    const sent = [];
    const texts = ['"phone"', null, Buffer.from("[1,2]"), "null"];
    const session = await sessionOf(form, texts, sent);
    const [listed] = await session.sessions({ fields: POINTERS, limit: 20, after: "{ann}:0" });
    const options = ["FIELDS", "4", ...POINTERS, "LIMIT", "20", "AFTER", "{ann}:0", "REALM", "default"];
    assert.deepEqual(sent.at(-1), ["JRS.LIST", "ann", ...options]);
    assert.deepEqual(listed.fields, { "/device": "phone", "/list": [1, 2], "/null": null });
    assert.deepEqual(
      [listed.id, listed.created.getTime(), listed.ttl, listed.current],
      [ID, 1_700_000_000_000, 60, true],
    );
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(listed))), ["id", "created", "ttl", "fields", "current"]);
    assert.equal(await listed.destroy(), 1);
    assert.equal(session.owner, "", "the session of the request was destroyed");
  });
}

test("without pointers, neither data nor values are requested", async () => {
  const sent = [];
  const session = await sessionOf(FORMS.Maps, undefined, sent);
  const [listed] = await session.sessions({ fields: [] });
  assert.deepEqual(sent.at(-1), ["JRS.LIST", "ann", "REALM", "default"]);
  assert.deepEqual([listed.fields, "data" in listed], [{}, false]);
});
