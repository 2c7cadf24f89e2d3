(() => {
  "use strict";
  const pane = document.getElementById("live");
  const part = (name) => document.getElementById(name);
  const signs = { done: "✓", waits: "◷", failed: "✕", seen: "•" };
  const second = 1000;
  let shown = part("lines").children.length;

  const entry = (line) => {
    const item = document.createElement("li");
    const piece = (kind, text) => {
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = text;
      item.append(span);
      return span;
    };
    piece("mark " + line.mark, signs[line.mark] || signs.seen).setAttribute("aria-hidden", "true");
    piece("text", line.text);
    piece("at", line.at);
    item.classList.add("new");
    return item;
  };

  const busy = () =>
    document.querySelector("details.edit[open]") !== null ||
    [...document.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);

  const again = () => {
    sessionStorage.setItem("scroll " + pane.dataset.page, String(window.scrollY));
    location.replace(pane.dataset.page);
  };

  const show = (now) => {
    part("clock").textContent = now.clock;
    part("waiting").textContent = now.waiting;
    if (now.lines.length < shown) {
      part("lines").replaceChildren();
      shown = 0;
    }
    for (const line of now.lines.slice(shown)) part("lines").prepend(entry(line));
    shown = now.lines.length;
    part("quiet").hidden = shown > 0;
    if (now.version !== pane.dataset.version) {
      if (busy()) part("news").hidden = false;
      else again();
    }
  };

  const look = async () => {
    let wait = second;
    try {
      const answer = await fetch(pane.dataset.feed, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
      pane.classList.remove("lost");
    } catch {
      pane.classList.add("lost");
      part("waiting").textContent = "The sandbox does not answer; it may have ended.";
      wait = 5 * second;
    }
    setTimeout(look, wait);
  };

  const scrolled = sessionStorage.getItem("scroll " + pane.dataset.page);
  if (scrolled !== null) {
    sessionStorage.removeItem("scroll " + pane.dataset.page);
    window.scrollTo(0, Number(scrolled));
  }
  look();
})();
