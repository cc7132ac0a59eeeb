/* Keys and copying. Every page works without this. */
"use strict";
(() => {
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const one = (what) => document.querySelector(what);
  const { drop, identify } = document.currentScript.dataset;
  let waits = false;

  const copy = async (text, button) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text; document.body.append(area); area.select();
      document.execCommand("copy"); area.remove();
    }
    if (!button) return;
    const before = button.textContent;
    button.textContent = "copied";
    setTimeout(() => { button.textContent = before; }, 1200);
  };
  for (const button of all("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button.dataset.copy, button));
  }

  const rows = () => all("table.rows tbody tr");
  const current = () => one("table.rows tr.at");
  const move = (by) => {
    const every = rows();
    if (!every.length) return;
    const at = every.indexOf(current());
    const next = every[at < 0 ? 0 : Math.min(Math.max(at + by, 0), every.length - 1)];
    every.forEach((row) => row.classList.toggle("at", row === next));
    next.scrollIntoView({ block: "nearest" });
    next.querySelector("a.open")?.focus({ preventScroll: true });
  };
  const go = (link) => { if (link) location.assign(link.href); };
  const identifier = () => current()?.dataset.id || document.activeElement?.closest?.("a.node")?.dataset.id || document.body.dataset.id;

  /* A lineage is walked by where its boxes are. */
  const walk = (key) => {
    const boxes = all("svg.lineage a.node");
    if (!boxes.length) return false;
    const here = document.activeElement?.closest?.("a.node") || one("svg.lineage a.node.asked") || boxes[0];
    if (!document.activeElement?.closest?.("a.node")) { here.focus(); return true; }
    const place = (box) => [Number(box.dataset.x), Number(box.dataset.y)];
    const [x, y] = place(here);
    const sideways = key === "ArrowLeft" || key === "ArrowRight";
    const sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
    const linked = (here.dataset[sign < 0 ? "before" : "after"] || "").split(" ");
    let found = boxes.filter((box) => {
      const [u, v] = place(box);
      return sideways ? (u - x) * sign > 0 : u === x && (v - y) * sign > 0;
    });
    const near = found.filter((box) => linked.includes(box.dataset.key));
    if (sideways && near.length) found = near;
    const far = (box) => { const [u, v] = place(box); return Math.abs(u - x) + Math.abs(v - y); };
    found.sort((a, b) => far(a) - far(b));
    if (found.length) { found[0].focus(); found[0].scrollIntoView({ block: "nearest", inline: "nearest" }); }
    return true;
  };

  /* Where a window is narrower than a lineage, what was asked for is in the middle of it. */
  const asked = one("svg.lineage a.node.asked");
  const frame = asked?.closest(".lg");
  if (frame) frame.scrollLeft = Number(asked.dataset.x) + 70 - frame.clientWidth / 2;

  /* Of all bars one is come to by Tab, the last; arrows walk from it. */
  const bars = all(".histogram a");
  const pass = (key) => {
    const at = bars.indexOf(document.activeElement);
    const next = at < 0 ? undefined : bars[at + (key === "ArrowRight") - (key === "ArrowLeft")];
    if (next) { bars[at].tabIndex = -1; next.tabIndex = 0; next.focus(); }
    return at >= 0;
  };

  const keys = {
    "/": () => { const field = one("[role=search] input:not([type=hidden]), input[name=q], input[name=to]"); if (field) { field.focus(); field.select(); } else go(one("nav.main [data-key=a]")); },
    j: () => move(1),
    k: () => move(-1),
    n: () => go(one("a[rel=next]")),
    p: () => go(one("a[rel=prev]")),
    l: () => { const row = current(); go(row ? row.querySelector("a.lin") : one("[data-key=l]")); },
    r: () => go(one("a[data-run]")),
    y: () => {
      const id = identifier();
      const text = id?.startsWith("run_") ? `h.runs.tree("${id}")` : `h.get("${id}")`;
      if (id) copy(text, null).then(() => say(`copied ${text}`));
    },
    w: () => go(all("a.way-to").find((link) => link.dataset.id === document.activeElement?.closest?.("a.node")?.dataset.id)),
    ".": () => go(all("a.centre").find((link) => link.dataset.id === document.activeElement?.closest?.("a.node")?.dataset.id)),
    x: () => { const mark = current()?.querySelector("input.pick"); if (mark) mark.checked = !mark.checked; },
    c: () => { if (one("input.pick:checked")) one("form#compare")?.submit(); },
    "?": () => one("#keys")?.scrollIntoView(),
    g: () => { waits = true; setTimeout(() => { waits = false; }, 1500); },
  };
  const say = (text) => {
    let line = one("#said");
    if (!line) { line = document.createElement("div"); line.id = "said"; line.setAttribute("role", "status"); document.body.append(line); }
    line.textContent = text;
    clearTimeout(quiet);
    quiet = setTimeout(() => { line.textContent = ""; }, 2000);
  };
  let quiet = 0;

  /* A file that is dropped is hashed here, by a script that is loaded for it; its hash and its size are all that is told. */
  const whose = async (file) => {
    if (!file) return;
    try {
      say(`reading ${file.name}`);
      const { sha256 } = await import(new URL(drop, document.baseURI));
      const hash = await sha256(file, (done) => say(`reading ${file.name}: ${Math.floor(done / file.size * 100)} %`));
      location.assign(`${identify}?hash=${hash}&size=${file.size}`);
    } catch (error) { say(`${file.name} cannot be read: ${error.message}`); }
  };
  const holdsFiles = (event) => drop && event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => { if (holdsFiles(event)) { event.preventDefault(); mark(true); } });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(false); });
  document.addEventListener("drop", (event) => { if (holdsFiles(event)) { event.preventDefault(); mark(false); whose(event.dataTransfer.files[0]); } });
  for (const field of all("input.choose")) {
    field.closest("[hidden]").hidden = false;
    field.addEventListener("change", () => whose(field.files[0]));
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape") { if (typing) typing.blur(); rows().forEach((row) => row.classList.remove("at")); return; }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (waits) {
      waits = false;
      const link = one(`nav.main [data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); go(link); return; }
    }
    if (event.key.startsWith("Arrow")) { if (pass(event.key) || walk(event.key)) event.preventDefault(); return; }
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
