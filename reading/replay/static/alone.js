// Each archived page is alone: it has no origin that it could share with others, so browsers deny it cookies, storage and
// service workers. Pages that count on these get a memory of their own, which ends with the page.
"use strict";
(function () {
  const define = (object, name, getter, setter) => {
    Object.defineProperty(object, name, { get: getter, set: setter, configurable: true, enumerable: true });
  };
  try {
    void window.localStorage;
    return;
  } catch (denied) {
    // as it is meant to be
  }
  for (const name of ["localStorage", "sessionStorage"]) define(window, name, () => ({}));
  // no policy of a browser keeps peer connections from other hosts
  for (const name of ["caches", "RTCPeerConnection", "webkitRTCPeerConnection"]) define(window, name, () => undefined);

  const cookies = new Map();
  define(Document.prototype, "cookie", () => [...cookies].map((one) => one.join("=")).join("; "), (text) => {
    const [, name, value, rest] = /^\s*([^=;]*)=?([^;]*)(.*)$/s.exec(String(text));
    const expires = /expires=([^;]*)/i.exec(rest.replace(/,\|/g, ","));
    const past = /max-age=(-|0)/i.test(rest) || (expires && Date.parse(expires[1]) < Date.now());
    if (past) cookies.delete(name.trim());
    else cookies.set(name.trim(), value.trim());
  });

  const refused = () => Promise.reject(new DOMException("archived pages have no service workers", "SecurityError"));
  const workers = Object.assign(new EventTarget(), {
    controller: null,
    ready: new Promise(() => {}),
    register: refused,
    getRegistration: () => Promise.resolve(undefined),
    getRegistrations: () => Promise.resolve([]),
    startMessages: () => {},
  });
  define(Navigator.prototype, "serviceWorker", () => workers);
})();
