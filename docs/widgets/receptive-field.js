/* A cell of the map and the part of the photo that it has seen. */
(function () {
  "use strict";

  /* Follow one axis through windows { kernel, stride, padding, ceil }: the length of the map, the side of a
     cell's field, the distance of two fields, and where the first one begins. */
  function follow(windows, length) {
    let [size, distance, begin] = [1, 1, 0];
    for (const { kernel, stride, padding, ceil } of windows) {
      size += (kernel - 1) * distance;
      begin -= padding * distance;
      distance *= stride;
      length = mapLength(length, kernel, stride, padding, ceil);
    }
    return { length, size, distance, begin };
  }

  /* How many windows fit; with `ceil` the last may reach over the end, but not begin behind it. */
  function mapLength(length, kernel, stride, padding, ceil) {
    const steps = (length + 2 * padding - kernel) / stride;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return ceil && (count - 1) * stride >= length + padding ? count - 1 : count;
  }

  /* Begin, end and centre of the field of cell i along an axis, the photo's edges not minded. */
  function field({ size, distance, begin }, i) {
    const first = begin + i * distance;
    return [first, first + size, first + size / 2];
  }

  const arithmetic = { follow, field };
  if (typeof module === "object") {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;
  let patterns = 0;

  ui.define("receptive-field", arithmetic, (host, { photo, networks }) => {
    const svg = ui.photoPicture(photo, "A photo, the cells of its map, and the field of one");
    const [shade, box, own, dot] = [
      ui.shape("path", { class: "widget-unseen" }),
      ui.shape("rect", { class: "widget-field" }),
      ui.shape("rect", { class: "widget-own" }),
      ui.shape("circle", { class: "widget-centre", r: photo.width / 120 }),
    ];
    const id = `widget-centres-${++patterns}`;
    const centre = ui.shape("circle", { class: "widget-spot" });
    const tile = ui.shape("pattern", { id, patternUnits: "userSpaceOnUse" }, centre);
    const grid = ui.shape("rect", { fill: `url(#${id})` });
    const focus = ui.shape("rect", {
      class: "widget-ground",
      width: photo.width,
      height: photo.height,
      role: "slider",
    });
    svg.append(tile, shade, grid, box, own, dot, focus);
    const network = ui.choice("network", Object.keys(networks), restart);
    const numbers = ui.numbers();
    let [across, down, cell] = [null, null, [0, 0]];

    function restart() {
      [across, down] = [photo.width, photo.height].map((side) => follow(networks[network.get()], side));
      const [x, y, step] = [
        field(across, 0)[2] - across.distance / 2,
        field(down, 0)[2] - down.distance / 2,
        across.distance,
      ];
      ui.setAttributes(tile, { x, y, width: step, height: step });
      ui.setAttributes(centre, { cx: step / 2, cy: step / 2, r: Math.min(step / 8, photo.width / 300) });
      ui.place(grid, [x, y, x + across.length * step, y + down.length * step]);
      go([across.length >> 1, down.length >> 1]);
    }

    function go([column, row]) {
      cell = [ui.clamp(column, 0, across.length - 1), ui.clamp(row, 0, down.length - 1)];
      const [x1, x2, x] = field(across, cell[0]);
      const [y1, y2, y] = field(down, cell[1]);
      ui.place(box, [x1, y1, x2, y2]);
      const half = across.distance / 2;
      ui.place(own, [x - half, y - half, x + half, y + half]);
      ui.setAttributes(dot, { cx: x, cy: y });
      const [w, h] = [photo.width, photo.height];
      shade.setAttribute("d", `M0 0H${w}V${h}H0Z M${x1} ${y1}V${y2}H${x2}V${y1}Z`);
      const text = `column ${cell[0]}, row ${cell[1]}`;
      ui.setAttributes(focus, {
        "aria-valuetext": text,
        "aria-valuenow": cell[0],
        "aria-valuemax": across.length - 1,
      });
      numbers.replaceChildren(
        `A map of ${across.length} × ${down.length} cells. Cell ${text}: centre ${x}, ${y}; one step is ` +
          `${across.distance} pixels; it sees ${across.size} × ${down.size} pixels, `,
        ui.element("strong", {}, `x ${ui.number(x1, 0)} to ${x2}, y ${ui.number(y1, 0)} to ${y2}`),
        `${x1 < 0 || y1 < 0 || x2 > w || y2 > h ? " (some of them beyond the photo)" : ""}.`,
      );
    }

    /* Go to the cell whose centre is nearest to the pointer. */
    function point(event) {
      const { x, y } = ui.pointIn(svg, event);
      const nearest = (axis, v) => Math.round((v - field(axis, 0)[2]) / axis.distance);
      go([nearest(across, x), nearest(down, y)]);
    }

    ui.setAttributes(focus, {
      "aria-label": "cell of the map",
      "aria-valuemin": 0,
      onpointermove: point,
      onpointerdown: point,
    });
    ui.arrowKeys(focus, (dx, dy) => go([cell[0] + dx, cell[1] + dy]));
    host.append(network.node, svg, numbers);
    restart();
  });
})();
