// Shows the page in a frame of another origin, and says above it when it was captured and from which newsroom's crawl.
// A page may tell anything: what it tells is believed only with the seal that the server gave to that page's own document.
"use strict";
(function () {
  const { url, prefix, content, moment } = document.body.dataset;
  const frame = document.getElementById("replay");
  const put = (id, text) => { document.getElementById(id).textContent = text; };
  // marks that turn the direction of what follows would make another address of this one
  const plain = (text) => text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, encodeURIComponent);

  async function show(url, moment) {
    put("address", plain(url));
    document.getElementById("all").href = prefix + "*/" + url;
    const asked = new URLSearchParams({ url, output: "json", limit: "1", closest: moment || "now" });
    try {
      const found = JSON.parse((await (await fetch(prefix + "cdx?" + asked)).text()).split("\n")[0]);
      const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(found.timestamp);
      put("moment", `${parts[1]}-${parts[2]}-${parts[3]} ${parts[4]}:${parts[5]}:${parts[6]} UTC`);
      put("newsroom", found.newsroom);
    } catch (missing) {
      put("moment", "never");
      put("newsroom", "none");
    }
  }

  window.addEventListener("message", async (event) => {
    const told = event.source === frame.contentWindow && event.data && event.data.newsark;
    if (!told) return;
    const [url, moment, seal] = [told.url, told.moment, told.seal].map(String);
    const answer = await fetch("/sealed?" + new URLSearchParams({ url, moment, seal }));
    if (!answer.ok) return;
    document.title = `${plain(String(told.title)).slice(0, 300)} (archived)`;
    history.replaceState(null, "", prefix + moment + "/" + url);
    show(url, moment);
  });
  show(url, moment);
  frame.src = content + prefix.replace(/^https?:\/\/[^/]+/, "") + moment + "mp_/" + url + location.hash;
})();
