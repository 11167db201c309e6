/* The list of detections down to a score, right and wrong, and the point that it reaches on the curve. */
(function () {
  "use strict";
  const inNode = typeof module === "object";
  const { bestFirst, iou } = inNode ? require("./boxes.js") : minircnnWidgets.arithmetic.boxes;

  /* Judge the detections of one photo, the best score first, by VOC's rule: index, IoU with the object that
     each overlaps most, verdict, and precision and recall so far. `difficult` objects do not count. */
  function judge(boxes, scores, objects, difficult, threshold = 0.5) {
    const toFind = difficult.filter((d) => !d).length;
    const found = new Set();
    let wrong = 0;
    return bestFirst(scores).map((index) => {
      const overlaps = objects.map((object) => iou(boxes[index], object));
      const best = overlaps.indexOf(Math.max(...overlaps)); // the first of equals, -1 of none
      const overlap = best < 0 ? 0 : overlaps[best];
      let verdict = "correct";
      if (best < 0 || overlap < threshold) verdict = "too loose";
      else if (found.has(best)) verdict = "duplicate";
      else if (difficult[best]) verdict = "not counted";
      if (verdict === "correct") found.add(best);
      else if (verdict !== "not counted") wrong += 1;
      const judged = found.size + wrong;
      return {
        index,
        overlap,
        verdict,
        precision: judged ? found.size / judged : null,
        recall: found.size / toFind,
      };
    });
  }

  /* The area under the best precision at each recall or a higher one. */
  function averagePrecision(lines) {
    const counted = lines.filter(({ verdict }) => verdict !== "not counted");
    let [area, before] = [0, 0];
    counted.forEach(({ recall }, i) => {
      area += (recall - before) * Math.max(...counted.slice(i).map((line) => line.precision));
      before = recall;
    });
    return area;
  }

  const arithmetic = { judge, averagePrecision };
  if (inNode) {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;

  ui.define("precision-recall", arithmetic, (host, { photo, objects, boxes, scores }) => {
    const svg = ui.photoPicture(photo, "A photo with objects, dashed, and detections");
    objects.forEach((box) =>
      ["widget-halo", "widget-truth"].forEach((className) => {
        const rect = ui.shape("rect", { class: className });
        ui.place(rect, box);
        svg.append(rect);
      }),
    );
    const bounds = [photo.width, photo.height];
    const found = boxes.map((box, i) =>
      ui.draggableBox(
        svg,
        { name: String(i + 1), box: box.map(Math.round), bounds, least: 4, className: "" },
        draw,
      ),
    );
    const axis = [0, 0.2, 0.4, 0.6, 0.8, 1];
    const plot = ui.plot("Precision over recall", {
      xs: [0, 1],
      ys: [0, 1.05],
      xTicks: axis,
      yTicks: axis,
      xLabel: "recall",
      yLabel: "precision",
    });
    const [filled, curve, dot] = [
      ui.shape("path", { class: "widget-area" }),
      ui.shape("path", { class: "widget-curve widget-a" }),
      ui.shape("circle", { class: "widget-point widget-b", r: 6 }),
    ];
    plot.svg.append(filled, curve, dot);
    const least = ui.slider(
      "least score",
      { min: 0, max: 1, step: 0.01, value: 0, format: (v) => ui.number(v) },
      draw,
    );
    const table = ui.table("Detections, best score first", [
      "box",
      "score",
      "IoU",
      "verdict",
      "precision",
      "recall",
    ]);
    const numbers = ui.numbers();
    const difficult = objects.map(() => false);

    function draw() {
      const lines = judge(
        found.map((box) => box.get()),
        scores,
        objects,
        difficult,
      );
      const shown = lines.filter(({ index }) => scores[index] >= least.get());
      for (const { index, verdict } of lines) {
        const state = shown.some((line) => line.index === index) ? verdict.replace(" ", "-") : "below";
        found[index].node.setAttribute("class", `widget-box widget-${state}`);
      }
      table.show(
        lines.map((line) => ({
          cells: [
            String(line.index + 1),
            ui.number(scores[line.index]),
            ui.number(line.overlap),
            line.verdict,
            ui.number(line.precision),
            ui.number(line.recall),
          ],
          className: shown.includes(line) ? "" : "below",
        })),
      );
      drawCurve(lines, shown[shown.length - 1]);
      const right = shown.filter(({ verdict }) => verdict === "correct").length;
      numbers.replaceChildren(
        `From score ${ui.number(least.get())} on: ${right} right, ${shown.length - right} wrong, ` +
          `${objects.length - right} of ${objects.length} objects not found. `,
        ui.element("strong", {}, `AP of the whole list ${ui.number(averagePrecision(lines), 3)}`),
      );
    }

    function drawCurve(lines, last) {
      curve.setAttribute(
        "d",
        ui.path(lines.map(({ recall, precision }) => [plot.x(recall), plot.y(precision)])),
      );
      const steps = [[plot.x(0), plot.y(0)]];
      let before = 0;
      lines.forEach(({ recall }, i) => {
        const best = Math.max(...lines.slice(i).map((line) => line.precision));
        if (recall > before) steps.push([plot.x(before), plot.y(best)], [plot.x(recall), plot.y(best)]);
        before = recall;
      });
      filled.setAttribute("d", `${ui.path([...steps, [plot.x(before), plot.y(0)]])}Z`);
      ui.setAttributes(dot, { visibility: last ? "visible" : "hidden" });
      if (last) ui.setAttributes(dot, { cx: plot.x(last.recall), cy: plot.y(last.precision) });
    }

    host.append(least.node, ui.columns(svg, plot.svg), table.node, numbers);
    draw();
  });
})();
