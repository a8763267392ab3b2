import type { Commands } from "./commands.js";

/** The request that a session belongs to. */
export interface SessionHost {
  readonly commands: Commands;
  /** The longest token in characters; `Infinity` if it need not fit into a cookie. */
  readonly maxTokenLength: number;
  /** Whether it is too late to set the cookie. False if the token is not kept in a cookie. */
  readonly headersSent: boolean;
  /** Called before a session is created, which waits for the promise. */
  beforeCreate(): Promise<unknown> | undefined;
  /** Puts a new, empty session into the request. */
  replaceSession(): void;
  /** Called when a method of the session begins. */
  methodBegins(): void;
  /** Called when a method of the session has finished, successful or not. */
  methodEnds(): void;
  /** Called when the session has another token. */
  tokenChanged(): void;
  /** Called when the application has destroyed the session, or the server has answered that its token is reused. */
  sessionDestroyed(): void;
}
