// Shows the page in a frame of another origin, and says above it when it was captured and from which newsroom's crawl.
"use strict";
(function () {
  const { url, prefix, content, moment } = document.body.dataset;
  const frame = document.getElementById("replay");
  const put = (id, text) => { document.getElementById(id).textContent = text; };

  function show(url, moment) {
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(String(moment || ""));
    if (parts) put("moment", `${parts[1]}-${parts[2]}-${parts[3]} ${parts[4]}:${parts[5]}:${parts[6]} UTC`);
    put("address", url);
    document.getElementById("all").href = prefix + "*/" + url;
    const asked = new URLSearchParams({ url, output: "json", limit: "1", closest: String(moment || "") });
    fetch(prefix + "cdx?" + asked)
      .then((answer) => answer.text())
      .then((text) => put("newsroom", JSON.parse(text.split("\n")[0]).newsroom))
      .catch(() => put("newsroom", "unknown"));
  }

  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== "null") return;
    const told = event.data;
    if (!told || (told.wb_type !== "load" && told.wb_type !== "replace-url") || typeof told.url !== "string") return;
    show(told.url, told.ts || told.request_ts);
    if (told.title) document.title = `${told.title} (archived)`;
    history.replaceState(null, "", prefix + (told.request_ts ? `${told.request_ts}/` : "") + told.url);
  });
  frame.src = content + prefix.replace(/^https?:\/\/[^/]+/, "") + moment + "mp_/" + url + location.hash;
})();
