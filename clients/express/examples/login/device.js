// A name for a device that its owner recognises.

// The order matters: most browsers also claim to be those that come after them.
const BROWSERS = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", Chrome: "Chrome", Safari: "Safari" };
const SYSTEMS = { Android: "Android", iPhone: "iPhone", iPad: "iPad", Windows: "Windows", Mac: "Mac", Linux: "Linux" };

/** Such as "Firefox on Linux", of the header `User-Agent`. */
export function describeDevice(userAgent = "") {
  const found = (names) => names[Object.keys(names).find((part) => userAgent.includes(part))];
  const [browser, system] = [found(BROWSERS) ?? "A browser", found(SYSTEMS)];
  return system === undefined ? browser : `${browser} on ${system}`;
}
