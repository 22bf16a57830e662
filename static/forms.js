// Comforts of forms that work without them.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (event, act) => document.addEventListener(event, act);
  const tell = (el, event) => el.dispatchEvent(new Event(event, { bubbles: true }));

  // A folded step says what is chosen in it.
  on("change", (e) => e.target.matches(".choice > input[type=radio]") && $$(`[data-chosen="${e.target.name}"]`).forEach((el) => {
    el.textContent = $("strong", e.target.parentElement).textContent;
  }));

  // The picker of events: count, search, tick a whole group.
  on("change", () => $$(".picker").forEach((picker) => { $("output", picker).textContent = `${$$("input:checked", picker).length} ticked`; }));
  on("input", (e) => e.target.matches("[data-search]") && $$(".group", e.target.closest(".picker")).forEach((group) => {
    const rows = $$(".tick", group);
    rows.forEach((row) => { row.hidden = !row.dataset.words.includes(e.target.value.toLowerCase().trim()); });
    group.hidden = rows.every((row) => row.hidden);
  }));
  on("click", (e) => {
    const all = e.target.closest("[data-tick-all]");
    if (!all) return;
    const boxes = $$(".tick:not(.pattern, [hidden]) > input", all.closest(".group")), some = boxes.some((b) => !b.checked);
    boxes.forEach((b) => { b.checked = some; });
    tell(all, "change");
  });

  // What would be sent is shown of an event that is ticked.
  on("change", (e) => {
    if (!e.target.closest(".picker")) return;
    const ticks = $$(".picker input:checked").map((box) => box.value), shown = $("#f-shown");
    const heard = (type) => ticks.some((tick) => tick === "*" || tick === type || (tick.endsWith(".*") && type.startsWith(tick.slice(0, -1))));
    const first = [...shown.options].find((option) => heard(option.value));
    if (first && !heard(shown.value)) shown.value = first.value;
  });

  // A problem that has come or gone while somebody typed: its field is no longer what it was.
  on("htmx:oobAfterSwap", (e) => {
    const field = $(`#f-${e.target.id.replace("live-", "")}`);
    if (field?.matches("input, select, textarea")) field.setAttribute("aria-invalid", String(e.target.childElementCount > 0));
  });

  // A button that adds a line to a text.
  on("click", (e) => {
    const insert = e.target.closest("[data-insert]");
    if (!insert) return;
    const box = $(`#${insert.dataset.into}`);
    box.value = `${box.value.trimEnd()}\n${insert.dataset.insert}`.trimStart();
    tell(box, "input");
  });
})();
