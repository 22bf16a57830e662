// Small comforts on top of pages that work without them.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Say something in passing.
  let gone;
  const toast = (text, bad) => {
    const box = $("#toast");
    box.textContent = text;
    box.classList.toggle("bad", !!bad);
    clearTimeout(gone);
    gone = setTimeout(() => { box.textContent = ""; }, 6000);
  };
  if ($("#toast").textContent) toast($("#toast").textContent);
  document.body.addEventListener("toast", (e) => toast(e.detail.text || e.detail.value, e.detail.bad));
  document.body.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Trying again.", true));
  document.body.addEventListener("htmx:beforeRequest", () => { $("#problem").textContent = ""; });

  // Times: local, and kept fresh.
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const span = (s) => {
    const [size, unit] = units.find(([size]) => s >= (size === 86400 ? 172800 : size)) || units[3];
    return `${Math.floor(s / size)} ${unit}`;
  };
  const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
  const short = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const times = () => $$("time[datetime]").forEach((el) => {
    const at = new Date(el.dateTime), s = Math.round((Date.now() - at) / 1000);
    const text = "ago" in el.dataset ? (s < 0 ? `in ${span(-s)}` : s < 5 ? "just now" : `${span(s)} ago`)
      : ("clock" in el.dataset ? short : full).format(at);
    if (el.textContent !== text) el.textContent = text;
    el.title = full.format(at);
  });
  times();
  setInterval(times, 1000);
  $$("[data-zone]").forEach((el) => { el.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone; });

  // The picker of events: search, tick a group, count.
  const count = () => $$(".picker").forEach((picker) => {
    $("output", picker).textContent = `${$$("input:checked", picker).length} ticked`;
  });
  const search = (input) => $$(".group", input.closest(".picker")).forEach((group) => {
    const words = input.value.toLowerCase().trim();
    const found = $$(".tick", group).filter((row) => !(row.hidden = !row.dataset.words.includes(words)));
    group.hidden = !found.length;
  });
  document.addEventListener("input", (e) => e.target.matches("[data-search]") && search(e.target));
  document.addEventListener("change", count);

  // Copying; the second way is for pages served without TLS.
  const put = (text) => navigator.clipboard ? navigator.clipboard.writeText(text) : new Promise((yes, no) => {
    const box = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
    box.select();
    if (document.execCommand("copy")) yes(); else no();
    box.remove();
  });

  document.addEventListener("click", (e) => {
    const at = (selector) => e.target.closest(selector);
    const copy = at("[data-copy]"), theme = at("[data-theme-to]"), all = at("[data-tick-all]");
    if (copy) {
      const text = copy.dataset.copy || $("[data-text]", copy.closest(".code")).textContent;
      put(text).then(() => toast("Copied."), () => toast("The browser does not allow copying here.", true));
    }
    if (theme) {
      const to = theme.dataset.themeTo;
      document.cookie = `theme=${to};path=/;max-age=31536000;samesite=lax`;
      document.documentElement.dataset.theme = to;
      $$("[data-theme-to]").forEach((b) => b.setAttribute("aria-pressed", String(b === theme)));
    }
    if (all) {
      const boxes = $$(".tick:not(.pattern):not([hidden]) > input", all.closest(".group")), on = boxes.some((b) => !b.checked);
      boxes.forEach((b) => { b.checked = on; });
      boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (at("#dialog [data-close]")) { e.preventDefault(); $("#dialog").close(); }
    $$(".menu[open]").forEach((menu) => { if (!menu.contains(e.target)) menu.open = false; });
  });

  // A part that lands in the dialog opens it.
  document.body.addEventListener("htmx:afterSwap", (e) => { if (e.detail.target.id === "dialog") $("#dialog").showModal(); times(); });
  document.addEventListener("keydown", (e) => {
    const box = $("input[type=search]");
    if (e.key === "/" && box && !e.target.matches("input, textarea, select")) { e.preventDefault(); box.focus(); }
  });
})();
