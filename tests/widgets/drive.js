// Use every widget of the page as a reader would, and leave what it then says in <pre id="said">, as JSON.
(function () {
  "use strict";

  const faults = [];
  const fault = (kind) => (event) =>
    faults.push(`${kind}: ${event.message || event.reason || event.blockedURI}`);
  addEventListener("error", fault("error"), true);
  addEventListener("unhandledrejection", fault("rejection"));
  addEventListener("securitypolicyviolation", fault("blocked"));
  for (const level of ["error", "warn"]) {
    console[level] = (...words) => faults.push(`console.${level}: ${words.join(" ")}`);
  }

  const host = (name) => document.querySelector(`[data-widget="${name}"]`);
  const all = (name, selector) => [...host(name).querySelectorAll(selector)];
  const text = (node) => node.textContent.replaceAll("−", "-");
  const numbers = (name) => text(all(name, ".widget-numbers")[0]);
  const rows = (name) => all(name, ".widget-table tbody tr").map((row) => [...row.cells].map(text));

  function keys(node, key, times = 1, shiftKey = false) {
    node.focus();
    if (document.activeElement !== node) faults.push(`${node.getAttribute("aria-label")} takes no focus`);
    for (let i = 0; i < times; i++) {
      node.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
    }
  }

  /* Drag by so many units of the picture. */
  function drag(node, dx, dy) {
    const svg = node.ownerSVGElement;
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const { left, top } = node.getBoundingClientRect();
    const send = (kind, x, y) =>
      node.dispatchEvent(new PointerEvent(kind, { clientX: x, clientY: y, bubbles: true, pointerId: 1 }));
    send("pointerdown", left, top);
    send("pointermove", left + (dx * scale) / 2, top + (dy * scale) / 2);
    send("pointermove", left + dx * scale, top + dy * scale);
    send("pointerup", left + dx * scale, top + dy * scale);
    send("pointermove", left, top); // let go: this must move nothing
  }

  function point(node, shareX, shareY) {
    const { left, top, width, height } = node.getBoundingClientRect();
    const place = { clientX: left + shareX * width, clientY: top + shareY * height };
    node.dispatchEvent(new PointerEvent("pointerdown", { ...place, bubbles: true, pointerId: 1 }));
  }

  function slide(name, which, value) {
    const input = all(name, "input[type=range]")[which];
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function press(name, label) {
    all(name, "button")
      .find((button) => button.textContent === label)
      .click();
  }

  const said = {};
  const say = (name, ...words) => (said[name] = [...(said[name] || []), ...words]);

  const visits = {
    iou() {
      const [a, b] = all("iou", ".widget-body");
      say("iou", numbers("iou"));
      keys(b, "ArrowRight", 1, true);
      say("iou", numbers("iou"));
      drag(a, 10, 5);
      say("iou", numbers("iou"));
      keys(all("iou", ".widget-corner")[1], "ArrowUp", 4);
      say("iou", numbers("iou"));
      all("iou", "input[type=checkbox]")[0].click();
      say("iou", numbers("iou"));
    },
    "merge-tree"() {
      const canvas = all("merge-tree", "canvas")[0];
      slide("merge-tree", 0, 0);
      point(canvas, 0.1, 0.1);
      say("merge-tree", numbers("merge-tree"), all("merge-tree", ".widget-value").map(text));
      keys(canvas, "ArrowDown", 5);
      say("merge-tree", canvas.getAttribute("aria-valuetext"));
      slide("merge-tree", 0, 1e6);
      say("merge-tree", numbers("merge-tree"), all("merge-tree", ".widget-value").map(text));
    },
    crops() {
      const sample = () =>
        all("crops", "canvas").map((canvas) => [...canvas.getContext("2d").getImageData(113, 113, 1, 1).data]);
      say("crops", numbers("crops"), sample());
      press("crops", "0");
      keys(all("crops", ".widget-corner")[1], "ArrowLeft", 1, true);
      say("crops", numbers("crops"), sample());
    },
    "box-coding"() {
      say("box-coding", numbers("box-coding"));
      drag(all("box-coding", ".widget-body")[1], 10, 0);
      say("box-coding", numbers("box-coding"));
      slide("box-coding", 3, 0);
      say("box-coding", numbers("box-coding"));
    },
    "receptive-field"() {
      const ground = all("receptive-field", ".widget-ground")[0];
      point(ground, 0, 0);
      say("receptive-field", numbers("receptive-field"));
      keys(ground, "ArrowRight", 3);
      keys(ground, "ArrowUp", 3); // stays inside
      say("receptive-field", numbers("receptive-field"));
      const select = all("receptive-field", "select")[0];
      select.value = "tiny";
      select.dispatchEvent(new Event("change", { bubbles: true }));
      say("receptive-field", numbers("receptive-field"));
    },
    "roi-pooling"() {
      const tables = () => all("roi-pooling", ".widget-pooled td").map(text).join(" ");
      say("roi-pooling", numbers("roi-pooling"), tables());
      say("roi-pooling", all("roi-pooling", ".shared").length);
      all("roi-pooling", "input[type=checkbox]")[0].click();
      keys(all("roi-pooling", ".widget-corner")[1], "ArrowLeft", 12);
      keys(all("roi-pooling", ".widget-corner")[1], "ArrowUp", 12);
      say("roi-pooling", numbers("roi-pooling"), tables());
      keys(all("roi-pooling", ".widget-corner")[1], "ArrowLeft", 4);
      keys(all("roi-pooling", ".widget-corner")[1], "ArrowUp", 4);
      say("roi-pooling", numbers("roi-pooling"), tables());
      slide("roi-pooling", 0, 4);
      slide("roi-pooling", 1, 1);
      say("roi-pooling", numbers("roi-pooling"), tables());
    },
    nms() {
      say("nms", numbers("nms"), rows("nms"));
      press("nms", "from the start");
      say("nms", numbers("nms"), rows("nms").length);
      press("nms", "next step");
      say("nms", numbers("nms"));
      slide("nms", 0, 0.9);
      say("nms", rows("nms"));
    },
    "precision-recall"() {
      say("precision-recall", numbers("precision-recall"), rows("precision-recall"));
      slide("precision-recall", 0, 0.75);
      say("precision-recall", numbers("precision-recall"));
      keys(all("precision-recall", ".widget-body")[0], "ArrowRight", 30);
      say("precision-recall", numbers("precision-recall"), rows("precision-recall"));
    },
    "smooth-l1"() {
      say("smooth-l1", numbers("smooth-l1"));
      slide("smooth-l1", 0, -0.5);
      say("smooth-l1", numbers("smooth-l1"));
      slide("smooth-l1", 1, -2);
      say("smooth-l1", numbers("smooth-l1"));
    },
    anchors() {
      say("anchors", numbers("anchors"), rows("anchors"));
      keys(all("anchors", ".widget-body")[0], "ArrowRight", 1, true);
      say("anchors", numbers("anchors"), rows("anchors"));
      slide("anchors", 2, 8);
      slide("anchors", 0, 0);
      say("anchors", numbers("anchors"), rows("anchors")[8]);
    },
    "hard-negatives"() {
      say("hard-negatives", numbers("hard-negatives"));
      press("hard-negatives", "next step");
      say("hard-negatives", numbers("hard-negatives"));
      slide("hard-negatives", 0, 1e6);
      say("hard-negatives", numbers("hard-negatives"), rows("hard-negatives"));
      press("hard-negatives", "back");
      say("hard-negatives", numbers("hard-negatives"));
    },
  };

  /* What a reader without a mouse or without eyes needs. */
  function access() {
    const controls = [
      ...document.querySelectorAll(".widget :is(input, select, button, canvas[tabindex], [role=slider])"),
    ];
    const named = (node) =>
      node.getAttribute("aria-label") || node.textContent || node.labels?.[0]?.textContent;
    return {
      controls: controls.length,
      nameless: controls.filter((node) => !named(node)).map((node) => node.outerHTML.slice(0, 80)),
      unreachable: controls.filter((node) => node.tabIndex < 0).length,
      wide: document.documentElement.scrollWidth - innerWidth,
    };
  }

  addEventListener("load", () =>
    setTimeout(() => {
      for (const [name, visit] of Object.entries(visits).filter(([name]) => host(name))) {
        try {
          visit();
        } catch (error) {
          faults.push(`${name}: ${error.stack}`);
        }
      }
      const pre = document.createElement("pre");
      pre.id = "said";
      pre.textContent = JSON.stringify({ said, faults, access: access() });
      document.body.append(pre);
    }, 1000),
  );
})();
