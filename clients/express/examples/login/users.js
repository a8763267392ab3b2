// Two people who can log in. A real application has a table of them.
import { scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** By name: the salt, and the scrypt hash of the password. */
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

/** Stands in for unknown names, so that the time of an answer does not tell which names are known. */
const NOBODY = { salt: "0".repeat(32), hash: "0".repeat(64) };

/** Whether this is the password of that user. */
export async function isPassword(name, password) {
  const known = Object.hasOwn(USERS, name);
  const { salt, hash } = known ? USERS[name] : NOBODY;
  const expected = Buffer.from(hash, "hex");
  const actual = await promisify(scrypt)(password, Buffer.from(salt, "hex"), expected.length);
  return timingSafeEqual(actual, expected) && known;
}
