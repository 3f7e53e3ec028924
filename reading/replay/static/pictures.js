// A browser chooses among the candidates of a srcset; the archive has the largest useful one and the one of src.
// When the chosen one is not kept, the others are tried in turn.
"use strict";
document.addEventListener("error", function (event) {
  const picture = event.target;
  if (!(picture instanceof HTMLImageElement)) return;
  if (!picture.newsarkCandidates) {
    const told = [picture.getAttribute("srcset"), picture.getAttribute("data-srcset")];
    if (picture.parentElement && picture.parentElement.tagName === "PICTURE") {
      for (const source of picture.parentElement.querySelectorAll("source")) {
        told.push(source.getAttribute("srcset"));
        source.remove();
      }
    }
    const found = [picture.getAttribute("src"), picture.getAttribute("data-src")];
    for (const text of told) {
      for (const one of (text || "").split(/,\s+/)) found.push(one.trim().split(/\s+/)[0]);
    }
    picture.newsarkCandidates = found.filter(Boolean).reverse();
    picture.removeAttribute("srcset");
  }
  const next = picture.newsarkCandidates.pop();
  if (next) picture.src = next;
}, true);
