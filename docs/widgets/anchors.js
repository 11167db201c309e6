/* The anchors of one cell of a map, an object to drag, and what each anchor is to say of it. */
(function () {
  "use strict";
  const inNode = typeof module === "object";
  const { iou } = inNode ? require("./boxes.js") : minircnnWidgets.arithmetic.boxes;

  /* Halves to the even number, as Python rounds what is not negative. */
  function round(value) {
    const up = Math.floor(value + 0.5);
    return value % 1 === 0.5 && up % 2 ? up - 1 : up;
  }

  /* The anchors of the first cell, ratio by ratio, and within a ratio scale by scale. */
  function baseAnchors(baseSize, ratios, scales, rounded) {
    const whole = rounded ? round : (value) => value;
    return ratios.flatMap((ratio) => {
      const width = whole(Math.sqrt(baseSize ** 2 / ratio));
      const height = whole(width * ratio);
      return scales.map((scale) => {
        const [w, h, centre] = [(width * scale) / 2, (height * scale) / 2, baseSize / 2];
        return [centre - w, centre - h, centre + w, centre + h];
      });
    });
  }

  const shifted = ([x1, y1, x2, y2], x, y) => [x1 + x, y1 + y, x2 + x, y2 + y];

  /* The anchors of all cells: row by row, cell by cell. */
  function gridAnchors(base, height, width, stride) {
    const cells = Array.from({ length: height * width }, (_, i) => [i % width, Math.floor(i / width)]);
    return cells.flatMap(([column, row]) => base.map((box) => shifted(box, column * stride, row * stride)));
  }

  const inside = ([x1, y1, x2, y2], width, height) => x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height;

  /* For each anchor 1 (object), 0 (background) or -1 (ignored); `best` is the object's largest overlap. */
  function labelAnchors(anchors, object, usable, positive = 0.7, negative = 0.3) {
    const overlaps = anchors.map((box) => iou(box, object));
    const best = Math.max(0, ...overlaps.filter((_, n) => usable[n]));
    const labels = overlaps.map((overlap, n) => {
      if (!usable[n]) return -1;
      if (overlap >= positive || (best > 0 && overlap === best)) return 1;
      return overlap < negative ? 0 : -1;
    });
    return { labels, overlaps, best };
  }

  const arithmetic = { round, baseAnchors, gridAnchors, inside, labelAnchors };
  if (inNode) {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;
  const ROOM = 0.1; // around the photo, of its width

  ui.define("anchors", arithmetic, (host, { photo, object, stride, cell, scale = 2, step = 2, ratio = 2 }) => {
    const { width, height } = photo;
    const [columns, rows] = [width, height].map((side) => Math.ceil(side / stride));
    const svg = ui.photoPicture(photo, "The anchors of one cell, and an object, on a photo");
    const room = ROOM * width;
    svg.setAttribute("viewBox", `${-room} ${-room} ${width + 2 * room} ${height + 2 * room}`);
    svg.classList.add("widget-clipped");
    const layer = ui.shape("g", { class: "widget-marks" });
    svg.append(layer);
    const options = { name: "object", box: object, bounds: [width, height], least: 4, className: "widget-a" };
    const box = ui.draggableBox(svg, options, draw);
    const one = (v) => ui.number(v, 1);
    const knob = (label, min, max, by, value, format) =>
      ui.slider(label, { min, max, step: by, value, format }, draw);
    const knobs = {
      column: knob("cell column", 0, columns - 1, 1, cell[0]),
      row: knob("cell row", 0, rows - 1, 1, cell[1]),
      scale: knob("smallest scale", 1, 8, 0.5, scale, one),
      step: knob("the next one is times", 1.2, 2, 0.1, step, one),
      ratio: knob("ratios 1/r, 1, r with r", 1.1, 4, 0.1, ratio, one),
    };
    const table = ui.table("The anchors of the cell", ["width × height", "IoU", "is to say"]);
    const numbers = ui.numbers();

    function draw() {
      const [column, row, s, by, r] = Object.values(knobs).map((k) => k.get());
      const base = baseAnchors(stride, [1 / r, 1, r], [s, s * by, s * by * by], true);
      const all = gridAnchors(base, rows, columns, stride);
      const usable = all.map((anchor) => inside(anchor, width, height));
      const { labels, overlaps, best } = labelAnchors(all, box.get(), usable);
      const first = (row * columns + column) * base.length;
      const own = base.map((_, a) => first + a);
      const kinds = own.map((n) => kind(usable[n], labels[n], overlaps[n]));
      layer.replaceChildren(
        ...own.flatMap((n, a) => outlines(all[n], kinds[a].className)),
        ui.shape("circle", { class: "widget-centre", cx: (column + 0.5) * stride, cy: (row + 0.5) * stride, r: 2 }),
      );
      table.show(
        own.map((n, a) => ({
          cells: [sides(all[n]), ui.number(overlaps[n], 3), kinds[a].text],
          className: labels[n] === 1 ? "current" : "",
        })),
      );
      const count = (label) => labels.filter((other, n) => usable[n] && other === label).length;
      numbers.textContent =
        `All ${columns} × ${rows} cells: ${all.length} anchors, ${usable.filter(Boolean).length} inside. ` +
        `Objects ${count(1)}, ignored ${count(-1)}, background ${count(0)}. ` +
        (best > 0 ? `The best IoU of the object: ${ui.number(best, 3)}.` : "No anchor inside overlaps the object.");
    }

    host.append(ui.columns(svg, ui.part(...Object.values(knobs).map((k) => k.node))), table.node, numbers);
    draw();
  });

  function kind(usable, label, overlap) {
    if (!usable) return { className: "beyond", text: "nothing: crosses the border" };
    if (label === 1) return { className: "object", text: overlap >= 0.7 ? "object" : "object: its best" };
    return label === 0
      ? { className: "background", text: "background" }
      : { className: "ignored", text: "nothing: ignored" };
  }

  const sides = ([x1, y1, x2, y2]) => `${ui.number(x2 - x1, 1)} × ${ui.number(y2 - y1, 1)}`;

  function outlines(anchor, className) {
    const [halo, rect] = [ui.shape("rect", { class: "widget-halo" }), ui.shape("rect")];
    ui.place(halo, anchor);
    ui.place(rect, anchor);
    return [ui.shape("g", { class: `widget-anchor ${className}` }, halo, rect)];
  }
})();
