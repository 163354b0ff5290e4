// The course of the losses: each update's, and those of all examples; below, the rate and b.
const UNITS = { updates: 0, epochs: 1, evaluations: 2 };
const HEIGHT = 210, LEFT = 52, RIGHT = 60, STRIP = 40;

class Curves {
  constructor(play) {
    this.play = play;
    this.canvas = element("canvas", { class: "curves", role: "img" });
    this.caption = element("p", { class: "legend" });
    this.element = element("div", { class: "course" }, this.canvas, this.caption);
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  resize() {
    const width = this.element.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.scale = Math.min(2, devicePixelRatio || 1);
    Object.assign(this.canvas, { width: width * this.scale, height: HEIGHT * this.scale });
    this.canvas.style.height = `${HEIGHT}px`;
    this.draw();
  }

  // What stands along the time axis: updates, epochs or examples seen.
  get unit() {
    return this.play.settings.axis;
  }

  draw() {
    if (!this.width) return;
    const { play, scale, width } = this, context = this.canvas.getContext("2d"), { colours } = play;
    const runs = play.runs, unit = this.unit, end = Math.max(...runs.map((run) => run.time(run.updates, unit)), this.least());
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    Object.assign(context, { font: "12px system-ui, sans-serif", lineJoin: "round" });
    const bottom = HEIGHT - STRIP - 18, right = width - RIGHT, x = (t) => LEFT + t / end * (right - LEFT);
    const [low, high] = this.heights(runs), y = (v) => 8 + (Math.log10(high) - Math.log10(Math.min(high, Math.max(low, v)))) / (Math.log10(high) - Math.log10(low)) * (bottom - 8);
    this.axes(context, colours, x, y, low, high, end, bottom, right);
    runs.forEach((run, k) => {
      const old = k > 0 ? 0.45 : 1;
      context.globalAlpha = (play.settings.noise_shown ? 0.55 : 0) * old;
      this.batches(context, run, x, y, k ? colours.css("--soft") : colours.css("--edge"));
      context.globalAlpha = old;
      this.line(context, run.looks.map(({ update, loss }) => [x(run.time(update, unit)), y(loss)]), k ? colours.css("--minus") : colours.css("--plus"), 2.2, k ? [5, 3] : []);
      if (run.hasHeld) this.line(context, run.looks.map(({ update, held }) => [x(run.time(update, unit)), y(held)]), colours.css("--on"), 1.6, k ? [5, 3] : [2, 2]);
    });
    context.globalAlpha = 1;
    this.strip(context, runs[0], x, colours, bottom);
    const { goal } = play.task;
    if (goal?.loss) this.line(context, [[LEFT, y(goal.loss)], [right, y(goal.loss)]], colours.css("--ink"), 1, [8, 4]);
    this.say(runs);
  }

  // The axis shows some time ahead, so that it need not be drawn anew with every update.
  least() {
    const { training, size } = this.play.runs[0];
    return { updates: 50, epochs: 2, evaluations: 50 * (training?.b || size(1)) }[this.unit];
  }

  heights(runs) {
    let low = Infinity, high = 0;
    for (const run of runs) {
      for (const { loss, held } of run.looks) {
        for (const v of [loss, held]) {
          if (!(v > 0) || !finite(v)) continue;
          low = Math.min(low, v);
          high = Math.max(high, v);
        }
      }
    }
    if (!(high > 0)) return [0.1, 1];
    const some = this.play.settings.noise_shown ? runs[0].bands.low.filter((v) => v > 0).sort((a, b) => a - b) : [];
    if (some.length > 20) low = Math.min(low, some[Math.floor(some.length / 20)]);
    return [Math.max(low / 1.6, high * 1e-6), high * 1.6];
  }

  axes(context, colours, x, y, low, high, end, bottom, right) {
    context.strokeStyle = colours.css("--faint");
    context.fillStyle = colours.css("--soft");
    context.textAlign = "right";
    const decades = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
      for (const k of [1, 2, 5]) if (k * 10 ** e >= low && k * 10 ** e <= high) decades.push(Number(`${k}e${e}`));
    }
    const few = Math.ceil(decades.length / 6);
    decades.forEach((v, i) => {
      if (i % few) return;
      context.beginPath();
      context.moveTo(LEFT, y(v));
      context.lineTo(right, y(v));
      context.stroke();
      context.fillText(number(v), LEFT - 6, y(v) + 4);
    });
    context.textAlign = "center";
    for (const t of ticks(0, end, Math.max(2, Math.min(16, Math.floor((right - LEFT) / 110))))) if (t > 0 && x(t) < right - 20) context.fillText(t.toLocaleString("en"), x(t), HEIGHT - 4);
    context.textAlign = "left";
    context.fillText(this.unit, 2, HEIGHT - 4);
  }

  line(context, points, style, width, dash) {
    context.beginPath();
    for (const [x, y] of points) if (finite(y)) context.lineTo(x, y);
    Object.assign(context, { strokeStyle: style, lineWidth: width });
    context.setLineDash(dash);
    context.stroke();
    context.setLineDash([]);
  }

  // The losses of batches: per column of the canvas, from the least to the largest.
  batches(context, run, x, y, style) {
    const { every, low, high } = run.bands, columns = new Map();
    low.forEach((least, k) => {
      const at = Math.round(x(run.time(Math.min(run.updates, (k + 1) * every), this.unit))), seen = columns.get(at) ?? [Infinity, 0];
      columns.set(at, [Math.min(seen[0], least), Math.max(seen[1], high[k])]);
    });
    context.fillStyle = style;
    for (const [at, [least, most]] of columns) {
      const top = y(most), size = y(least) - top;
      context.fillRect(at, top, 1.2, Math.max(1.5, size));
    }
  }

  // Along the time axis: the rate and the size of the batches.
  strip(context, run, x, colours, bottom) {
    const { unit } = this, top = bottom + 16, { marks } = run, last = run.time(run.updates, unit);
    for (const [k, name, style] of [[0, "lr", "--plus"], [1, "b", "--minus"]]) {
      const row = top + k * (STRIP / 2) - 4, values = marks.map((mark) => mark[name]).filter((v) => v > 0);
      if (!values.length) continue;
      const most = Math.max(...values), least = Math.min(...values);
      const up = (v) => row + 5 - (most > least ? (Math.log(v / least) / Math.log(most / least) - 0.5) * 8 : 0);
      const points = [];
      for (const mark of marks) {
        const at = x(run.time(mark.update, unit));
        if (points.length) points.push([at, points.at(-1)[1]]);
        points.push([at, up(mark[name])]);
      }
      points.push([x(last), points.at(-1)[1]]);
      this.line(context, points, colours.css(style), 1.6, []);
      context.fillStyle = colours.css("--soft");
      context.textAlign = "right";
      context.fillText(name, LEFT - 6, row + 9);
      context.textAlign = "left";
      context.fillText(number(marks.at(-1)[name]), x(last) + 5, row + 9);
    }
  }

  say([run]) {
    const look = run.looks.at(-1), held = run.hasHeld ? ", dotted: examples held out" : "";
    const pinned = this.play.runs.length > 1 ? "; dashed: the pinned run" : "";
    put(this.caption, `Loss (log scale): grey: each batch; line: all training examples${held}${pinned}. Below: rate and batch size.`);
    const aside = run.hasHeld ? `, ${number(look?.held)} on those held out` : "";
    set(this.canvas, { "aria-label": `Loss after ${run.updates} updates: ${number(look?.loss)} on all training examples${aside}.` });
  }
}
