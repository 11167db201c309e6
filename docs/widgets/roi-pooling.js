/* RoI pooling on a small map: rounding, bins that share cells, winners, and the gradient that comes back. */
(function () {
  "use strict";
  const inNode = typeof module === "object";
  const { round } = inNode ? require("./boxes.js") : minircnnWidgets.arithmetic.boxes;

  /* First cell and number of cells, at least one, between two pixels. */
  function roundedCells(low, high, scale) {
    const [first, last] = [round(low * scale), round((high - 1) * scale)];
    return [first, Math.max(last - first + 1, 1)];
  }

  /* Begin and end of `parts` bins of `count` cells from `first` on, cut at a map of `limit`. */
  function splitIntoBins(first, count, parts, limit) {
    const cut = (v) => Math.min(Math.max(v, 0), limit);
    return Array.from({ length: parts }, (_, i) => [
      cut(first + Math.floor((i * count) / parts)),
      cut(first + Math.ceil(((i + 1) * count) / parts)),
    ]);
  }

  /* The largest value of a window, and where it comes first in reading order. */
  function firstMaximum(map, rows, columns) {
    let [largest, where] = [-Infinity, null];
    for (let r = rows[0]; r < rows[1]; r++) {
      for (let c = columns[0]; c < columns[1]; c++) {
        if (map[r][c] > largest) [largest, where] = [map[r][c], [r, c]];
      }
    }
    return where ? [largest, where] : [0, null];
  }

  /* Pool one region, in pixels, into P × Q bins: their rows and columns, the values, and where each stood. */
  function roiPool(map, [x1, y1, x2, y2], [p, q], scale) {
    const rows = splitIntoBins(...roundedCells(y1, y2, scale), p, map.length);
    const columns = splitIntoBins(...roundedCells(x1, x2, scale), q, map[0].length);
    const pooled = rows.map((r) => columns.map((c) => firstMaximum(map, r, c)));
    return {
      rows,
      columns,
      values: pooled.map((line) => line.map(([value]) => value)),
      where: pooled.map((line) => line.map(([, place]) => place)),
    };
  }

  /* What each cell of a map gets back if every bin of every pooled region sends a 1. */
  function backwardOfOnes(pooled, height, width) {
    const gradient = Array.from({ length: height }, () => Array(width).fill(0));
    for (const place of pooled.flatMap(({ where }) => where.flat())) {
      if (place) gradient[place[0]][place[1]] += 1;
    }
    return gradient;
  }

  /* In how many bins of a region each cell lies. */
  function timesUsed({ rows, columns }, height, width) {
    const count = (ranges, i) => ranges.filter(([begin, end]) => begin <= i && i < end).length;
    return Array.from({ length: height }, (_, r) =>
      Array.from({ length: width }, (_, c) => count(rows, r) * count(columns, c)),
    );
  }

  const arithmetic = { roundedCells, splitIntoBins, roiPool, backwardOfOnes, timesUsed };
  if (inNode) {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;
  const CELL = 100; // units of the picture

  ui.define("roi-pooling", arithmetic, (host, { map, regions, stride, bins }) => {
    const [height, width] = [map.length, map[0].length];
    const svg = ui.picture(width * CELL, height * CELL, "A map of cells with regions over it");
    const layer = ui.shape("g");
    const marks = ui.shape("g", { class: "widget-marks" });
    const pixels = ui.slider(
      "stride",
      { min: 4, max: 32, step: 1, value: stride, format: (v) => `${v} pixels` },
      place,
    );
    const knobs = ["rows of bins", "columns of bins"].map((label, i) =>
      ui.slider(label, { min: 1, max: 4, step: 1, value: bins[i] }, draw),
    );
    const second = ui.toggle("a second region", true, place);
    const detail = ui.choice("bins, and cells in several of them, shown for region", ["1", "2"], draw);
    const tables = [0, 1].map((i) => ui.element("div", { class: `widget-pooled widget-${"ab"[i]}` }));
    const numbers = ui.numbers();
    let inPixels = regions.map((region) => region.slice());
    let boxes = [];

    /* Put the regions on the map: a pixel is CELL / stride units. */
    function place() {
      const unit = CELL / pixels.get();
      const bounds = [width * CELL, height * CELL];
      svg.replaceChildren(layer);
      boxes = inPixels.slice(0, second.get() ? 2 : 1).map((region, i) => {
        const onMap = fit(region, width * pixels.get(), height * pixels.get());
        const options = {
          name: String(i + 1),
          box: onMap.map((v) => v * unit),
          bounds,
          snap: unit,
          least: unit,
        };
        return ui.draggableBox(svg, { ...options, className: `widget-region widget-${"ab"[i]}` }, (box) => {
          inPixels[i] = box.map((v) => Math.round(v / unit));
          detail.set(i + 1);
          draw();
        });
      });
      inPixels = inPixels.map((region) => fit(region, width * pixels.get(), height * pixels.get()));
      svg.append(marks);
      draw();
    }

    function draw() {
      const size = knobs.map((k) => k.get());
      const pooled = boxes.map((_, i) => roiPool(map, inPixels[i], size, 1 / pixels.get()));
      const gradient = backwardOfOnes(pooled, height, width);
      const shown = Math.min(Number(detail.get()), pooled.length) - 1;
      layer.replaceChildren(...cells(map, pooled[shown]), ...binOutlines(pooled[shown], shown));
      marks.replaceChildren(...winners(gradient));
      tables.forEach((node, i) => node.replaceChildren(...(pooled[i] ? pooledTable(pooled[i], i) : [])));
      numbers.textContent =
        pooled.map((one, i) => describe(one, inPixels[i], pixels.get(), i)).join(" ") +
        " " +
        mostGradient(gradient, map);
    }

    host.append(
      ui.columns(
        svg,
        ui.part(pixels.node, ...knobs.map((k) => k.node), second.node, detail.node, ui.row(...tables)),
      ),
      numbers,
    );
    place();
  });

  /* The part of a region on a photo, at least one pixel. */
  function fit([x1, y1, x2, y2], width, height) {
    const [x, y] = [Math.min(x1, width - 1), Math.min(y1, height - 1)];
    return [x, y, ui.clamp(x2, x + 1, width), ui.clamp(y2, y + 1, height)];
  }

  /* The map; cells that lie in more than one bin of the region are shaded. */
  function cells(map, pooled) {
    const used = timesUsed(pooled, map.length, map[0].length);
    return map.flatMap((line, r) =>
      line.flatMap((value, c) => {
        const [x, y] = [c * CELL, r * CELL];
        const shared = used[r][c] > 1 ? " shared" : "";
        return [
          ui.shape("rect", { class: `widget-cell${shared}`, x, y, width: CELL, height: CELL }),
          ui.shape("text", { class: "widget-cell-value", x: x + 50, y: y + 61 }, String(value)),
        ];
      }),
    );
  }

  /* A ring around each cell that some bin has taken, and what comes back to it. */
  function winners(gradient) {
    return gradient.flatMap((line, r) =>
      line.flatMap((sum, c) => {
        if (!sum) return [];
        const [x, y] = [c * CELL, r * CELL];
        return [
          ui.shape("circle", { class: "widget-winner", cx: x + 50, cy: y + 50, r: 30 }),
          ui.shape("text", { class: "widget-gradient", x: x + 92, y: y + 90 }, `+${sum}`),
        ];
      }),
    );
  }

  /* Outlines of a region's bins, drawn a little inside so that bins that share cells can be told apart. */
  function binOutlines({ rows, columns }, which) {
    return rows.flatMap(([top, bottom], i) =>
      columns.map(([left, right], j) => {
        const inset = 5 + 6 * ((i + j) % 2);
        const rect = ui.shape("rect", { class: `widget-bin widget-${"ab"[which]}` });
        ui.place(rect, [left * CELL + inset, top * CELL + inset, right * CELL - inset, bottom * CELL - inset]);
        return rect;
      }),
    );
  }

  function pooledTable({ values }, which) {
    const lines = values.map((line) =>
      ui.element("tr", {}, ...line.map((v) => ui.element("td", {}, String(v)))),
    );
    return [
      `region ${which + 1}`,
      ui.element("table", { class: "widget-lines", "aria-label": `Pooled region ${which + 1}` }, ...lines),
    ];
  }

  function describe({ rows, columns }, [x1, y1, x2, y2], stride, which) {
    const cellsOf = (ranges) => `${ranges[0][0]} to ${ranges[ranges.length - 1][1] - 1}`;
    const exact = (low, high) => `${ui.number(low / stride)} to ${ui.number((high - 1) / stride)}`;
    return (
      `Region ${which + 1}, pixels ${[x1, y1, x2, y2].join(", ")}: x ${exact(x1, x2)} cells, ` +
      `rounded ${cellsOf(columns)}; y ${exact(y1, y2)}, rounded ${cellsOf(rows)}.`
    );
  }

  function mostGradient(gradient, map) {
    const most = Math.max(...gradient.flat());
    const names = gradient.flatMap((line, r) => line.flatMap((g, c) => (g === most ? [map[r][c]] : [])));
    return most > 1
      ? `If every bin sends back a 1, the cell of ${names.join(" and of ")} gets ${most}.`
      : "If every bin sends back a 1, no cell gets more than 1.";
  }
})();
