/* Narrows runs down by drawing along an axis. Without this the form below the axes does it. */
"use strict";
(() => {
  const svg = document.querySelector(".par svg");
  const form = document.querySelector("form#narrow");
  if (!svg || !form) return;
  const [top, height] = [Number(svg.dataset.top), Number(svg.dataset.height)];
  const place = (event) => {
    const y = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).y;
    return Math.min(Math.max(y, top), top + height);
  };
  const fields = (n, what) => [...form.querySelectorAll(`[data-axis="${n}"]${what}`)];
  const put = (axis, high, low) => {
    const { n, log } = axis.dataset;
    const [least, most] = [Number(axis.dataset.low), Number(axis.dataset.high)];
    const value = (y) => {
      const part = (top + height - y) / height;
      return String(Number((log ? least * (most / least) ** part : least + (most - least) * part).toPrecision(4)));
    };
    const drawn = low - high > 3;
    for (const field of fields(n, "[data-end]")) field.value = drawn ? value(field.dataset.end === "from" ? low : high) : "";
    for (const field of fields(n, "[data-y]")) field.checked = drawn && Number(field.dataset.y) >= high && Number(field.dataset.y) <= low;
    for (const field of form.querySelectorAll("input[data-end]")) field.disabled = !field.value;
    form.submit();
  };
  for (const axis of svg.querySelectorAll("g.along")) {
    const [hit, band] = [axis.querySelector(".hit"), axis.querySelector(".drawn")];
    let begin = null;
    const ends = (event) => [Math.min(begin, place(event)), Math.max(begin, place(event))];
    hit.addEventListener("pointerdown", (event) => { begin = place(event); hit.setPointerCapture(event.pointerId); event.preventDefault(); });
    hit.addEventListener("pointermove", (event) => {
      if (begin === null) return;
      const [high, low] = ends(event);
      band.setAttribute("y", high);
      band.setAttribute("height", low - high);
    });
    hit.addEventListener("pointerup", (event) => { const found = ends(event); begin = null; put(axis, ...found); });
    hit.addEventListener("pointercancel", () => { begin = null; band.setAttribute("height", 0); });
  }
  svg.classList.add("brushed");
})();
