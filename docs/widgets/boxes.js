/* Boxes, x1, y1, x2, y2, half-open: what several widgets compute, as minircnn.textbook.boxes does. */
(function () {
  "use strict";

  /* Half away from zero for what is not negative, as Caffe rounds. */
  const round = (value) => Math.floor(value + 0.5);

  /* Return width × height of what two boxes share, each side longer by `extra`. */
  function intersection(a, b, extra = 0) {
    const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + extra;
    const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + extra;
    return width <= 0 || height <= 0 ? 0 : width * height;
  }

  const area = (box, extra = 0) => (box[2] - box[0] + extra) * (box[3] - box[1] + extra);

  /* Intersection over union; with `extra` 1 the numbers are pixels of which the last is included, as in VOC. */
  function iou(a, b, extra = 0) {
    const common = intersection(a, b, extra);
    return common === 0 ? 0 : common / (area(a, extra) + area(b, extra) - common);
  }

  const centreAndSize = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];

  /* tx, ty, tw, th from the proposal to the target. */
  function encode(proposal, target) {
    const [px, py, pw, ph] = centreAndSize(proposal);
    const [gx, gy, gw, gh] = centreAndSize(target);
    return [(gx - px) / pw, (gy - py) / ph, Math.log(gw / pw), Math.log(gh / ph)];
  }

  const MOST = Math.log(1000 / 16);

  /* The box that the offsets make of the proposal. */
  function decode(proposal, [tx, ty, tw, th]) {
    const [px, py, pw, ph] = centreAndSize(proposal);
    const [x, y] = [px + tx * pw, py + ty * ph];
    const [w, h] = [pw * Math.exp(Math.min(tw, MOST)), ph * Math.exp(Math.min(th, MOST))];
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
  }

  /* Which is best, second, ...: of equal scores the earlier one first. */
  function bestFirst(scores) {
    return scores.map((_, i) => i).sort((i, j) => scores[j] - scores[i]); // sort() is stable
  }

  const arithmetic = { round, intersection, area, iou, encode, decode, bestFirst };
  if (typeof module === "object") module.exports = arithmetic;
  else minircnnWidgets.arithmetic.boxes = arithmetic;
})();
