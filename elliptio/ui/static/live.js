/* Follows runs that go on. Without this a page is loaded anew every few seconds. */
"use strict";
(() => {
  const where = document.body.dataset.events;
  if (!where || !window.EventSource) return;
  let source = null;
  let last = "";

  const put = (part, html) => { if (part && part.innerHTML !== html) part.innerHTML = html; };
  const news = (told) => {
    if (told.ended) { source.close(); location.reload(); return; }
    for (const [name, html] of Object.entries(told.parts || {})) put(document.getElementById(name), html);
    if (told.parts?.["live-lines"]) document.getElementById("live-output")?.removeAttribute("hidden");
    let more = 0;
    for (const [id, cells] of Object.entries(told.runs || {})) {
      const row = document.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
      if (!row) { more += 1; continue; }
      for (const [name, html] of Object.entries(cells)) put(row.querySelector(`[data-live="${name}"]`), html);
    }
    const link = document.getElementById("live-new");
    if (more && link) { link.hidden = false; link.textContent = more === 1 ? "1 run that is not shown goes on" : `${more} runs that are not shown go on`; }
  };
  const open = () => {
    if (source) return;
    source = new EventSource(last ? `${where}&last=${last}` : where);
    source.onmessage = (event) => { last = event.lastEventId; news(JSON.parse(event.data)); };
  };
  const close = () => { source?.close(); source = null; };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  if (!document.hidden) open();
})();
