/** The parts of a request that can hold a token. Express sets all of them, `node:http` only some. */
export interface RequestLike {
  headers?: Record<string, string | string[] | undefined>;
  get?(header: string): string | undefined;
  query?: unknown;
  body?: unknown;
  url?: string | undefined;
}

/** Where a token may come from. */
export interface TokenSources {
  /** The parameter in the query and in the body; the name of the header is derived from it. False: none of the three. */
  requestArg: string | false;
  /** Whether the header `Authorization: Bearer` is read. */
  bearer: boolean;
  /** The name of the cookie; undefined: no cookie is read. */
  cookie: string | undefined;
}

/**
 * Returns a function that reads the token of a request. Of header, query, body, `Authorization` and cookie, in this
 * order, the first that is not empty is used.
 */
export function tokenReader({
  requestArg,
  bearer,
  cookie,
}: TokenSources): (request: RequestLike) => string | undefined {
  const header = requestArg !== false && headerName(requestArg);
  return (request) => {
    const found =
      (header && headerOf(request, header)) ||
      (requestArg && (queryParameter(request, requestArg) || parameter(request.body, requestArg))) ||
      (bearer && bearerToken(headerOf(request, "authorization"))) ||
      (cookie !== undefined && cookieValue(headerOf(request, "cookie"), cookie));
    // A repeated parameter is an array, which is not a token.
    return typeof found === "string" ? found : undefined;
  };
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

function headerOf(request: RequestLike, name: string): unknown {
  return request.get ? request.get(name) : request.headers?.[name];
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

function bearerToken(authorization: unknown): string | undefined {
  return typeof authorization === "string" ? /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1] : undefined;
}

/** The value of a cookie, not decoded: the characters of a token are not escaped in cookies. */
function cookieValue(cookies: unknown, name: string): string | undefined {
  if (typeof cookies !== "string") return undefined;
  for (const cookie of cookies.split(";")) {
    const equals = cookie.indexOf("=");
    if (equals > 0 && cookie.slice(0, equals).trim() === name) return cookie.slice(equals + 1).trim();
  }
  return undefined;
}
