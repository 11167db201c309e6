/* Smooth L1 beside L2: value and slope at one error. */
(function () {
  "use strict";

  /* Value and slope of ½x²/β where |x| < β, else |x| − ½β: Fast R-CNN's at β = 1; σ of the later code is 1/√β. */
  function smoothL1(x, beta = 1) {
    const size = Math.abs(x);
    return size < beta ? [(0.5 * x * x) / beta, x / beta] : [size - 0.5 * beta, Math.sign(x)];
  }

  const l2 = (x) => [0.5 * x * x, x];

  const arithmetic = { smoothL1, l2 };
  if (typeof module === "object") {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;

  ui.define("smooth-l1", arithmetic, (host, { error = 1.5 }) => {
    const size = { xs: [-4, 4], xTicks: [-4, -2, 0, 2, 4], xLabel: "error" };
    const value = ui.plot("The two losses", { ...size, ys: [0, 6], yTicks: [0, 2, 4, 6], yLabel: "value" });
    const slope = ui.plot("Their slopes", { ...size, ys: [-4, 4], yTicks: [-4, -2, 0, 2, 4], yLabel: "slope" });
    const plots = [value, slope];
    const curves = plots.map((plot) => [curve(plot, "widget-b"), curve(plot, "widget-a")]);
    const at = ui.slider(
      "error",
      { min: -4, max: 4, step: 0.05, value: error, format: (v) => ui.number(v) },
      draw,
    );
    const format = (v) => `β = ${ui.number(2 ** v)}, σ = ${ui.number(2 ** (-v / 2))}`;
    const knob = ui.slider("border β = 1/σ²", { min: -4, max: 2, step: 0.5, value: 0, format }, draw);
    const numbers = ui.numbers();

    function draw() {
      const [x, beta] = [at.get(), 2 ** knob.get()];
      const losses = [l2, (v) => smoothL1(v, beta)];
      plots.forEach((plot, which) =>
        losses.forEach((loss, i) => curves[which][i]((v) => plot.y(loss(v)[which]), x)),
      );
      const [[a, da], [b, db]] = [smoothL1(x, beta), l2(x)];
      numbers.replaceChildren(
        ui.element(
          "strong",
          { class: "widget-a-text" },
          `Smooth L1: ${ui.number(a, 3)}, slope ${ui.number(da, 3)}. `,
        ),
        ui.element("strong", { class: "widget-b-text" }, `L2: ${ui.number(b, 3)}, slope ${ui.number(db, 3)}.`),
      );
    }

    host.append(ui.columns(value.svg, slope.svg), at.node, knob.node, numbers);
    draw();
  });

  /* Add a line and a dot to a plot; the result draws them for a function of the error, cut at the frame. */
  function curve(plot, className) {
    const line = ui.shape("path", { class: `widget-curve ${className}` });
    const dot = ui.shape("circle", { class: `widget-point ${className}`, r: 5 });
    plot.svg.append(line, dot);
    const inside = (y) => y >= plot.top - 0.01 && y <= plot.bottom + 0.01;
    return (height, x) => {
      const errors = Array.from({ length: 321 }, (_, i) => -4 + i / 40);
      line.setAttribute(
        "d",
        ui.path(errors.filter((v) => inside(height(v))).map((v) => [plot.x(v), height(v)])),
      );
      const y = height(x);
      ui.setAttributes(dot, { cx: plot.x(x), cy: y, visibility: inside(y) ? "visible" : "hidden" });
    };
  }
})();
