/* A proposal P and a target G: G as seen from P in four offsets, and back. */
(function () {
  "use strict";
  if (typeof module === "object") {
    module.exports = require("./boxes.js");
    return;
  }
  const ui = minircnnWidgets;
  const { decode, encode, iou } = ui.arithmetic.boxes;

  ui.define("box-coding", ui.arithmetic.boxes, (host, { proposal, target, width, height }) => {
    const svg = ui.picture(width, height, "A proposal P and a target G");
    const arrow = ui.shape("line", { class: "widget-arrow" });
    const options = { bounds: [width, height], least: 4 };
    const p = ui.draggableBox(svg, { ...options, name: "P", box: proposal, className: "widget-a" }, fromBoxes);
    const g = ui.draggableBox(svg, { ...options, name: "G", box: target, className: "widget-b" }, fromBoxes);
    svg.append(arrow);
    const range = { min: -2, max: 2, step: 0.001, value: 0, format: (v) => ui.number(v, 3) };
    const sliders = ["tx", "ty", "tw", "th"].map((name) => ui.slider(name, range, fromOffsets));
    const numbers = ui.numbers();

    function fromBoxes() {
      show(encode(p.get(), g.get()));
    }

    function fromOffsets() {
      const t = sliders.map((s) => s.get());
      g.set(decode(p.get(), t));
      show(t);
    }

    function show(t) {
      sliders.forEach((s, i) => s.set(t[i]));
      const centre = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      const [[x1, y1], [x2, y2]] = [centre(p.get()), centre(g.get())];
      ui.setAttributes(arrow, { x1, y1, x2, y2 });
      const back = decode(p.get(), t);
      numbers.replaceChildren(
        ui.element("strong", {}, `t = (${t.map((v) => ui.number(v, 3)).join(", ")}). `),
        `decode(P, t) = (${back.map((v) => ui.number(v, 1)).join(", ")}), `,
        `IoU of P and G ${ui.number(iou(p.get(), g.get()), 3)}.`,
      );
    }

    host.append(ui.columns(svg, ui.part(...sliders.map((s) => s.node))), numbers);
    fromBoxes();
  });
})();
