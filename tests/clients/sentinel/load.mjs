// Loops that use sessions and print what they did, one JSON object on a line: the format of
// tests/server/chaos/history.rs. Other lines, for people: "error WORD" and "unexpected SENTENCE".
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

/** First words of errors that a client can get from a server during a failover. The command did nothing. */
const REFUSED = /^(READONLY|UNBLOCKED|NOREPLICAS|LOADING|MASTERDOWN|TRYAGAIN) /;
/** An error of a server that is none of these. */
const SERVER_ERROR = /^[A-Z]{3,} /;
/** How many sessions of an owner the loop keeps. */
const KEPT = 20;
/** Milliseconds between two operations of an owner. */
const PAUSE = 20;

/**
 * Runs a loop for each owner until the input ends.
 *
 * @param exchange sends commands on one connection, without waiting for the replies in between. Resolves to the replies,
 *   or errors in their places.
 * @param close closes the client
 */
export async function run(owners, exchange, close) {
  let isOver = false;
  createInterface({ input: process.stdin }).on("close", () => {
    isOver = true;
  });
  await Promise.all(owners.map((owner) => new Owner(owner, exchange).run(() => isOver)));
  await close();
}

const print = (line) => process.stdout.write(`${line}\n`);
const below = (limit) => Math.floor(Math.random() * limit);

class Owner {
  #owner;
  #exchange;
  /** The connection, as CLIENT INFO describes it. */
  #connection;
  #alive = [];
  #destroyed = [];
  #writes = 0;

  constructor(owner, exchange) {
    this.#owner = owner;
    this.#exchange = exchange;
  }

  async run(isOver) {
    while (!isOver()) {
      await this.#perform(this.#choose());
      await setTimeout(PAUSE);
    }
  }

  #choose() {
    const choice = below(100);
    const token = this.#alive[below(this.#alive.length)];
    const data = JSON.stringify({ n: ++this.#writes });
    if (choice < 2) return { op: "destroyall", words: ["JRS.DESTROYALL", this.#owner] };
    if (choice < 6) return { op: "list", words: ["JRS.LIST", this.#owner] };
    if (choice < 10 && this.#destroyed.length > 0) {
      const destroyed = this.#destroyed[below(this.#destroyed.length)];
      return { op: "read", token: destroyed, words: ["JRS.GET", destroyed] };
    }
    if (choice < 40 && token) return { op: "read", token, words: ["JRS.GET", token] };
    if (choice < 55 && token) return { op: "update", token, data, words: ["JRS.UPDATE", token, data] };
    if (choice < 70 && token) return { op: "rotate", token, words: ["JRS.ROTATE", token] };
    if (token && (choice < 78 || this.#alive.length >= KEPT)) {
      return { op: "destroy", token, words: ["JRS.DESTROY", token] };
    }
    return { op: "create", data, words: ["JRS.CREATE", this.#owner, data] };
  }

  async #perform({ words, ...operation }) {
    const waits = !["read", "list"].includes(operation.op) && below(2) === 0;
    const commands = [["CLIENT", "INFO"], words, ...(waits ? [["WAIT", "1", "1000"]] : []), ["CLIENT", "INFO"]];
    const replies = await this.#exchange(commands);
    const [before, reply] = replies;
    const after = replies.at(-1);
    const connection = connectionIn(before);
    if (connection === undefined || connection !== this.#connection) {
      this.#print({ op: "connect", outcome: "ok" });
      this.#connection = connection;
    }
    const outcome = outcomeOf(reply, operation.op);
    const done = { ...operation, outcome, ...(outcome === "ok" && replyOf(reply, operation.op)) };
    this.#print(done);
    this.#remember(done);
    if (waits && outcome === "ok") {
      const isSame = connection !== undefined && connectionIn(after) === connection;
      this.#print({ op: "wait", outcome: isSame ? outcomeOf(replies[2], "wait") : "unknown" });
    }
  }

  #print(operation) {
    print(JSON.stringify({ ...operation, owner: this.#owner }));
  }

  #remember({ op, outcome, token, new_token }) {
    const isGone = outcome === "null" || (outcome === "ok" && ["rotate", "destroy"].includes(op));
    if (isGone && token) this.#forget((alive) => alive === token);
    if (outcome === "ok" && op === "destroyall") this.#forget(() => true);
    if (new_token) this.#alive.push(new_token);
  }

  #forget(isGone) {
    this.#destroyed = [...this.#destroyed, ...this.#alive.filter(isGone)].slice(-KEPT);
    this.#alive = this.#alive.filter((token) => !isGone(token));
  }
}

/** The server and the connection in a reply to CLIENT INFO; undefined for an error. */
function connectionIn(reply) {
  return /^(id=\d+) .*?(laddr=\S+)/.exec(reply)?.slice(1).join(" ");
}

function outcomeOf(reply, op) {
  if (reply instanceof TypeError) throw reply; // a mistake in this program
  if (reply instanceof Error) {
    const [word] = /^[A-Z]{3,}/.exec(reply.message) ?? ["connection"];
    const isRefused = REFUSED.test(reply.message);
    if (isRefused || !SERVER_ERROR.test(reply.message)) print(`error ${word}: ${reply.message}`);
    else print(`unexpected ${reply.message}`);
    return isRefused ? "refused" : "unknown";
  }
  const isNothing = reply === null || (reply === 0 && ["destroy", "wait"].includes(op));
  return isNothing ? "null" : "ok";
}

/** The fields of the reply. Sessions are maps, or arrays of names and values. */
function replyOf(reply, op) {
  if (["create", "rotate"].includes(op)) return { new_token: reply };
  if (op === "read") return { data: field(reply, "data") };
  if (op === "list") return { ids: reply.map((session) => field(session, "id")) };
  return {};
}

function field(session, name) {
  return Array.isArray(session) ? session[session.indexOf(name) + 1] : session[name];
}
