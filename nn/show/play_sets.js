// The data of the page, and what is computed over all of it.
const PAINTED = "painted";

function pointText(x, y, target) {
  return `${x.toFixed(2)},${y.toFixed(2)},${number(target).replaceAll(MINUS, "-")}`;
}

class Data {
  constructor(host, data) {
    Object.assign(this, { host, data, playing: false, painting: false, brush: 0, picked: null, pinned: null, drawn: null, example: 0, paintedPoints: [], names: null });
    this.sets = new Map(data.sets.map((packed) => [packed.name, () => unpacked(packed)]));
    this.givenTheta = decoded(data.net.theta);
    this.link = data.likelihood.link;
    this.link_ = LINKS[this.link];
    this.known = data.likelihood.known;
    this.scoreName = data.likelihood.score;
    this.outcomeName = this.link ? "What the network says" : "The output";
    this.kind = data.likelihood.name;
  }

  // All data there are, each with what it is called: from Python, made here, painted, of a file.
  menu() {
    const all = new Map(Array.from(this.sets.keys(), (name) => [name, name]));
    if (!this.isFixed) for (const { kind, name } of this.makable()) if (!all.has(kind)) all.set(kind, name);
    if (this.settings.points || this.settings.set === PAINTED) all.set(PAINTED, "Painted points");
    if (this.table) all.set(this.fileName, this.fileName);
    return [...all];
  }

  makable() {
    return this.data.targets > 1 ? [] : MADE.filter(({ likelihoods }) => likelihoods.includes(this.kind));
  }

  // The data as the settings say, and a new start with it.
  sample() {
    this.pause();
    if (this.settings.set !== PAINTED) this.painting = false;
    // The seed of the page, not of the run: other weights train on the same data.
    const { settings, defaults: { seed } } = this, { set: name, held, noise, labels } = settings;
    const rng = new Random(seed + 1), classes = Math.max(2, this.data.classes);
    let points;
    if (this.sets.has(name)) points = this.sets.get(name)();
    else if (this.table && name === this.fileName) points = tableSet(this.table, { target: this.fileTarget, likelihood: this.kind, held, rng });
    else if (this.isFixed || (name !== PAINTED && !this.makable().some(({ kind }) => kind === name))) {
      settings.set = this.menu()[0][0];
      return this.sample();
    } else if (name === PAINTED) points = this.fromHand(classes);
    else points = { ...made(name, { n: settings.n, noise, seed, classes, likelihood: this.kind }), made: true };
    const isSplit = this.sets.has(name) ? held === this.defaults.held : name === this.fileName;
    if (!isSplit && points.n) points = heldOut(points, held, rng);
    if (noise && !points.made && points.n) points = noisy(points, noise, rng);
    if (labels && points.n) points = shuffledLabels(points, labels, rng);
    this.take(points);
  }

  take(points) {
    const before = this.points;
    points.picture ??= null;
    this.points = points;
    this.targetCount = this.data.targets;
    this.classCount = this.data.oneHot ? (points.classes.length || this.data.classes) : 0;
    this.outputs = this.isFixed || this.kind === "own" ? this.data.net.widths.at(-1) : this.data.oneHot ? this.classCount : this.targetCount;
    let low = Infinity, high = -Infinity;
    for (const v of points.y) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
    this.middle = points.n ? (low + high) / 2 : 0;
    this.half = points.n ? Math.max(1e-9, (high - low) / 2) : 1;
    this.meanName = this.link ? cut(points.classes[1] ?? `P(${points.target} = 1)`, 12) : cut(points.target || "a", 12);
    this.allData = { X: points.X, y: points.y, n: points.n, d0: points.d0, classes: this.classCount };
    this.trainData = this.part(points.train);
    this.heldData = this.part(points.held);
    this.renewed = !before || before.d0 !== points.d0 || before.features.join() !== points.features.join() || before.classes.join() !== points.classes.join();
    this.example = points.train[0] ?? 0;
    this.drawn = null;
    this.region.fresh();
    this.outcome.fresh();
    this.restart();
  }

  // Some rows, as data for the engine.
  part(rows) {
    const { X, y, d0 } = this.points, k = this.targetCount, part = { X: new Float64Array(rows.length * d0), y: new Float64Array(rows.length * k), n: rows.length, d0, classes: this.classCount };
    rows.forEach((e, at) => {
      part.X.set(X.subarray(e * d0, (e + 1) * d0), at * d0);
      part.y.set(y.subarray(e * k, (e + 1) * k), at * k);
    });
    return part;
  }

  // The rows 0, 1, ..., n - 1.
  range(n) {
    this.ranges ??= new Map();
    if (!this.ranges.has(n)) {
      if (this.ranges.size > 20) this.ranges.clear();
      this.ranges.set(n, Int32Array.from({ length: n }, (_, i) => i));
    }
    return this.ranges.get(n);
  }

  // So many of n rows at most, as far from each other.
  spread(n, most) {
    return Int32Array.from({ length: Math.min(n, most) }, (_, i) => Math.floor(i * n / Math.min(n, most)));
  }

  targets(e) {
    const { y } = this.points, k = this.targetCount;
    if (this.classCount) return Float64Array.from({ length: this.classCount }, (_, j) => (y[e] === j ? 1 : 0));
    return y.subarray(e * k, (e + 1) * k);
  }

  // The mean of y that the network gives for an example of its last pass.
  mean(net, e) {
    return this.link_(Float64Array.from({ length: net.widths[net.L] }, (_, k) => net.number("a", net.L, k, e)));
  }

  // Loss and score of all rows of data, and the outputs if asked for.
  evaluate(net, data, outputs = null) {
    const { n } = data, K = net.widths[net.L], at = outputs ?? new Float64Array(n * K);
    let total = 0;
    for (let from = 0; from < n; from += AT_ONCE) {
      const rows = Int32Array.from(this.range(Math.min(AT_ONCE, n - from)), (i) => i + from), losses = net.forward(data, rows);
      for (let e = 0; e < rows.length; e++) {
        total += losses[e];
        for (let k = 0; k < K; k++) at[(from + e) * K + k] = net.number("a", net.L, k, e);
      }
    }
    return { loss: total / n, score: n ? this.score(at, data.y, n, K) : null };
  }

  score(outputs, y, n, K) {
    if (this.scoreName === "accuracy") {
      let right = 0;
      for (let e = 0; e < n; e++) right += this.hits(outputs, y, e, K);
      return right / (this.classCount ? n : n * K);
    }
    if (this.scoreName !== "r2") return null;
    const means = new Float64Array(K);
    y.forEach((v, i) => { means[i % K] += v / n; });
    let residual = 0, whole = 0;
    y.forEach((v, i) => {
      residual += (outputs[i] - v) ** 2;
      whole += (v - means[i % K]) ** 2;
    });
    return whole ? 1 - residual / whole : Number(residual === 0);
  }

  // How much of an example is right: its class, or so many of its outputs.
  hits(outputs, y, e, K) {
    if (this.classCount) return Number(this.decide(outputs, e, K) === y[e]);
    let right = 0;
    for (let k = 0; k < K; k++) right += outputs[e * K + k] > 0 === y[e * K + k] > 0.5;
    return right;
  }

  decide(outputs, e, K = this.net.widths[this.net.L]) {
    if (K === 1) return outputs[e] > 0 ? 1 : 0;
    let best = 0;
    for (let k = 1; k < K; k++) if (outputs[e * K + k] > outputs[e * K + best]) best = k;
    return best;
  }

  // The outputs of all examples, and which of them are wrong.
  judge() {
    const { points, net, grid } = this, K = net.widths[net.L];
    if (!points.n) {
      this.wrong = this.outputs_ = null;
      return;
    }
    grid.theta.set(net.theta);
    this.outputs_ = new Float64Array(points.n * K);
    this.evaluate(grid, this.allData, this.outputs_);
    this.wrong = this.scoreName === "accuracy" && this.targetCount === 1 && (this.classCount || K === 1)
      ? Uint8Array.from({ length: points.n }, (_, e) => 1 - this.hits(this.outputs_, points.y, e, K)) : null;
  }

  // The gradient of the mean loss of some rows.
  gradientOf(net, data, rows) {
    const gradient = new Float64Array(net.size);
    for (let from = 0; from < rows.length; from += AT_ONCE) {
      const some = rows.subarray(from, from + AT_ONCE);
      net.backward(data, some);
      for (let i = 0; i < gradient.length; i++) gradient[i] += net.gradient[i] / rows.length;
    }
    return gradient;
  }

  // Whether the page computes what the engine recorded, said at its foot.
  agreement() {
    const { recorded } = this.data, { net } = this.run, [loss] = decoded(recorded.loss), gradient = decoded(recorded.gradient);
    const first = this.network(this.defaults), points = this.sets.get(this.defaults.set)();
    if (first.widths.join() !== this.data.net.widths.join()) return "";
    first.theta.set(this.givenTheta);
    const [here] = first.backward({ ...points, classes: this.classCount }, Int32Array.of(0));
    const apart = (x, y) => (x === y ? 0 : Math.abs(x - y) / Math.max(1, Math.abs(y)));
    let most = apart(here, loss);
    gradient.forEach((g, k) => { most = Math.max(most, apart(first.gradient[k * recorded.every], g)); });
    return `${net.size.toLocaleString("en")} parameters. The page computes with the recorded program; for the first example it agrees with the engine's loss and gradient to ${number(Math.max(most, 1e-16))}.`;
  }

  // The bytes of a file to take away: the weights, as .npz or JSON, or the points.
  file(kind) {
    const { trainData, heldData, targetCount } = this, state = stateOf(this.net);
    if (kind === "npz") return npz(state);
    if (kind === "json") return new TextEncoder().encode(JSON.stringify(Object.fromEntries(Object.entries(state).map(([key, { rows }]) => [key, rows]))));
    const arrays = (part, end) => ({ [`X${end}`]: { rows: [...part.X], shape: [part.n, part.d0] }, [`y${end}`]: { rows: [...part.y], shape: targetCount > 1 ? [part.n, targetCount] : [part.n] } });
    return npz({ ...arrays(trainData, ""), ...(heldData.n ? arrays(heldData, "_held") : {}) });
  }

  copy(text) {
    const done = () => this.say("Copied.");
    if (navigator.clipboard?.writeText) navigator.clipboard.writeText(text).then(done, () => this.say("Copy it by hand: this page may not write to the clipboard."));
    else this.say("Copy it by hand: this browser does not let pages write to the clipboard.");
  }

  // Whether a task's settings can be had here.
  allows({ set: name, hidden }) {
    const known = name === undefined || this.sets.has(name) || this.makable().some(({ kind }) => kind === name);
    return known && !this.isFixed && (!hidden || this.has(this.defaults.activation, hidden.length));
  }

  link_to(more = {}) {
    const text = written_({ ...this.settings, ...more }, this.defaults);
    return (this.data.ownPage ? location.href.split("#")[0] : "playground.html") + (text && `#${text}`);
  }
}
