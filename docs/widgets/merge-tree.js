/* Selective search's tree over its photo: the regions after any number of merges. */
(function () {
  "use strict";

  /* Undo run lengths, [label, how many, label, ...]. */
  function expand(runs) {
    const labels = [];
    for (let i = 0; i < runs.length; i += 2) {
      for (let k = 0; k < runs[i + 1]; k++) labels.push(runs[i]);
    }
    return labels;
  }

  /* The region that each of all n + m regions belongs to after the first `merges` of the m merges. */
  function after(children, initial, merges) {
    const current = Array.from({ length: initial + children.length }, (_, i) => i);
    for (let i = merges - 1; i >= 0; i--) {
      for (const child of children[i]) current[child] = current[initial + i]; // parents before their children
    }
    return current;
  }

  /* The similarities size and fill of two regions, from their sizes and boxes. */
  function sizeAndFill(sizes, boxes, pixels) {
    const together = sizes[0] + sizes[1];
    const [x1, y1] = [0, 1].map((k) => Math.min(boxes[0][k], boxes[1][k]));
    const [x2, y2] = [2, 3].map((k) => Math.max(boxes[0][k], boxes[1][k]));
    return [1 - together / pixels, 1 - ((x2 - x1) * (y2 - y1) - together) / pixels];
  }

  /* Of each region the initial one that lends it its colour: the largest inside it. */
  function largestLeaf(children, initial, size) {
    const leaf = Array.from({ length: initial }, (_, i) => i);
    for (const [a, b] of children) leaf.push(size[leaf[a]] >= size[leaf[b]] ? leaf[a] : leaf[b]);
    return leaf;
  }

  const arithmetic = { expand, after, sizeAndFill, largestLeaf };
  if (typeof module === "object") {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;

  ui.define("merge-tree", arithmetic, (host, data) => {
    const { photo, children, boxes, size, terms } = data;
    const initial = boxes.length - children.length;
    const labels = expand(data.runs);
    const leaf = largestLeaf(children, initial, size);
    const canvas = ui.element("canvas", {
      class: "widget-canvas",
      width: photo.width,
      height: photo.height,
      role: "slider",
    });
    const merges = ui.slider(
      "merges",
      { min: 0, max: children.length, step: 1, value: Math.round(0.8 * children.length) },
      draw,
    );
    const bars = ui.bars(["colour", "texture", "size", "fill"]);
    const numbers = ui.numbers();
    let [pixels, at] = [null, [photo.width >> 1, photo.height >> 1]];

    function draw() {
      const current = after(children, initial, merges.get());
      const region = current[labels[at[1] * photo.width + at[0]]];
      if (pixels) paint(canvas, pixels, labels, current, leaf, region, boxes[region], at);
      const made = region - initial;
      bars.show(made < 0 ? [null, null, null, null] : terms[made]);
      const origin =
        made < 0
          ? "a region of the segmentation, not merged yet"
          : `merge ${made + 1}: ${children[made].join(" + ")}, similarity ${ui.number(sum(terms[made]), 3)}`;
      const text = `region ${region}, ${origin}; ${size[region]} pixels, box ${boxes[region].join(", ")}`;
      ui.setAttributes(canvas, { "aria-valuetext": text, "aria-valuenow": at[0] });
      const left = initial - merges.get();
      numbers.textContent = `${boxes.length} boxes in all, ${left} region${left === 1 ? "" : "s"} now. Chosen: ${text}.`;
    }

    function go(x, y) {
      at = [ui.clamp(Math.floor(x), 0, photo.width - 1), ui.clamp(Math.floor(y), 0, photo.height - 1)];
      draw();
    }

    ui.setAttributes(canvas, {
      "aria-label": "point of the photo whose region is chosen",
      "aria-valuemin": 0,
      "aria-valuemax": photo.width - 1,
      onpointerdown: (event) => {
        const { left, top, width, height } = canvas.getBoundingClientRect();
        go(((event.clientX - left) / width) * photo.width, ((event.clientY - top) / height) * photo.height);
      },
    });
    ui.arrowKeys(canvas, (dx, dy) => go(at[0] + 4 * dx, at[1] + 4 * dy));
    host.append(merges.node, ui.columns(canvas, bars.node), numbers);
    draw();
    ui.readPixels(photo, (read) => ((pixels = read), draw()));
  });

  const sum = (values) => values.reduce((total, value) => total + value, 0);

  /* Colour the regions over the photo, their borders white, the chosen one with its box. */
  function paint(canvas, photo, labels, current, leaf, chosen, box, [x, y]) {
    const context = canvas.getContext("2d");
    const { width } = photo;
    const shown = new ImageData(new Uint8ClampedArray(photo.data), width);
    labels.forEach((label, i) => {
      const region = current[label];
      const differs = (j, edge) => !edge && current[labels[j]] !== region;
      const border = differs(i + 1, (i + 1) % width === 0) || differs(i + width, i + width >= labels.length);
      const [color, share] = border
        ? [[255, 255, 255], 0.75]
        : [hue(leaf[region]), region === chosen ? 0.65 : 0.35];
      for (let k = 0; k < 3; k++) shown.data[4 * i + k] += share * (color[k] - photo.data[4 * i + k]);
    });
    context.putImageData(shown, 0, 0);
    const [x1, y1, x2, y2] = box;
    for (const [style, lineWidth] of [
      ["#000", 4],
      ["#fff", 2],
    ]) {
      Object.assign(context, { strokeStyle: style, lineWidth });
      context.strokeRect(x1 + 1, y1 + 1, x2 - x1 - 2, y2 - y1 - 2);
      context.strokeRect(x - 3, y - 3, 6, 6);
    }
  }

  /* A colour of its own for each number: hues a golden angle apart. */
  function hue(i) {
    const turn = ((i * 137.508) % 360) / 60;
    const channel = (shift) => 40 + 190 * ui.clamp(Math.abs(((turn + shift) % 6) - 3) - 1, 0, 1);
    return [channel(0), channel(4), channel(2)];
  }
})();
