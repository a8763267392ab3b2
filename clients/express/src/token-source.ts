/** Of a request, what a token can be found in. Express fills in all of it, `node:http` the headers. */
export interface RequestLike {
  headers?: Record<string, string | string[] | undefined>;
  get?(header: string): string | undefined;
  query?: unknown;
  body?: unknown;
  url?: string | undefined;
}

/** Where tokens are looked for. */
export interface Places {
  /** The parameter in the query and in the body; the header's name follows from it. False: none of the three. */
  requestArg: string | false;
  /** Whether `Authorization: Bearer` is a place. */
  bearer: boolean;
  /** The name of a cookie that is one. */
  cookie: string | undefined;
}

/**
 * A function that finds a request's token. The first place that holds anything counts: header, query, body, then
 * `Authorization`, then the cookie.
 */
export function tokenFinder({ requestArg, bearer, cookie }: Places): (request: RequestLike) => string | undefined {
  const header = requestArg !== false && headerName(requestArg);
  return (request) => {
    const found =
      (header && headerOf(request, header)) ||
      (requestArg && (queryParameter(request, requestArg) || parameter(request.body, requestArg))) ||
      (bearer && bearerToken(headerOf(request, "authorization"))) ||
      (cookie !== undefined && cookieValue(headerOf(request, "cookie"), cookie));
    // A parameter that is given twice is an array, and no token.
    return typeof found === "string" ? found : undefined;
  };
}

/**
 * The header's name: `accessToken` is sent as `x-access-token`. As in `jwt-redis-session`, a hyphen goes before every
 * character that equals its own upper case, digits among them.
 */
export function headerName(requestArg: string): string {
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
 * A parameter of the query. Where Express has not parsed the query, as in a WebSocket's upgrade request, it is read from
 * the URL. As in Express, a parameter that is given twice is an array.
 */
function queryParameter({ query, url }: RequestLike, name: string): unknown {
  if (query !== undefined) return parameter(query, name);
  const start = typeof url === "string" ? url.indexOf("?") : -1;
  if (url === undefined || start < 0) return undefined;
  // Only this name: getAll for every name takes quadratic time, before the client is authenticated.
  const values = new URLSearchParams(url.slice(start)).getAll(name);
  return values.length > 1 ? values : values[0];
}

function parameter(parameters: unknown, name: string): unknown {
  return (parameters as Record<string, unknown> | null | undefined)?.[name];
}

function bearerToken(authorization: unknown): string | undefined {
  return typeof authorization === "string" ? /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1] : undefined;
}

/** The value of a cookie. Tokens are made of characters that a cookie needs no escapes for. */
function cookieValue(cookies: unknown, name: string): string | undefined {
  if (typeof cookies !== "string") return undefined;
  for (const cookie of cookies.split(";")) {
    const equals = cookie.indexOf("=");
    if (equals > 0 && cookie.slice(0, equals).trim() === name) return cookie.slice(equals + 1).trim();
  }
  return undefined;
}
