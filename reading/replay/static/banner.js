// Says above each replayed page when it was captured, and from which newsroom's crawl it is.
"use strict";
(function () {
  const data = document.body.dataset;
  const put = (id, text) => { document.getElementById(id).textContent = text; };
  function shown(url, moment) {
    const stamp = String(moment || "");
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(stamp);
    put("moment", parts ? `${parts[1]}-${parts[2]}-${parts[3]} ${parts[4]}:${parts[5]}:${parts[6]} UTC` : "…");
    put("address", url);
    document.getElementById("all").href = data.prefix + "*/" + url;
    const asked = new URLSearchParams({ url, output: "json", limit: "1", closest: stamp });
    fetch(data.prefix + "cdx?" + asked)
      .then((answer) => answer.text())
      .then((text) => put("newsroom", JSON.parse(text.split("\n")[0]).newsroom || ""))
      .catch(() => put("newsroom", ""));
  }
  window.WBBanner = {
    init() {},
    updateCaptureInfo(url, moment) { shown(url, moment); },
    onMessage() {},
    stillIndicatesLoading() { return false; },
    setCaptureInfo() {},
  };
  window.cframe = new ContentFrame({
    url: data.url + window.location.hash,
    prefix: data.prefix,
    request_ts: data.moment,
    iframe: "#replay",
  });
})();
