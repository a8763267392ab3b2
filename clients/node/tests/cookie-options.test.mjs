// The option cookie: its forms, its default values, and the combinations that browsers refuse silently.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { keptCookie } from "./support/cookies.mjs";

const CLIENT = { sendCommand: () => Promise.reject(new Error("unexpected command")) };
const STANDARD = "; Path=/; HttpOnly; Secure; SameSite=Lax";

test("the default name and attributes, and those of the options", async () => {
  const lines = {
    [`__Host-session=TOKEN; Max-Age=86400${STANDARD}`]: [true, {}, { name: "__Host-session" }, { name: undefined }],
    [`sid=TOKEN; Max-Age=86400${STANDARD}`]: ["sid", { name: "sid" }],
    "session=TOKEN; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax": [{ secure: false }],
    "__Secure-session=TOKEN; Max-Age=86400; Path=/; Domain=example.org; HttpOnly; Secure; SameSite=Lax": [
      { domain: "example.org" },
      { name: "__Secure-session", domain: "example.org", path: "/" },
    ],
    "__Secure-session=TOKEN; Max-Age=86400; Path=/shop; HttpOnly; Secure; SameSite=Lax": [{ path: "/shop" }],
    "__Host-session=TOKEN; Max-Age=86400; Path=/; Secure; SameSite=Strict": [{ httpOnly: false, sameSite: "strict" }],
    "__Host-session=TOKEN; Max-Age=86400; Path=/; HttpOnly; Secure; SameSite=None; Partitioned": [
      { sameSite: "none", partitioned: true },
    ],
    "__Host-Http-session=TOKEN; Path=/; HttpOnly; Secure; SameSite=Lax": [
      { name: "__Host-Http-session", persistent: false },
    ],
  };
  for (const [line, options] of Object.entries(lines)) {
    for (const cookie of options) assert.equal(await keptCookie(cookie), line);
  }
});

test("options that browsers would refuse silently are errors", () => {
  const wrong = [
    [
      { name: "__Host-session", domain: "example.org" },
      /'cookie.name' begins with '__Host-', which allows no 'domain'/,
    ],
    [{ name: "__Host-session", path: "/shop" }, /'__Host-', which allows no 'domain' and no 'path'/],
    [{ name: "__HOST-session", path: "/shop" }, /'__HOST-', which allows no/],
    [{ name: "__Host-session", secure: false }, /'__Host-', which needs 'secure: true'/],
    [{ name: "__Secure-session", secure: false }, /'__Secure-', which needs 'secure: true'/],
    [{ name: "__secure-session", secure: false }, /'__secure-', which needs 'secure: true'/],
    [{ name: "__Http-session", httpOnly: false }, /'__Http-', which needs 'httpOnly: true'/],
    [{ name: "__Host-Http-session", path: "/shop" }, /'__Host-Http-', which allows no/],
    [{ sameSite: "none", secure: false }, /'cookie.sameSite' 'none' needs 'secure: true'/],
    [{ partitioned: true, secure: false }, /'cookie.partitioned' needs 'secure: true'/],
    [{ sameSite: "Lax" }, /'cookie.sameSite' must be 'lax', 'strict' or 'none'/],
    [{ sameSite: true }, /'cookie.sameSite' must be/],
    [{ secure: "auto" }, /'cookie.secure' must be true or false/],
    [{ persistent: 1 }, /'cookie.persistent' must be true or false/],
    [{ maxAge: 1000 }, /unknown option 'cookie.maxAge': .* jrs\.max-age .* 'persistent: false'/],
    [{ sameSIte: "lax" }, /unknown option 'cookie.sameSIte'/],
    [{ toString: "x" }, /unknown option 'cookie.toString'/],
  ];
  for (const name of ["", "a b", "a;b", "a=b", "ä", "a\r\nb", 'a"', 1, null])
    wrong.push([{ name }, /'cookie.name' must/]);
  for (const path of ["", "shop", "/a;b", "/a\r\nSet-Cookie: b", "/ä", 1, null])
    wrong.push([{ path }, /'cookie.path' must/]);
  for (const domain of ["", "a b", "a;b", "-a", "http://a", "a\nb", 1, null]) {
    wrong.push([{ domain }, /'cookie.domain' must/]);
  }
  for (const [cookie, message] of wrong) {
    assert.throws(() => jrsSession({ client: CLIENT, cookie }), { name: "TypeError", message }, JSON.stringify(cookie));
  }
});
