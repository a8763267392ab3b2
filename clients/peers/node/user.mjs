/** What a login stores. All sides store the same. */
export const USER = {
  name: "Ann Example",
  role: "editor",
  cart: [17, 42, 58],
  locale: "en-GB",
  device: "Firefox 140 on Linux",
  ip: "192.0.2.17",
  seen: 0,
};
