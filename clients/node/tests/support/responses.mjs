/** What tests read from responses and from the statistics of the server. */

/** The parts of a Set-Cookie header; the names of the attributes are in lower case, and Expires is left out. */
export function cookieOf(line) {
  const [first, ...others] = line.split("; ");
  const [name, value] = first.split("=", 2);
  const attributes = others
    .map((attribute) => attribute.split("=", 2))
    .map(([key, text = true]) => [key.toLowerCase(), text]);
  return { name, value, attributes: Object.fromEntries(attributes.filter(([key]) => key !== "expires")) };
}

/** How many times a command was executed. */
export async function calls(server, command) {
  const stats = await server.send("INFO", "commandstats");
  return Number(new RegExp(`_${command}:calls=(\\d+)`, "i").exec(stats)?.[1] ?? 0);
}
