/** Responses of node:http, without a network. */
import { IncomingMessage, ServerResponse } from "node:http";
import { jrsSession } from "jrs-session";

/** A client whose server creates sessions with the token TOKEN, of a realm with a time to live of a day. */
function client(token) {
  const realm = ["name", "default", "keyspace", "sess:", "max-age", 86_400, "anonymous-max-age", 0];
  return { sendCommand: async ([name]) => (name === "JRS.REALMS" ? [realm] : token) };
}

/** The header Set-Cookie of a response to a request that has created a session. */
export async function keptCookie(cookie) {
  const payload = Buffer.from(JSON.stringify({ jti: "id" })).toString("base64url");
  const token = `e30.${payload}.x`;
  const request = new IncomingMessage(null);
  const response = new ServerResponse(request);
  await new Promise((resolve) => jrsSession({ client: client(token), cookie })(request, response, resolve));
  await request.session.create();
  response.writeHead(200);
  const [line, ...others] = response.getHeader("set-cookie");
  if (others.length > 0 || response.getHeader("vary") !== "Cookie") throw new Error("unexpected headers");
  return line.replace(token, "TOKEN");
}
