/* Two boxes over a grid of pixels: what they share, and their IoU. */
(function () {
  "use strict";
  if (typeof module === "object") {
    module.exports = require("./boxes.js");
    return;
  }
  const ui = minircnnWidgets;
  const { area, intersection, iou } = ui.arithmetic.boxes;

  ui.define("iou", ui.arithmetic.boxes, (host, { boxes, width, height }) => {
    const svg = ui.picture(width, height, "Two boxes over a grid of pixels", grid(width, height));
    const shaded = [0, 1].map((i) => ui.shape("rect", { class: `widget-shade widget-${"ab"[i]}` }));
    const common = ui.shape("rect", { class: "widget-common" });
    svg.append(...shaded, common);
    const options = { bounds: [width, height] };
    const [a, b] = boxes.map((box, i) =>
      ui.draggableBox(svg, { ...options, name: "AB"[i], box, className: `widget-${"ab"[i]}` }, draw),
    );
    const plus = ui.toggle("+ 1: take x2 and y2 for the last pixel, as VOC's code does", false, draw);
    const numbers = ui.numbers();

    function draw() {
      const extra = plus.get() ? 1 : 0;
      const [p, q] = [a.get(), b.get()];
      const grown = [p, q].map(([x1, y1, x2, y2]) => [x1, y1, x2 + extra, y2 + extra]);
      grown.forEach((box, i) => ui.place(shaded[i], box));
      const [both, either] = [intersection(p, q, extra), area(p, extra) + area(q, extra)];
      const corners = [0, 1]
        .map((k) => Math.max(p[k], q[k]))
        .concat([2, 3].map((k) => Math.min(p[k], q[k]) + extra));
      ui.place(common, both ? corners : [0, 0, 0, 0]);
      numbers.replaceChildren(
        `A ${p.join(", ")}: ${area(p, extra)} pixels. B ${q.join(", ")}: ${area(q, extra)} pixels. `,
        `In both ${both}, in at least one ${either - both}. `,
        ui.element("strong", {}, `IoU ${ui.number(iou(p, q, extra), 3)}`),
      );
    }

    host.append(svg, plus.node, numbers);
    draw();
  });

  function grid(width, height) {
    const lines = ui.shape("g", { class: "widget-pixels" });
    for (let x = 0; x <= width; x++) lines.append(ui.shape("line", { x1: x, x2: x, y1: 0, y2: height }));
    for (let y = 0; y <= height; y++) lines.append(ui.shape("line", { x1: 0, x2: width, y1: y, y2: y }));
    return lines;
  }
})();
