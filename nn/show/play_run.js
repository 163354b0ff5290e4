// One training in the page, with what has been seen of it: losses of all examples, rate and b.
const SCHEDULES = {
  constant: { said: "the same always", rate: (lr) => () => lr, python: (lr) => lr },
  halved: { said: "halved, again and again", rate: (lr, k) => (t) => lr * 0.5 ** Math.floor((t - 1) / k), python: (lr, k) => `step_decay(${lr}, 0.5, every=${k})` },
  inverse: { said: "falls as 1/t", rate: (lr, k) => (t) => lr * k / (k + t - 1), python: (lr, k) => `inverse_time(${lr}, t0=${k})` },
  cosine: { said: "half a cosine, to 0", rate: (lr, k) => (t) => lr * (1 + Math.cos(Math.PI * Math.min((t - 1) / Math.max(k - 1, 1), 1))) / 2, python: (lr, k) => `cosine(${lr}, updates=${k})` },
};

const MOST_BANDS = 4096, KEPT_LOSSES = 20000;

class Run {
  constructor(play, settings) {
    this.play = play;
    this.settings = settings;
    this.net = play.network(settings);
    this.start();
  }

  start() {
    const { play, settings } = this;
    this.data = play.trainData;
    this.training = new Training(this.net, this.data, { ...this.options(), seed: settings.seed });
    this.begin = this.training.snapshot();
    this.first = Float64Array.from(this.net.theta);
    this.clear();
  }

  clear() {
    this.looks = [];
    this.bands = { every: 1, low: [], high: [] }; // losses of batches, so many updates together
    this.marks = [{ update: 0, lr: this.rate(1), b: this.size(1) }];
    this.steps = [[0, 0, 0]]; // update, epochs and examples so far, where b changes
    this.look();
  }

  options() {
    const { lr, schedule, every, b, grow, period, optimizer, momentum } = this.settings, { n } = this.play.trainData;
    const rate = SCHEDULES[schedule].rate(lr, every);
    const size = grow > 1 ? (epoch) => Math.min(n, halfToEven(b * grow ** Math.min(60, Math.floor((epoch - 1) / period)))) : () => Math.min(n, b);
    this.rate = rate;
    this.size = size;
    const { settings } = RULES[optimizer];
    return { rate, size, optimizer, settings: "momentum" in settings ? { ...settings, momentum } : settings };
  }

  // Other settings from now on, those that need no new start.
  change() {
    this.training.change(this.options());
    this.changed ||= this.updates > 0;
    this.mark();
  }

  get updates() {
    return this.training.updates;
  }

  get hasHeld() {
    return this.play.heldData.n > 0;
  }

  update() {
    const { training } = this, b = training.b;
    if (!training.update()) return false;
    if (b !== training.b && b) this.steps.push([this.updates - 1, this.timeOf(this.updates - 1, b)[1], training.evaluations - training.b]);
    this.keep(training.losses.at(-1));
    const last = this.marks.at(-1);
    if (last.b !== training.b || last.lr !== training.rate) this.mark();
    return true;
  }

  // The loss of the update made last: a long run keeps the least and the largest of some together.
  keep(loss) {
    const { bands, training } = this, { low, high } = bands, k = Math.floor((this.updates - 1) / bands.every);
    low[k] = Math.min(low[k] ?? loss, loss);
    high[k] = Math.max(high[k] ?? loss, loss);
    if (low.length >= MOST_BANDS) {
      const halved = (values, of) => Array.from({ length: values.length / 2 }, (_, i) => of(values[2 * i], values[2 * i + 1]));
      this.bands = { every: 2 * bands.every, low: halved(low, Math.min), high: halved(high, Math.max) };
    }
    if (training.losses.length > KEPT_LOSSES) training.losses.splice(0, KEPT_LOSSES / 2);
  }

  mark() {
    const { training } = this;
    const mark = { update: this.updates, lr: training.rate || this.rate(1), b: training.b || this.size(1) };
    if (this.marks.at(-1).update === mark.update) this.marks.pop();
    this.marks.push(mark);
    if (this.marks.length > 2000) this.marks = this.marks.filter((_, k) => k % 2 === 0);
  }

  // Updates, epochs and examples after so many updates; the last batches were of size `last`.
  timeOf(update, last = this.training.b || this.size(1)) {
    let [from, epochs, seen] = this.steps[0], b = last;
    for (let k = 0; k < this.steps.length; k++) {
      if (this.steps[k][0] > update) break;
      [from, epochs, seen] = this.steps[k];
      const next = this.steps[k + 1];
      b = next ? (next[2] - seen) / (next[0] - from) : last;
    }
    const perEpoch = Math.max(1, Math.floor(this.data.n / b));
    return [update, epochs + (update - from) / perEpoch, seen + (update - from) * b];
  }

  time(update, unit) {
    return this.timeOf(update)[UNITS[unit]];
  }

  // The losses of all examples now.
  look() {
    const { play, updates } = this;
    if (this.looks.at(-1)?.update === updates) return this.looks.at(-1);
    const train = play.evaluate(this.net, play.trainData), held = this.hasHeld ? play.evaluate(this.net, play.heldData) : null;
    const look = { update: updates, loss: train.loss, score: train.score, held: held?.loss ?? null, heldScore: held?.score ?? null };
    this.looks.push(look);
    if (this.looks.length > 1200) this.looks = this.looks.filter((_, k) => k % 2 === 0 || k === this.looks.length - 1);
    return look;
  }

  rewind() {
    this.training.restore(this.begin);
    this.training.change(this.options());
    this.changed = false;
    this.clear();
  }

  // The largest rate with which this many updates stay finite and the loss does not rise; found by
  // trying, from the start; null if there is none.
  stable(updates) {
    const { settings, play } = this, many = Math.min(400, Math.max(60, updates));
    const holds = (lr) => {
      const net = play.network(settings);
      net.theta.set(this.first);
      const options = { ...this.options(), rate: SCHEDULES[settings.schedule].rate(lr, settings.every) };
      const trial = new Training(net, this.data, { ...options, seed: settings.seed });
      for (let k = 0; k < many; k++) if (!trial.update()) return false;
      return play.evaluate(net, play.trainData).loss <= this.looks[0].loss;
    };
    let low = settings.lr / 2, high = settings.lr;
    for (let k = 0; !holds(low); k++) {
      if (k === 12) return null;
      [low, high] = [low / 2, low];
    }
    for (let k = 0; k < 3; k++) {
      const middle = Math.sqrt(low * high);
      if (holds(middle)) low = middle;
      else high = middle;
    }
    return Number(low.toPrecision(2));
  }
}
