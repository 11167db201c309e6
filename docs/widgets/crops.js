/* The four ways from a box to a square crop, live. */
(function () {
  "use strict";
  const inNode = typeof module === "object";
  const { round } = inNode ? require("./boxes.js") : minircnnWidgets.arithmetic.boxes;
  const clip = (value, low, high) => Math.min(Math.max(value, low), high);

  /* What a crop shows along one axis of `length` pixels: begin and end of the photo's pixels, where in the crop
     they begin, and how many of its pixels they fill. */
  function cropSpan(low, high, otherSide, length, size, context, mode) {
    const [centre, half] = [(low + high) / 2, (high - low) / 2];
    const frameHalf = ((mode === "warp" ? half : Math.max(half, otherSide / 2)) * size) / (size - 2 * context);
    const frameBegin = round(centre - frameHalf);
    const frameEnd = Math.max(round(centre + frameHalf), frameBegin + 1);
    const scale = size / (frameEnd - frameBegin);
    let [begin, end] = [frameBegin, frameEnd];
    if (mode === "square_without_context") {
      const shownHalf = half + context / scale; // of the square only the box and its surroundings
      begin = clip(round(centre - shownHalf), frameBegin, frameEnd - 1);
      end = clip(round(centre + shownHalf), begin + 1, frameEnd);
    }
    [begin, end] = [clip(begin, 0, length), clip(end, 0, length)];
    const width = clip(round((end - begin) * scale), end > begin ? 1 : 0, size);
    const pad = clip(round((begin - frameBegin) * scale), 0, size - width);
    return { begin, end, pad, width, frame: frameEnd - frameBegin };
  }

  /* Where `count` new pixels lie among the old ones of [begin, end): two neighbours and the second one's share. */
  function samples(begin, end, count) {
    const old = end - begin;
    return Array.from({ length: count }, (_, i) => {
      const x = clip(((i + 0.5) * old) / count - 0.5, 0, old - 1);
      const first = Math.floor(x);
      return [begin + first, begin + Math.min(first + 1, old - 1), x - first];
    });
  }

  /* The crop, RGBA, of one box of a photo { data, width, height } of RGBA: `size` pixels a side. */
  function warpRegion(photo, [x1, y1, x2, y2], size, context, fill, mode) {
    const columns = cropSpan(x1, x2, y2 - y1, photo.width, size, context, mode);
    const rows = cropSpan(y1, y2, x2 - x1, photo.height, size, context, mode);
    const crop = new Float64Array(4 * size * size);
    for (let i = 0; i < crop.length; i++) crop[i] = i % 4 === 3 ? 255 : fill;
    const across = samples(columns.begin, columns.end, columns.width);
    samples(rows.begin, rows.end, rows.width).forEach(([top, bottom, v], i) => {
      across.forEach(([left, right, u], j) => {
        const to = 4 * ((rows.pad + i) * size + columns.pad + j);
        for (let k = 0; k < 3; k++) {
          const value = (y, x) => photo.data[4 * (y * photo.width + x) + k];
          const upper = value(top, left) * (1 - u) + value(top, right) * u;
          const lower = value(bottom, left) * (1 - u) + value(bottom, right) * u;
          crop[to + k] = upper * (1 - v) + lower * v;
        }
      });
    });
    return crop;
  }

  const arithmetic = { cropSpan, warpRegion };
  if (inNode) {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;
  const MODES = [
    ["square_with_context", "B: tightest square, with context"],
    ["square_without_context", "C: tightest square, without context"],
    ["warp", "D: warp (R-CNN's)"],
  ];

  ui.define("crops", arithmetic, (host, { photo, box, size = 227, padding = 16, fill = 127 }) => {
    const svg = ui.photoPicture(photo, "A photo with a box");
    const bounds = [photo.width, photo.height];
    const chosen = ui.draggableBox(
      svg,
      { name: "box", label: "", box, bounds, least: 4, className: "widget-b" },
      draw,
    );
    const knob = ui.slider(
      "context",
      { min: 0, max: 32, step: 1, value: padding, format: (v) => `${v} pixels` },
      draw,
    );
    const none = ui.button("0", () => (knob.set(0), draw()));
    const paper = ui.button("16", () => (knob.set(16), draw()));
    const original = crop("A: the box as it is");
    const crops = MODES.map(([, caption]) => crop(caption));
    const numbers = ui.numbers();
    let pixels = null;

    function draw() {
      const [x1, y1, x2, y2] = chosen.get();
      const context = knob.get();
      if (pixels) {
        show(original.canvas, pixels, [x1, y1, x2, y2]);
        MODES.forEach(([mode], i) => {
          const values = Uint8ClampedArray.from(
            warpRegion(pixels, [x1, y1, x2, y2], size, context, fill, mode),
            Math.round,
          );
          crops[i].canvas.getContext("2d").putImageData(new ImageData(values, size), 0, 0);
        });
      }
      const spans = [
        [x1, x2, y2 - y1, photo.width],
        [y1, y2, x2 - x1, photo.height],
      ];
      const [w, h] = spans.map((span) => cropSpan(...span, size, context, "warp").frame);
      const inner = size - 2 * context;
      numbers.replaceChildren(
        `The box has ${x2 - x1} × ${y2 - y1} pixels. Warped, it fills ${inner} of ${size} pixels a side, so the crop ` +
          `shows ${w} × ${h} pixels of the photo (a factor of ${size}/${inner} = ${ui.number(size / inner, 3)}), `,
        ui.element(
          "strong",
          {},
          `stretched ${ui.number(size / w)} times across and ${ui.number(size / h)} times down.`,
        ),
      );
    }

    function crop(caption) {
      const canvas = ui.element("canvas", {
        class: "widget-canvas",
        width: size,
        height: size,
        role: "img",
        "aria-label": caption,
      });
      return { canvas, node: ui.element("figure", {}, canvas, ui.element("figcaption", {}, caption)) };
    }

    const four = ui.element("div", { class: "widget-crops" }, ...[original, ...crops].map((c) => c.node));
    host.append(ui.row(knob.node, none, paper), ui.columns(svg, four), numbers);
    draw();
    ui.readPixels(photo, (read) => ((pixels = read), draw()));
  });

  /* Show a box in its own shape, as large as fits, in the middle of a canvas. */
  function show(canvas, pixels, [x1, y1, x2, y2]) {
    const scale = canvas.width / Math.max(x2 - x1, y2 - y1);
    const [w, h] = [(x2 - x1) * scale, (y2 - y1) * scale];
    const context = canvas.getContext("2d");
    const source = new OffscreenCanvas(pixels.width, pixels.height);
    source.getContext("2d").putImageData(pixels, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(source, x1, y1, x2 - x1, y2 - y1, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  }
})();
