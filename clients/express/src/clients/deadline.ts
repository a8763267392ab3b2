import { SessionError } from "../errors.js";
import type { Connection } from "./connection.js";

/**
 * The same connection, except that it does not wait for ever. Clients keep commands while they are not connected, some
 * of them for as long as it takes; a request should not wait with them.
 *
 * @param limit milliseconds; 0: wait as long as the client does
 */
export function withDeadline(connection: Connection, limit: number): Connection {
  if (limit === 0) return connection;
  return {
    cluster: connection.cluster,
    send: (command, key) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(overdue(limit)), limit);
        connection
          .send(command, key)
          .then(resolve, reject)
          .finally(() => clearTimeout(timer));
      }),
  };
}

function overdue(limit: number): SessionError {
  const message = `Redis has not answered within ${limit} ms; whether the command was carried out is unknown`;
  return new SessionError("TIMEOUT", message);
}
