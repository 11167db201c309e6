/* Greedy suppression, one kept box at a time: who removed whom. */
(function () {
  "use strict";
  const inNode = typeof module === "object";
  const { bestFirst, iou } = inNode ? require("./boxes.js") : minircnnWidgets.arithmetic.boxes;

  /* Return the rounds in order: the box that stays, and [box, IoU] of all that it removes. */
  function suppress(boxes, scores, threshold) {
    let candidates = bestFirst(scores);
    const rounds = [];
    while (candidates.length) {
      const [kept, ...others] = candidates;
      const overlaps = others.map((i) => [i, iou(boxes[kept], boxes[i])]);
      rounds.push({ kept, removed: overlaps.filter(([, overlap]) => overlap > threshold) });
      candidates = overlaps.filter(([, overlap]) => !(overlap > threshold)).map(([i]) => i);
    }
    return rounds;
  }

  const arithmetic = { suppress };
  if (inNode) {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;

  ui.define("nms", arithmetic, (host, { photo, boxes, scores, threshold = 0.3 }) => {
    const svg = ui.photoPicture(photo, "Boxes on a photo");
    const marks = boxes.map((box, i) => mark(svg, box, i, photo.width / 100));
    const format = (v) => ui.number(v);
    const at = ui.slider("threshold", { min: 0, max: 1, step: 0.01, value: threshold, format }, restart);
    const forward = ui.button("next step", () => go(step + 1));
    const back = ui.button("back", () => go(step - 1));
    const first = ui.button("from the start", () => go(0));
    const all = ui.button("to the end", () => go(rounds.length));
    const numbers = ui.numbers();
    const log = ui.table("What each step did", ["step", "stays", "removes"]);
    let rounds = [];
    let step = 0;

    function restart() {
      rounds = suppress(boxes, scores, at.get());
      go(rounds.length);
    }

    function go(next) {
      step = ui.clamp(next, 0, rounds.length);
      const state = boxes.map(() => "waiting");
      rounds.slice(0, step).forEach(({ kept, removed }, i) => {
        state[kept] = i === step - 1 ? "kept latest" : "kept";
        for (const [box] of removed) state[box] = i === step - 1 ? "removed latest" : "removed";
      });
      marks.forEach((node, i) => node.setAttribute("class", `widget-candidate ${state[i]}`));
      log.show(rounds.slice(0, step).map(describe));
      const removed = state.filter((s) => s.startsWith("removed")).length;
      numbers.textContent =
        `Threshold ${ui.number(at.get())}, step ${step} of ${rounds.length}: ` +
        `${step} kept, ${removed} removed, ${boxes.length - step - removed} left to judge.`;
      ui.setAttributes(forward, { disabled: step === rounds.length });
      ui.setAttributes(back, { disabled: step === 0 });
    }

    function describe({ kept, removed }, i) {
      const others = removed.map(([box, overlap]) => `${box + 1} (IoU ${ui.number(overlap, 3)})`);
      return {
        cells: [String(i + 1), `${kept + 1} (score ${ui.number(scores[kept])})`, others.join(", ") || "nobody"],
        className: i === step - 1 ? "current" : "",
      };
    }

    host.append(at.node, ui.row(first, back, forward, all), ui.columns(svg, log.node), numbers);
    restart();
  });

  function mark(svg, box, i, unit) {
    const rect = ui.shape("rect");
    ui.place(rect, box);
    const text = ui.shape(
      "text",
      { x: box[0] + unit, y: box[1] + 4.5 * unit, "font-size": 4.5 * unit },
      String(i + 1),
    );
    const node = ui.shape("g", {}, rect, text);
    svg.append(node);
    return node;
  }
})();
