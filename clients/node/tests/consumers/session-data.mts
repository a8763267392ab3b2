// An application that declares the fields of its sessions, as an ES module.
import express from "express";
import { jrsSession, type Session, type SessionData } from "jrs-session";
import { createClient } from "redis";

declare module "jrs-session" {
  interface SessionData {
    name: string;
    cart: string[];
  }
}

const app = express();
app.use(jrsSession({ client: createClient() }));
app.get("/", async (request, response) => {
  const { session } = request;
  const name: string | undefined = session.name;
  session.cart = [...(session.cart ?? []), "book"];
  delete session.name;
  session.owner = 42;
  const owner: string = session.owner;
  const token: string = await session.save();

  // @ts-expect-error every field is optional: a request without a token has an empty session
  const length: number = session.name.length;
  // @ts-expect-error the field has another type
  session.name = 1;
  // @ts-expect-error the field is not declared
  session.nmae = "Ann";
  response.json({ name, owner, token, length });
});

/** A type argument replaces the declared fields. */
export function theme(session: Session<{ theme: "light" | "dark" }>): string {
  // @ts-expect-error the value is not one of the two
  session.theme = "blue";
  // @ts-expect-error `name` is declared in SessionData, but not in the argument
  session.name = "Ann";
  return session.theme ?? "light";
}

/** Data and sessions are different types. */
export const data: SessionData = { name: "Ann", cart: [] };

/** Declared fields, and others of unknown types. */
export function open(session: Session<SessionData & Record<string, unknown>>): unknown {
  return session.other ?? session.cart?.length;
}
