/* SVG pictures whose boxes and points can be dragged, or moved with the arrow keys. */
(function () {
  "use strict";
  const { element, setAttributes } = minircnnWidgets;

  const empty = document.createElement("div");
  empty.innerHTML = "<svg></svg>"; // the parser knows the name space
  const NAME_SPACE = empty.firstChild.namespaceURI;

  function shape(tag, attributes, ...children) {
    const node = document.createElementNS(NAME_SPACE, tag);
    setAttributes(node, attributes || {});
    node.append(...children);
    return node;
  }

  /* A picture of `width` × `height` units, as wide as there is room. */
  function picture(width, height, label, ...children) {
    const svg = shape("svg", { class: "widget-picture", role: "group", "aria-label": label }, ...children);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    return svg;
  }

  /* A picture that shows a photo, { src, width, height }. */
  function photoPicture(photo, label) {
    const image = shape("image", { href: photo.src, width: photo.width, height: photo.height });
    return picture(photo.width, photo.height, label, image);
  }

  const place = (rect, [x1, y1, x2, y2]) =>
    setAttributes(rect, { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) });

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /* Where a pointer is, in units of the picture. */
  const pointIn = (svg, event) =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

  /* Let `node` be moved: `move(dx, dy)` in units of the picture, by pointer, or by arrow keys in steps. */
  function movable(node, svg, step, begin, move) {
    let from = null;
    const at = (event) => pointIn(svg, event);
    setAttributes(node, {
      onpointerdown: (event) => {
        from = at(event);
        begin();
        capture(node, event.pointerId);
        node.focus({ preventScroll: true }); // or the box would jump by as much
        event.preventDefault();
      },
      onpointermove: (event) => {
        if (from) move(at(event).x - from.x, at(event).y - from.y);
      },
      onpointerup: () => (from = null),
      onpointercancel: () => (from = null),
    });
    arrowKeys(node, (dx, dy) => (begin(), move(dx * step, dy * step)));
  }

  /* Let `node` be focused, and call `move(dx, dy)` for arrow keys: a step is 1, with shift 10. */
  function arrowKeys(node, move) {
    setAttributes(node, {
      tabindex: 0,
      onkeydown: (event) => {
        const arrow = ARROWS[event.key];
        if (!arrow) return;
        event.preventDefault();
        move(...arrow.map((d) => d * (event.shiftKey ? 10 : 1)));
      },
    });
  }

  function capture(node, pointer) {
    try {
      node.setPointerCapture(pointer);
    } catch {
      // a pointer made by a script cannot be captured
    }
  }

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /* A box that can be moved by its body and resized by two corners. `changed(box)` hears of every change.

     Options: name, box, bounds [width, height], snap (the grid that coordinates lie on), least (shortest
     side), className, label (what stands in the box, its name). The result has `get`, `set` and the group `node`. */
  function draggableBox(
    svg,
    { name, box, bounds, snap = 1, least = 1, className, label: title = name },
    changed,
  ) {
    let now = box.slice();
    let before = now;
    const unit = svg.viewBox.baseVal.width / 100;
    const body = shape("rect", { class: "widget-body" });
    const label = shape("text", { class: "widget-label", "font-size": 4.2 * unit }, title);
    const corners = [
      [0, 1],
      [2, 3],
    ].map((sides) => corner(sides));
    const node = shape("g", { class: `widget-box ${className}` }, body, label, ...corners.map((c) => c.node));

    function corner([x, y]) {
      const dot = shape("circle", { class: "widget-dot", r: 1.3 * unit });
      const reach = shape("circle", { class: "widget-reach", r: 4.5 * unit }); // room for a finger
      return { x, y, dot, reach, node: shape("g", { class: "widget-corner" }, reach, dot) };
    }

    function set(next) {
      now = next.slice();
      place(body, now);
      setAttributes(label, { x: now[0] + 1.5 * unit, y: now[1] + 4.5 * unit });
      for (const { x, y, dot, reach } of corners) {
        for (const circle of [dot, reach]) setAttributes(circle, { cx: now[x], cy: now[y] });
      }
      const text = `x1 ${now[0]}, y1 ${now[1]}, x2 ${now[2]}, y2 ${now[3]}`.replace(/(\.\d\d)\d+/g, "$1");
      for (const handle of [body, ...corners.map((c) => c.node)]) {
        setAttributes(handle, { "aria-valuetext": text, "aria-valuenow": Math.round(now[0]) });
      }
    }

    const snapped = (value) => Math.round(value / snap) * snap;
    const begin = () => (before = now.slice());
    const tell = (next) => (set(next), changed(now));

    function shift(dx, dy) {
      const [x1, y1, x2, y2] = before;
      const x = clamp(snapped(dx), -x1, bounds[0] - x2);
      const y = clamp(snapped(dy), -y1, bounds[1] - y2);
      tell([x1 + x, y1 + y, x2 + x, y2 + y]);
    }

    function resize({ x, y }, dx, dy) {
      const next = before.slice();
      next[x] =
        x === 0
          ? clamp(before[0] + snapped(dx), 0, before[2] - least)
          : clamp(before[2] + snapped(dx), before[0] + least, bounds[0]);
      next[y] =
        y === 1
          ? clamp(before[1] + snapped(dy), 0, before[3] - least)
          : clamp(before[3] + snapped(dy), before[1] + least, bounds[1]);
      tell(next);
    }

    const handle = {
      role: "slider",
      "aria-roledescription": "box",
      "aria-valuemin": 0,
      "aria-valuemax": bounds[0],
    };
    setAttributes(body, { ...handle, "aria-label": `${name}: move with the arrow keys` });
    movable(body, svg, snap, begin, shift);
    for (const c of corners) {
      const which = c.x === 0 ? "top left" : "bottom right";
      setAttributes(c.node, { ...handle, "aria-label": `${name}: ${which} corner` });
      movable(c.node, svg, snap, begin, (dx, dy) => resize(c, dx, dy));
    }
    set(now);
    svg.append(node);
    return { node, get: () => now.slice(), set };
  }

  /* Axes over `xs` and `ys`, [first, last]: the result has the picture, and `x`, `y` that map values to it. */
  function plot(label, { xs, ys, xTicks, yTicks, xLabel, yLabel, width = 340, height = 250 }) {
    const [left, right, top, bottom] = [44, width - 12, 14, height - 42];
    const x = (v) => left + ((v - xs[0]) / (xs[1] - xs[0])) * (right - left);
    const y = (v) => bottom - ((v - ys[0]) / (ys[1] - ys[0])) * (bottom - top);
    const svg = picture(width, height, label);
    const text = (content, attributes) =>
      svg.append(shape("text", { class: "widget-tick", ...attributes }, content));
    const line = (x1, y1, x2, y2) => svg.append(shape("line", { class: "widget-grid", x1, y1, x2, y2 }));
    for (const v of xTicks) {
      line(x(v), top, x(v), bottom);
      text(minircnnWidgets.number(v, v % 1 ? 1 : 0), { x: x(v), y: bottom + 16, "text-anchor": "middle" });
    }
    for (const v of yTicks) {
      line(left, y(v), right, y(v));
      text(minircnnWidgets.number(v, v % 1 ? 1 : 0), { x: left - 6, y: y(v) + 4, "text-anchor": "end" });
    }
    text(xLabel, { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" });
    text(yLabel, {
      x: 12,
      y: (top + bottom) / 2,
      "text-anchor": "middle",
      transform: `rotate(-90 12 ${(top + bottom) / 2})`,
    });
    return { svg, x, y, right, top, left, bottom };
  }

  /* The `d` of a path through points. */
  const path = (points) =>
    points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

  /* Call `ready(pixels)` with the photo's ImageData once it is decoded. */
  function readPixels(photo, ready) {
    const image = element("img", { alt: "" });
    image.onload = () => {
      const canvas = element("canvas", { width: photo.width, height: photo.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      ready(context.getImageData(0, 0, photo.width, photo.height));
    };
    image.src = photo.src;
  }

  Object.assign(minircnnWidgets, {
    shape,
    picture,
    photoPicture,
    place,
    pointIn,
    arrowKeys,
    draggableBox,
    plot,
    path,
    readPixels,
    clamp,
  });
})();
