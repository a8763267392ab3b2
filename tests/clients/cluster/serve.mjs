// The loop of the programs in this folder. A program sends commands through its client library to a Redis Cluster.
//
// The only argument is JSON:
//   ports     the ports of some nodes on 127.0.0.1
//   replicas  whether commands that only read go to replicas
//   plain     whether commands are sent without the recipe of docs/clients/other-languages.md
//
// Each line of standard input is JSON:
//   words     a command with its arguments; the first argument is its key
//   anywhere  whether the command has no key: any node may answer
//   read      whether the command only reads
// or, for a transaction:
//   commands  an array of such words, all with keys of one slot
//
// The answer is a line of JSON: {"reply": …} or {"error": "the class of the exception: its message"}.

import { createInterface } from "node:readline";

export const options = JSON.parse(process.argv[2]);
export const nodes = options.ports.map((port) => ({ host: "127.0.0.1", port }));

/** Answers all requests. */
export async function serve({ send, transaction }) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { words, anywhere, read, commands } = JSON.parse(line);
    const reply = commands ? transaction(commands) : send(words, { anywhere, read });
    const answer = await reply.then(
      (reply) => ({ reply }),
      (error) => ({ error: `${error.constructor.name}: ${error.message}` }),
    );
    console.log(JSON.stringify(answer));
  }
  process.exit(0); // closes the connections
}
