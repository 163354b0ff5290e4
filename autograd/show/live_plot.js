// The slice: f against one leaf, all else held, with the tangent whose slope is the gradient.
class Plot {
  constructor(live) {
    this.live = live;
    this.probe = new Graph(live.graph.data);
    this.ranges = new Map();
    this.marks = () => [];
    this.axes = drawn("g", { class: "axes", "aria-hidden": "true" });
    this.curve = drawn("path", { class: "curve" });
    this.tangent = drawn("path", { class: "tangent" });
    this.extra = drawn("g", { class: "marks", "aria-hidden": "true" });
    this.dot = drawn("circle", { class: "dot", r: 8, role: "slider", tabindex: 0 });
    this.inside = drawn("g", { "clip-path": "url(#clip)" }, this.curve, this.tangent, this.extra, this.dot);
    this.window = drawn("rect");
    this.svg = drawn("svg", { class: "plot", role: "group" },
      drawn("clipPath", { id: "clip" }, this.window), this.axes, this.inside);
    on(this.dot, "keydown", (event) => live.key(event, this.leaf));
    on(this.svg, "pointerdown", (event) => this.drag(event));
    // Its size is asked for when it changes: in each frame, all would have to be laid out for that.
    new ResizeObserver(() => this.measure()).observe(this.svg);
  }

  measure() {
    this.size = [this.svg.clientWidth, this.svg.clientHeight];
    set(this.svg, { viewBox: `0 0 ${this.size.join(" ")}` }); // paper is narrower
    this.draw();
  }

  // Where the leaf is moved in the plot: a window that stays until the dot leaves it.
  range(leaf, x) {
    let range = this.ranges.get(leaf);
    if (!range) {
      const half = 1.5 * abs(x);
      range = { middle: 0, half: half >= 1e-9 && half < 1e300 ? half : 2 };
      range.middle = finite(x) ? x : 0;
      this.ranges.set(leaf, range);
    }
    if (!this.held && finite(x) && abs(x - range.middle) > 0.95 * range.half) {
      if (abs(x) > 1e3 * range.half && abs(x) < 1e300) range.half = 1.5 * abs(x);
      range.middle = x;
      range.low = undefined;
    }
    return range;
  }

  // Makes the window so wide that all of these places are in it.
  include(places) {
    const xs = places.filter(finite), low = min(...xs), high = max(...xs);
    const range = this.range(this.leaf, high), { middle, half } = range;
    if (low > middle - 0.95 * half && high < middle + 0.95 * half) return;
    Object.assign(range, { middle: (low + high) / 2, half: max(half, 0.6 * (high - low)), low: undefined });
  }

  zoom(by) {
    const range = this.range(this.leaf, this.live.graph.v[this.leaf]);
    const x = this.live.graph.v[this.leaf];
    range.half *= by;
    if (finite(x)) range.middle = x;
    range.low = undefined;
    this.draw();
  }

  // f at some places of the window, fewer of them for a long computation.
  sample(range) {
    const { live, leaf } = this, cost = live.graph.dependents(leaf).length;
    const count = max(40, min(200, Math.round(30000 / (1 + cost))));
    this.probe.v.set(live.graph.v);
    const points = [];
    for (let k = 0; k <= count; k++) {
      const x = range.middle + range.half * (2 * k / count - 1);
      points.push([x, live.graph.at(leaf, x, this.probe)]);
    }
    return points;
  }

  // From where to where f is shown: poles are cut off, and small changes leave it as it was.
  fit(range, points, f) {
    const ys = points.map(([, y]) => y).filter((y) => finite(y) && abs(y) < 1e300);
    ys.sort((a, b) => a - b);
    let low = ys.length ? ys[0] : -1, high = ys.length ? ys.at(-1) : 1;
    const a = ys[Math.floor(0.1 * ys.length)], b = ys[Math.floor(0.9 * ys.length)];
    if (b > a) {
      low = max(low, a - 2.5 * (b - a));
      high = min(high, b + 2.5 * (b - a));
    }
    if (finite(f) && abs(f) < 1e300) [low, high] = [min(low, f), max(high, f)];
    if (!(high - low > 1e-12 * max(abs(low), abs(high)))) {
      const room = abs(low) * 0.1 || 1;
      [low, high] = [low - room, high + room];
    }
    const span = high - low;
    const fits = range.low <= low && range.high >= high && span > 0.4 * (range.high - range.low);
    if (!fits) [range.low, range.high] = [low - 0.12 * span, high + 0.12 * span];
  }

  draw() {
    const { live, svg } = this, { graph } = live, { names } = graph.data, leaf = (this.leaf = live.leaf);
    const [width, height] = this.size ?? [0, 0];
    if (!width || leaf < 0) return;
    const [x, f, slope] = graph.point(leaf), name = names[leaf], root = names[graph.root];
    const range = this.range(leaf, x), points = this.sample(range);
    this.fit(range, points, f);
    const ys = ticks(range.low, range.high, 5), texts = written(ys);
    const box = { left: max(62, 8 + 8 * max(...texts.map((text) => text.length))), right: width - 14, top: 18, bottom: height - 40 };
    // What is far out of the window stays out of it: SVG has no numbers as large as floats.
    const [wide, far] = [3 * width, 3 * height];
    const px = (this.px = (x) => max(-wide, min(wide,
      box.left + (x - range.middle + range.half) / (2 * range.half) * (box.right - box.left))));
    const py = (y) => max(-far, min(far,
      box.bottom - (y - range.low) / (range.high - range.low) * (box.bottom - box.top)));
    this.unit = 2 * range.half / (box.right - box.left);
    const line = (list) => list.map(([a, b], k) => `${k ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    this.frame(box, px, py, range, name, root, [ys, texts]);

    let path = "", before = null;
    for (const [a, b] of points) {
      const y = b === b ? py(b) : null, cut = y === null || before === null || abs(y - before) > far;
      if (y !== null) path += `${cut ? "M" : "L"}${px(a).toFixed(1)} ${y.toFixed(1)}`;
      before = y;
    }
    set(this.curve, { d: path });
    const known = [x, f, slope].every(finite), steep = 3 * (range.high - range.low) / abs(slope);
    const reach = [range.middle - range.half, range.middle + range.half];
    const ends = [max(reach[0], x - steep), min(reach[1], x + steep)].map((a) => [px(a),
      box.bottom - (f + slope * (a - x) - range.low) / (range.high - range.low) * (box.bottom - box.top)]);
    set(this.tangent, { d: known && ends.every(([, y]) => abs(y) < 1e9) ? line(ends) : "" });
    this.extra.replaceChildren(...this.marks(px, py, this).filter(Boolean));
    const here = [x, f].every(finite);
    set(this.dot, { cx: here ? px(x) : px(finite(x) ? x : range.middle), cy: here ? py(f) : box.bottom });
    this.dot.classList.toggle("lost", !here);
    const said = `${name} = ${number(x)}, ${root} = ${number(f)}, slope ${number(slope)}`;
    set(this.dot, { "aria-label": `${name}, along the curve`, "aria-valuetext": said,
      "aria-valuemin": reach[0], "aria-valuemax": reach[1], "aria-valuenow": finite(x) ? x : reach[0] });
    set(svg, { "aria-label": `${root} against ${name}, with its tangent` });
  }

  // The axes with their numbers.
  frame(box, px, py, range, leaf, root, [ys, texts]) {
    const { window, axes } = this, { left, right, top, bottom } = box, parts = [];
    // Fewer numbers where they are long.
    const between = (count) => ticks(range.middle - range.half, range.middle + range.half, count);
    const letters = max(...written(between(7)).map((text) => text.length));
    const xs = between(max(1, min(7, (right - left) / (10 * letters)))), named = written(xs);
    set(window, { x: left, y: top, width: max(0, right - left), height: bottom - top });
    for (const [k, x] of xs.entries()) {
      const at = px(x), zero = x === 0 ? "grid zero" : "grid";
      parts.push(drawn("path", { class: zero, d: `M${at} ${top}V${bottom}` }),
        drawn("text", { x: at, y: bottom + 15, "text-anchor": "middle" }, named[k]));
    }
    for (const [k, y] of ys.entries()) {
      const at = py(y), zero = y === 0 ? "grid zero" : "grid";
      parts.push(drawn("path", { class: zero, d: `M${left} ${at}H${right}` }),
        drawn("text", { x: left - 7, y: at + 4, "text-anchor": "end" }, texts[k]));
    }
    parts.push(drawn("text", { class: "name", x: right, y: bottom + 32, "text-anchor": "end" }, leaf),
      drawn("text", { class: "name", x: left, y: top - 6 }, root));
    axes.replaceChildren(...parts);
  }

  drag(event) {
    const { live } = this;
    if (event.button !== 0 || !this.px) return;
    event.preventDefault();
    focus(this.dot);
    const from = this.svg.getBoundingClientRect().left;
    const { middle, half } = this.range(this.leaf, live.graph.v[this.leaf]), zero = this.px(middle - half);
    const move = ({ clientX }) => {
      const x = middle - half + (clientX - from - zero) * this.unit;
      live.set(this.leaf, live.rounded(x, this.unit));
    };
    this.held = true; // the window would move under the pointer
    move(event);
    follow(move, () => {
      this.held = false;
      this.draw();
    });
  }
}
