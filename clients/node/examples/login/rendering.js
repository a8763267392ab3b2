// Renders the pages in clients/login-pages, which are Jinja templates. The application for Python has the same pages.
import { fileURLToPath } from "node:url";
import nunjucks from "nunjucks";

const PAGES = fileURLToPath(new URL("../../../login-pages/", import.meta.url));

export const STYLE = `${PAGES}style.css`;

/** Lets `res.render` find the pages. They escape every value. */
export function renderPagesOf(app) {
  nunjucks.configure(PAGES, { autoescape: true, express: app, trimBlocks: true, lstripBlocks: true });
}

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** What the page of the devices shows of a session. */
export function deviceOf({ id, created, ttl, fields, current }) {
  const name = fields["/device"] ?? "A browser";
  return { id, name, created: DATE.format(created), left: ttl === null ? undefined : duration(ttl), current };
}

/** Seconds in words, in the largest unit that gives at least 1. */
function duration(seconds) {
  const minutes = Math.ceil(seconds / 60);
  const [size, unit] = [
    [24 * 60, "day"],
    [60, "hour"],
  ].find(([size]) => minutes >= size) ?? [1, "minute"];
  const count = Math.round(minutes / size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
