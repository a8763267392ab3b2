// Two users who can log in. A real application stores its users in a database.
import { scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** The salt and the scrypt hash of each password, by user name. */
const USERS = {
  // password: correct horse
  ann: {
    salt: "b1dfd24a01272c2c09bf92034f94135a",
    hash: "ca044ee2a1946d6e14f4eff3f4cb3dc581f5dc68569990a3149337deaef1407e",
  },
  // password: battery staple
  bob: {
    salt: "df159f704ed710a249a539af6325c7e0",
    hash: "5b5e566bec006af3a8e9f8ed923edf51483d6166cf8cd83c6adb98027d607198",
  },
};

/** The e-mail addresses, until the application stops. */
const emails = new Map(Object.keys(USERS).map((name) => [name, `${name}@example.com`]));

export function emailOf(name) {
  return emails.get(name);
}

export function changeEmail(name, email) {
  emails.set(name, email);
}

/** Used for unknown names, so that the response time does not reveal which names exist. */
const UNKNOWN_USER = { salt: "0".repeat(32), hash: "0".repeat(64) };

/** Whether this is the password of the user. */
export async function isPassword(name, password) {
  const known = Object.hasOwn(USERS, name);
  const { salt, hash } = known ? USERS[name] : UNKNOWN_USER;
  const expected = Buffer.from(hash, "hex");
  const actual = await promisify(scrypt)(password, Buffer.from(salt, "hex"), expected.length);
  return timingSafeEqual(actual, expected) && known;
}
