/**
 * The data of the application's sessions. It is empty: an application adds its fields by declaration merging.
 *
 * Without such a declaration, a session has fields of any name, of type `any`. With it, a session has the declared
 * fields, all optional, and no others.
 *
 * @example
 * ```ts
 * declare module "jrs-session" {
 *   interface SessionData {
 *     name: string;
 *     cart: string[];
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add the members
export interface SessionData {}

/** `SessionData` if the application has declared fields in it, otherwise fields of any name and type. */
// biome-ignore lint/suspicious/noExplicitAny: programs without a declaration use fields as they like
export type DeclaredData = keyof SessionData extends never ? Record<string, any> : SessionData;
