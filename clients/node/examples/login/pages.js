// The HTML pages. They work without scripts, with a keyboard, and with a screen reader.

/** Messages after a redirect, by the value of the parameter `done`. */
const NOTICES = {
  here: "You are logged out on this device.",
  device: "That device is logged out.",
  everywhere: "You are logged out on all your devices.",
};

/** The message for `done`, which may be any text. */
function noticeOf(done) {
  return Object.hasOwn(NOTICES, done) ? NOTICES[done] : undefined;
}

export function loginPage({ theme, done, ended = false, wrong = false, name = "" }) {
  const notice = ended && !done ? "Your session has ended. Please log in again." : noticeOf(done);
  return layout(
    { title: "Log in", theme },
    html`
    ${notice && html`<p class="notice" role="status">${notice}</p>`}
    ${wrong && html`<p class="notice wrong" role="alert" id="wrong">This name and password do not belong together.</p>`}
    <form method="post" action="/login" class="card">
      <label for="name">Name</label>
      <input id="name" name="name" value="${name}" autocomplete="username" autocapitalize="none" spellcheck="false"
        required ${!wrong && raw("autofocus")}>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password"
        required ${wrong && raw('aria-invalid="true" aria-describedby="wrong" autofocus')}>
      <button class="primary">Log in</button>
    </form>
    <p class="aside">To try it: <b>ann</b> with <kbd>correct horse</kbd>, or <b>bob</b> with <kbd>battery staple</kbd>.</p>`,
  );
}

export function devicesPage({ user, theme, done, devices }) {
  const notice = noticeOf(done);
  // The newest first.
  const items = devices.toReversed().map(deviceItem);
  return layout(
    { title: "Your devices", theme, user },
    html`
    ${notice && html`<p class="notice" role="status">${notice}</p>`}
    <p>You are logged in on ${devices.length === 1 ? "this device" : `${devices.length} devices`}.</p>
    <ul class="devices">${items}</ul>
    <form method="post" action="/logout/everywhere" class="everywhere">
      <button class="danger" aria-describedby="everywhere">Log out everywhere</button>
      <p class="aside" id="everywhere">Ends the sessions on all your devices, this one included.</p>
    </form>`,
  );
}

export function failurePage() {
  return layout(
    { title: "This did not work" },
    html`
    <p>Something is wrong on our side. Please try again in a moment.</p>
    <p><a href="/">Back to the start</a></p>`,
  );
}

function deviceItem({ id, created, ttl, data, current }) {
  const device = data.device ?? "A browser";
  return html`
    <li class="card" ${current && raw('aria-current="true"')}>
      <div>
        <h2>${device} ${current && html`<span class="badge">this device</span>`}</h2>
        <p class="aside">
          Logged in <time datetime="${created.toISOString()}">${DATE.format(created)}</time><br>
          ${ttl === null ? "Does not end by itself" : `Ends in ${duration(ttl)} if it is not used`}
        </p>
      </div>
      ${
        current
          ? html`<form method="post" action="/logout"><button>Log out here</button></form>`
          : html`<form method="post" action="/logout/device">
            <input type="hidden" name="id" value="${id}">
            <button aria-label="Log out ${device}, logged in ${DATE.format(created)}">Log out</button>
          </form>`
      }
    </li>`;
}

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" });

/** Seconds in words, in the largest unit that gives at least 1. */
function duration(seconds) {
  const [size, unit] = [
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ].find(([size]) => seconds >= size) ?? [1, "second"];
  const count = Math.round(seconds / size);
  return new Intl.NumberFormat("en-GB", { style: "unit", unit, unitDisplay: "long" }).format(count);
}

function layout({ title, theme, user }, content) {
  const dark = theme === "dark";
  return String(html`<!doctype html>
<html lang="en" data-theme="${theme ?? "light"}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
</head>
<body>
  <header>
    <span>${user ? html`Logged in as <b>${user}</b>` : "Not logged in"}</span>
    <form method="post" action="/theme">
      <button class="quiet" name="theme" value="${dark ? "light" : "dark"}">${dark ? "Light colours" : "Dark colours"}</button>
    </form>
  </header>
  <main>
    <h1>${title}</h1>
    ${content}
  </main>
</body>
</html>
`);
}

/** Markup, as opposed to text that must be escaped. */
class Html {
  #markup;

  constructor(markup) {
    this.#markup = markup;
  }

  toString() {
    return this.#markup;
  }
}

/** Template tag for HTML. Text values are escaped, lists are joined, undefined and false are left out. */
function html(parts, ...values) {
  return new Html(String.raw({ raw: parts }, ...values.map(markupOf)));
}

function raw(markup) {
  return new Html(markup);
}

function markupOf(value) {
  if (value === undefined || value === false) return "";
  if (Array.isArray(value)) return value.map(markupOf).join("");
  if (value instanceof Html) return String(value);
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
