/** The parts of a request that can hold a token. Express sets all of them, `node:http` only some. */
export interface RequestLike {
  /** The headers, by their names in lower case. */
  headers?: Record<string, string | string[] | undefined>;
  /** Used instead of `headers` if these are missing. */
  get?(header: string): string | undefined;
  query?: unknown;
  body?: unknown;
  url?: string | undefined;
}

/** Where a token may come from, besides the cookie. */
export interface TokenSources {
  /** The parameter in the query and in the body; the name of the header is derived from it. False: none of the three. */
  requestArg: string | false;
  /** Whether the header `Authorization: Bearer` is read. */
  bearer: boolean;
}

/**
 * Returns a function that reads the token of a request. Of header, query, body and `Authorization`, in this order, the
 * first that is not empty is used. Undefined if no source is set.
 */
export function tokenReader({ requestArg, bearer }: TokenSources): ((request: RequestLike) => unknown) | undefined {
  if (requestArg === false) return bearer ? bearerToken : undefined;
  const header = headerName(requestArg);
  return (request) =>
    headerOf(request, header) ||
    queryParameter(request, requestArg) ||
    parameter(request.body, requestArg) ||
    (bearer ? bearerToken(request) : undefined);
}

/**
 * The name of the header for a parameter: `x-access-token` for `accessToken`. As in `jwt-redis-session`, a hyphen is put
 * before every character that equals its upper case, which includes digits.
 */
function headerName(requestArg: string): string {
  const [first = ""] = requestArg;
  const words = [...requestArg].map((character) =>
    character === character.toUpperCase() ? `-${character.toLowerCase()}` : character,
  );
  return `x${first === first.toUpperCase() ? "" : "-"}${words.join("")}`;
}

/** A header of a request. @param name in lower case */
export function headerOf(request: RequestLike, name: string): unknown {
  return request.headers ? request.headers[name] : request.get?.(name);
}

/**
 * A parameter of the query. If Express has not parsed the query, as in the upgrade request of a WebSocket, the parameter
 * is read from the URL. As in Express, a repeated parameter is an array.
 */
function queryParameter({ query, url }: RequestLike, name: string): unknown {
  if (query !== undefined) return parameter(query, name);
  const start = typeof url === "string" ? url.indexOf("?") : -1;
  if (url === undefined || start < 0) return undefined;
  // getAll for this name only: for every name it takes quadratic time, and the client is not authenticated yet.
  const values = new URLSearchParams(url.slice(start)).getAll(name);
  return values.length > 1 ? values : values[0];
}

function parameter(parameters: unknown, name: string): unknown {
  return (parameters as Record<string, unknown> | null | undefined)?.[name];
}

function bearerToken(request: RequestLike): string | undefined {
  const authorization = headerOf(request, "authorization");
  return typeof authorization === "string" ? /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1] : undefined;
}
