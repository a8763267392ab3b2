// A name for a device, which its user recognizes.

// The order matters: the header of most browsers also contains the names of those after them.
const BROWSERS = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", Chrome: "Chrome", Safari: "Safari" };
const SYSTEMS = { Android: "Android", iPhone: "iPhone", iPad: "iPad", Windows: "Windows", Mac: "Mac", Linux: "Linux" };

/** Returns a name such as "Firefox on Linux" for a `User-Agent` header. */
export function describeDevice(userAgent = "") {
  const found = (names) => names[Object.keys(names).find((part) => userAgent.includes(part))];
  const [browser, system] = [found(BROWSERS) ?? "A browser", found(SYSTEMS)];
  return system === undefined ? browser : `${browser} on ${system}`;
}
