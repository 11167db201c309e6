/* Controls with labels, all of them reachable by keyboard, and places for numbers that are read out. */
(function () {
  "use strict";

  let serial = 0;

  /* Make an HTML element: `on...` entries become listeners, the others attributes. */
  function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    setAttributes(node, attributes || {});
    node.append(...children);
    return node;
  }

  function setAttributes(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === false || value === null || value === undefined) node.removeAttribute(name);
      else node.setAttribute(name, value === true ? "" : value);
    }
  }

  /* A number with a true minus sign, and no "−0.00". */
  function number(value, digits = 2) {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  /* A slider with its value beside it; `format` says how the value reads. */
  function slider(label, { min, max, step, value, format = String }, changed) {
    const id = `widget-control-${++serial}`;
    const shown = element("output", { for: id });
    const input = element("input", {
      type: "range",
      id,
      min,
      max,
      step,
      oninput: () => (tell(), changed(read())),
    });
    const read = () => Number(input.value);
    const tell = () => {
      shown.textContent = format(read());
      input.setAttribute("aria-valuetext", format(read()));
    };
    const set = (next) => ((input.value = next), tell());
    set(value);
    const node = element("div", { class: "widget-slider" }, element("label", { for: id }, label), input, shown);
    return { node, input, get: read, set };
  }

  function toggle(label, checked, changed) {
    const input = element("input", { type: "checkbox", onchange: () => changed(input.checked) });
    input.checked = checked;
    return { node: element("label", { class: "widget-toggle" }, input, " ", label), get: () => input.checked };
  }

  function choice(label, names, changed) {
    const id = `widget-control-${++serial}`;
    const options = names.map((name) => element("option", { value: name }, name));
    const input = element("select", { id, onchange: () => changed(input.value) }, ...options);
    const node = element("div", { class: "widget-choice" }, element("label", { for: id }, label), " ", input);
    return { node, get: () => input.value, set: (next) => (input.value = next) };
  }

  function button(label, pressed) {
    return element("button", { type: "button", class: "widget-button", onclick: pressed }, label);
  }

  /* A line of text that is read out when it changes. */
  function numbers() {
    return element("p", { class: "widget-numbers", role: "status", "aria-live": "polite" });
  }

  /* Named bars from 0 to `top`; `show(values)` sets them. */
  function bars(names, top = 1) {
    const fills = names.map(() => element("span", { class: "widget-fill" }));
    const values = names.map(() => element("span", { class: "widget-value" }));
    const rows = names.flatMap((name, i) => [
      element("span", {}, name),
      element("span", { class: "widget-bar" }, fills[i]),
      values[i],
    ]);
    const show = (all) =>
      all.forEach((value, i) => {
        fills[i].style.width = value === null ? "0" : `${(100 * value) / top}%`;
        values[i].textContent = value === null ? "–" : number(value, 3);
      });
    return { node: element("div", { class: "widget-bars" }, ...rows), show };
  }

  /* A table under a heading row; `show(rows)` fills it, each row { cells, className }. */
  function table(caption, heading) {
    const body = element("tbody");
    const top = element("tr", {}, ...heading.map((text) => element("th", { scope: "col" }, text)));
    const node = element(
      "table",
      { class: "widget-lines", "aria-label": caption },
      element("thead", {}, top),
      body,
    );
    const show = (rows) =>
      body.replaceChildren(
        ...rows.map(({ cells, className }) =>
          element("tr", { class: className }, ...cells.map((text) => element("td", {}, text))),
        ),
      );
    return { node: element("div", { class: "widget-table", tabindex: 0 }, node), show }; // keys can scroll it
  }

  const row = (...nodes) => element("div", { class: "widget-row" }, ...nodes);
  const columns = (...nodes) => element("div", { class: "widget-columns" }, ...nodes);
  const part = (...nodes) => element("div", { class: "widget-part" }, ...nodes);

  Object.assign(minircnnWidgets, {
    element,
    setAttributes,
    number,
    slider,
    toggle,
    choice,
    button,
    numbers,
    bars,
    table,
    row,
    columns,
    part,
  });
})();
