/* Hard negative mining in two dimensions, photo by photo. */
(function () {
  "use strict";

  const score = ({ weight, intercept }, [x, y]) => weight[0] * x + weight[1] * y + intercept;

  /* Follow the cache through the rounds, each { photo, svm } with svm null where nothing was trained after that
     photo: which negatives are added by the SVM so far, which are dropped after the training, what stays. */
  function replay(negatives, photos, rounds, hardAbove, evictBelow) {
    let svm = { weight: [0, 0], intercept: 0 }; // every score is 0, so the first photo gives all its negatives
    let cache = [];
    return rounds.map((round) => {
      const before = svm;
      const own = negatives.map((_, i) => i).filter((i) => photos[i] === round.photo);
      const added = own.filter((i) => score(before, negatives[i]) > hardAbove);
      const trainedOn = [...cache, ...added];
      svm = round.svm || svm;
      const evicted = round.svm ? trainedOn.filter((i) => score(svm, negatives[i]) < evictBelow) : [];
      cache = trainedOn.filter((i) => !evicted.includes(i));
      return {
        photo: round.photo,
        before,
        svm,
        own,
        added,
        trainedOn,
        evicted,
        cache,
        trained: Boolean(round.svm),
      };
    });
  }

  /* The line on which the score is `level`, as two points within x from `low` to `high`, or y if it is steep. */
  function levelLine({ weight: [a, b], intercept }, level, low, high) {
    if (a === 0 && b === 0) return null;
    const c = level - intercept;
    return Math.abs(b) >= Math.abs(a)
      ? [low, high].map((x) => [x, (c - a * x) / b])
      : [low, high].map((y) => [(c - b * y) / a, y]);
  }

  const arithmetic = { score, replay, levelLine };
  if (typeof module === "object") {
    module.exports = arithmetic;
    return;
  }
  const ui = minircnnWidgets;
  let clips = 0;

  ui.define("hard-negatives", arithmetic, (host, data) => {
    const { positives, negatives, photos, hardAbove, evictBelow, reach } = data;
    const rounds = replay(negatives, photos, data.rounds, hardAbove, evictBelow);
    const ticks = [-reach, 0, reach];
    const plot = ui.plot("Features in two dimensions, with the SVM's line and margins", {
      xs: [-reach, reach],
      ys: [-reach, reach],
      xTicks: ticks,
      yTicks: ticks,
      xLabel: "feature 1",
      yLabel: "feature 2",
      width: 420,
      height: 400,
    });
    const id = `widget-clip-${++clips}`;
    const frame = ui.shape("rect");
    ui.place(frame, [plot.left, plot.top, plot.right, plot.bottom]);
    plot.svg.append(ui.shape("clipPath", { id }, frame));
    const lines = [1, 0, -1].map((level) =>
      ui.shape("path", { class: `widget-level${level === 0 ? " middle" : ""}`, "clip-path": `url(#${id})` }),
    );
    const dots = negatives.map(([x, y]) => ui.shape("circle", { cx: plot.x(x), cy: plot.y(y), r: 4.5 }));
    const pluses = positives.map(([x, y]) =>
      ui.shape("path", { class: "widget-positive", d: `M${plot.x(x) - 6} ${plot.y(y)}h12m-6 -6v12` }),
    );
    plot.svg.append(...lines, ...dots, ...pluses);
    const forward = ui.button("next step", () => go(step + 1));
    const back = ui.button("back", () => go(step - 1));
    const at = ui.slider(
      "step",
      {
        min: 0,
        max: 2 * rounds.length - 1,
        step: 1,
        value: 0,
        format: (v) => `${v + 1} of ${2 * rounds.length}`,
      },
      go,
    );
    const numbers = ui.numbers();
    const table = ui.table("Photo by photo", ["photo", "negatives", "added", "trained on", "dropped", "cache"]);
    let step = 0;

    /* Each photo is two steps: its hard negatives come in, then the SVM is trained and the easy ones go. */
    function go(next) {
      step = ui.clamp(next, 0, 2 * rounds.length - 1);
      at.set(step);
      const [round, second] = [rounds[step >> 1], step % 2 === 1];
      const svm = second ? round.svm : round.before;
      lines.forEach((line, i) => {
        const ends = levelLine(svm, 1 - i, -reach, reach);
        line.setAttribute("d", ends ? ui.path(ends.map(([x, y]) => [plot.x(x), plot.y(y)])) : "");
      });
      dots.forEach((dot, i) => dot.setAttribute("class", `widget-negative ${stateOf(i, round, second)}`));
      table.show(rounds.slice(0, (step >> 1) + 1).map(describe));
      numbers.textContent = second ? afterText(round, evictBelow) : beforeText(round, hardAbove);
      ui.setAttributes(forward, { disabled: step === 2 * rounds.length - 1 });
      ui.setAttributes(back, { disabled: step === 0 });
    }

    function stateOf(i, round, second) {
      if (photos[i] > round.photo) return "unseen";
      if (second && round.evicted.includes(i)) return "evicted";
      if (!second && round.added.includes(i)) return "added";
      return (second ? round.cache : round.trainedOn).includes(i) ? "cached" : "easy";
    }

    function describe(round, i) {
      const known = i < step >> 1 || step % 2 === 1;
      const rest = known ? [round.evicted.length, round.cache.length] : ["", ""];
      const trainedOn = round.trained ? round.trainedOn.length : "–";
      const name = round.own.length ? round.photo + 1 : "end";
      const cells = [name, round.own.length, round.added.length, trainedOn, ...rest];
      return { cells: cells.map(String), className: i === step >> 1 ? "current" : "" };
    }

    const legend = ui.element(
      "p",
      { class: "widget-legend" },
      ...[
        ["positive", "+ positive"],
        ["added", "added now"],
        ["cached", "in the cache"],
        ["evicted", "dropped now"],
        ["easy", "easy, not kept"],
        ["unseen", "not seen yet"],
      ].map(([name, text]) => ui.element("span", { class: `widget-key ${name}` }, text)),
    );
    host.append(ui.row(back, forward), at.node, ui.columns(plot.svg, ui.part(legend, table.node)), numbers);
    go(0);
  });

  function beforeText({ photo, own, added, before }, hardAbove) {
    if (!own.length) return "All photos are seen. The SVM is trained once more, on what the cache holds.";
    const rule = before.weight.some((w) => w)
      ? `score above ${ui.number(hardAbove, 4)}`
      : "no SVM yet, so all of them";
    return `Photo ${photo + 1} has ${own.length} negatives. Hard (${rule}): ${added.length}, which join the cache.`;
  }

  function afterText({ trained, trainedOn, evicted, cache }, evictBelow) {
    if (!trained) return `Too few new ones: the SVM stays, and the cache holds ${cache.length}.`;
    return (
      `Trained on ${trainedOn.length} negatives; ${evicted.length} of them score below ${ui.number(evictBelow, 1)} now and are dropped, ` +
      `${cache.length} stay in the cache.`
    );
  }
})();
