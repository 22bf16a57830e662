// Small comforts on top of pages that work without them.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (event, act) => document.addEventListener(event, act);

  // Say something in passing.
  let gone;
  const toast = (text, bad) => {
    $("#toast").textContent = text;
    $("#toast").classList.toggle("bad", !!bad);
    clearTimeout(gone);
    gone = setTimeout(() => { $("#toast").textContent = ""; }, 6000);
  };
  if ($("#toast").textContent) toast($("#toast").textContent);
  on("toast", (e) => toast(e.detail.text || e.detail.value, e.detail.bad));
  on("htmx:sendError", () => toast("The server cannot be reached. Trying again.", true));

  // A part that fetches itself again waits while somebody works in it, or is asked
  // something: the answer leads back to the button that asked.
  on("htmx:beforeRequest", (e) => {
    const repeats = (e.target.getAttribute("hx-trigger") || "").startsWith("every");
    if (repeats && (document.hidden || $("dialog[open]") || $(":focus-visible", e.target) || String(getSelection()))) e.preventDefault();
    if (!repeats) $("#problem").textContent = "";
  });

  // A button that is disabled while it is answered loses the focus: it gets it back.
  let pressed;
  on("htmx:beforeRequest", (e) => { if (e.target.matches("[hx-disabled-elt]")) pressed = document.activeElement; });
  on("htmx:afterRequest", (e) => {
    if (e.target.matches("[hx-disabled-elt]") && document.activeElement === document.body) pressed?.focus({ preventScroll: true });
  });

  // Times: local, and kept fresh.
  const units = [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "min"], [0, 1, "s"]];
  const span = (s) => { const [, size, word] = units.find(([least]) => s >= least); return `${Math.floor(s / size)} ${word}`; };
  const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
  const hours = { hour: "2-digit", minute: "2-digit" };
  const clock = new Intl.DateTimeFormat("en-GB", hours);
  const moment = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", ...hours });
  const form = (el) => "clock" in el.dataset ? clock : "moment" in el.dataset ? moment : exact;
  const ago = (s) => s < 0 ? `in ${span(-s)}` : s < 5 ? "just now" : `${span(s)} ago`;
  const times = () => $$("time[datetime]").forEach((el) => {
    const at = new Date(el.dateTime);
    const text = "ago" in el.dataset ? ago(Math.round((Date.now() - at) / 1000)) : form(el).format(at);
    if (el.textContent !== text) el.textContent = text;
    el.title = exact.format(at);
  });
  times();
  setInterval(times, 1000);
  $$("[data-zone]").forEach((el) => { el.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone; });

  // Copying; the second way is for pages served without TLS.
  const copied = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
    const box = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
    box.select();
    try { return document.execCommand("copy"); } finally { box.remove(); }
  };
  on("click", async (e) => {
    const [copy, theme, close] = ["[data-copy]", "[data-theme-to]", "#dialog [data-close]"].map((s) => e.target.closest(s));
    if (close) { e.preventDefault(); $("#dialog").close(); }
    if (theme) {
      document.cookie = `theme=${theme.dataset.themeTo};path=/;max-age=31536000;samesite=lax`;
      document.documentElement.dataset.theme = theme.dataset.themeTo;
      $$("[data-theme-to]").forEach((b) => b.setAttribute("aria-pressed", String(b === theme)));
    }
    if (copy) toast(await copied(copy.dataset.copy || $("[data-text]", copy.closest(".code")).textContent) ? "Copied." : "The browser does not allow copying here.");
  });

  // A part that lands in the dialog opens it; its heading is what the dialog is called.
  const ask = (dialog) => {
    dialog.setAttribute("aria-label", $("h1", dialog)?.textContent || "Please confirm");
    if (!dialog.open) dialog.showModal();
  };
  on("htmx:afterSwap", (e) => { times(); if (e.detail.target?.id === "dialog") ask(e.detail.target); });
  on("keydown", (e) => {
    const box = $("input[type=search]");
    if (e.key === "/" && box && !e.target.matches("input, textarea, select")) { e.preventDefault(); box.focus(); }
  });
})();
