// Networks and their training, on the programs, first weights and optimizers that Python printed:
// PROGRAMS, VARIANCES, RULES and NETWORK (see programs.py).
const KEPT = 4; // sizes of batches whose arrays are kept

class Net {
  // A network whose parameters are 0. Of hidden layers with different activations these are named
  // one after another, as in "tanh, relu".
  constructor(widths, activation) {
    const made = (PROGRAMS[activation] || [])[NETWORK.layers ? widths.length - 2 : 0];
    if (!made) throw new Error(`There is no program for ${widths.length - 2} hidden layers of ${activation}.`);
    Object.assign(this, { widths: Array.from(widths), activation, L: widths.length - 1 });
    this.hasBias = NETWORK.bias;
    this.program = made(this.widths);
    this.size = this.program.size;
    this.theta = new Float64Array(this.size);
    this.gradient = new Float64Array(this.size);
    this.step = new Float64Array(this.size); // room for optimizers
    this.starts = [0, 0]; // of layers, among the parameters
    for (let l = 1; l < this.L; l++) this.starts.push(this.starts[l] + this.widths[l] * this.across(l));
    this.rooms = new Map();
    this.last = null;
  }

  // How many parameters a unit of layer l has.
  across(l) {
    return this.widths[l - 1] + (this.hasBias ? 1 : 0);
  }

  weight(l, j, i) {
    return NETWORK.layers ? this.starts[l] + j * this.across(l) + i : -1;
  }

  bias(l, j) {
    return NETWORK.layers && this.hasBias ? this.starts[l] + j * this.across(l) + this.widths[l - 1] : -1;
  }

  // First weights, as MLP(..., rng=np.random.default_rng(seed)) has them.
  start(seed) {
    const random = new Random(seed), names = this.activation.split(", ");
    this.theta.fill(0);
    for (let l = 1; l <= this.L; l++) {
      const name = l === this.L ? "linear" : names[Math.min(l, names.length) - 1];
      const variance = NETWORK.layers ? VARIANCES[name] : undefined;
      if (!variance) throw new Error(`Weights for ${name} can't be drawn here.`);
      const scale = Math.sqrt(variance(this.widths[l - 1], this.widths[l]));
      for (let j = 0; j < this.widths[l]; j++) {
        for (let i = 0; i < this.widths[l - 1]; i++) this.theta[this.weight(l, j, i)] = scale * random.normal();
      }
    }
    return this;
  }

  // The arrays for b examples.
  room(b) {
    let found = this.rooms.get(b);
    if (!found) {
      const { theta, gradient, step, program } = this;
      found = { b, m: { ...program.memory(b), theta, gradient, step }, places: program.places(b) };
      if (this.rooms.size >= KEPT) this.rooms.delete(this.rooms.keys().next().value);
      this.rooms.set(b, found);
    }
    return found;
  }

  run(pass, data, rows) {
    const room = this.room(rows.length), { m } = room;
    m.X = data.X;
    m.y = data.y;
    m.rows = rows instanceof Int32Array ? rows : Int32Array.from(rows);
    pass(rows.length, m);
    this.last = room;
    return m.out;
  }

  // The losses of some examples.
  forward(data, rows) {
    return this.run(this.program.forward, data, rows);
  }

  // The same, and this.gradient: the gradient of their sum.
  backward(data, rows) {
    return this.run(this.program.backward, data, rows);
  }

  // Of the e-th example of the last pass: "a", "x" or "delta" of unit j of layer l. Where there is
  // no x, it is a.
  number(name, l, j, e) {
    const { places, m } = this.last;
    if (l === 0) return m.X[m.rows[e] * this.widths[0] + j];
    const place = places[name + l] || (name === "x" && places[`a${l}`]);
    return place ? m[place[0]][place[1] + j * place[2] + e * place[3]] : NaN;
  }

  copy() {
    const other = new Net(this.widths, this.activation);
    other.theta.set(this.theta);
    return other;
  }
}

// The program of a loss, with that of loss and outputs beside it: for a network whose layers are not
// known, so that only these can be seen.
function withOutputs(loss, all) {
  const see = (b, m) => {
    const { X, y, rows, theta } = m;
    Object.assign(m.all, { X, y, rows, theta });
    all.forward(b, m.all);
    m.outputs = m.all.out;
  };
  const both = (pass) => (b, m) => {
    pass(b, m);
    see(b, m);
  };
  return { ...loss, memory: (b) => ({ ...loss.memory(b), all: all.memory(b) }),
    forward: both(loss.forward), backward: both(loss.backward), places: (b) => ({ a1: ["outputs", b, b, 1] }) };
}

const copied = (arrays) => Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));

// A training as `fit` makes it.
class Training {
  constructor(net, data, { seed, size, rate, optimizer = "sgd", settings = {} }) {
    const rule = RULES[optimizer];
    if (!rule) throw new Error(`There is no optimizer ${optimizer}.`);
    Object.assign(this, { net, data, size, rateAt: rate, rule, optimizer });
    this.settings = { ...rule.settings, ...settings };
    this.random = new Random(seed);
    [this.state, this.next] = [rule.start(net.size), rule.start(net.size)];
    Object.assign(this, { updates: 0, epoch: 0, evaluations: 0, losses: [], rate: 0, b: 0 });
    this.rows = new Int32Array(0);
    this.diverged = null;
    this.coming = { epoch: 0, b: 1, order: this.rows, at: 0 }; // where the next batch comes from
  }

  // Another rate, size or setting from the next update on; another size from the next epoch on.
  change({ rate = this.rateAt, size = this.size, settings = {} }) {
    Object.assign(this, { rateAt: rate, size });
    Object.assign(this.settings, settings);
  }

  sizeIn(epoch) {
    return Math.max(1, Math.min(this.data.n, Math.round(this.size(epoch))));
  }

  // Updates to the end of the epoch; those of the next one, if none are left.
  get left() {
    const { epoch, b, order, at } = this.coming;
    return Math.floor((order.length - at) / b) || Math.floor(this.data.n / this.sizeIn(epoch + 1));
  }

  // Whether the last epoch has not ended, or none has begun.
  get isMidway() {
    const { b, order, at } = this.coming;
    return at + b <= order.length || !this.updates;
  }

  batch() {
    let { epoch, b, order, at } = this.coming;
    if (at + b > order.length) {
      const { n } = this.data;
      epoch++;
      b = this.sizeIn(epoch);
      [order, at] = [this.random.permutation(n), 0];
      this.coming = { epoch, b, order, at };
    }
    return order.subarray(at, at + b);
  }

  // The next batch, which is still to be drawn.
  peek() {
    const { coming, random } = this, { state } = random, rows = this.batch();
    this.coming = coming;
    random.state = state;
    return rows;
  }

  // One update. False, and no parameter is changed, if a loss or the step is not finite.
  update() {
    const { net } = this, rows = this.batch(), { epoch, b } = this.coming;
    const losses = net.backward(this.data, rows), rate = this.rateAt(this.updates + 1);
    let loss = 0;
    for (let e = 0; e < b; e++) loss += losses[e];
    loss /= b;
    const isFinite = Number.isFinite(loss) || losses.every(Number.isFinite);
    if (!isFinite || !this.rule.step(net.last.m, rate, b, this.settings, this.state, this.next)) {
      this.diverged = { update: this.updates + 1, loss };
      return false;
    }
    [this.state, this.next] = [this.next, this.state];
    this.coming = { ...this.coming, at: this.coming.at + b };
    this.losses.push(loss);
    this.updates++;
    this.evaluations += b;
    Object.assign(this, { epoch, b, rate, rows, diverged: null });
    return true;
  }

  // All that an update changes or depends on.
  snapshot() {
    const { updates, epoch, evaluations, rate, b, rows, diverged, coming, size, rateAt } = this;
    return { updates, epoch, evaluations, rate, b, rows, diverged, coming, size, rateAt,
      losses: this.losses.slice(), settings: { ...this.settings }, random: this.random.state,
      theta: this.net.theta.slice(), gradient: this.net.gradient.slice(), state: copied(this.state) };
  }

  // Back to a snapshot, which can be used again.
  restore(snapshot) {
    const { theta, gradient, state, losses, settings, random, ...others } = snapshot;
    Object.assign(this, others, { losses: losses.slice(), settings: { ...settings }, state: copied(state) });
    this.random.state = random;
    this.net.theta.set(theta);
    this.net.gradient.set(gradient);
  }
}
