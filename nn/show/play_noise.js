// The noise of batches made visible: the next batch's gradient beside that of all examples, the sizes of
// error signals and gradients by layer, and the loss along the step.
const ALONG = 500, SEEN = 200; // examples, for the loss along the step and for the sizes of error signals

class NoisePanel extends Panel {
  build() {
    this.words = element("p", { class: "caption" });
    this.arrows = drawn("svg", { class: "arrows", viewBox: "0 0 220 200", role: "img", "aria-label": "Gradients" });
    this.slice = drawn("svg", { class: "slice", viewBox: "0 0 340 150", role: "img", "aria-label": "Loss along the step" });
    this.table = element("table", {});
    const wideTable = wide("Sizes by layer");
    wideTable.append(this.table);
    this.element.append(element("div", { class: "row figures" }, this.figure(this.arrows, "the batch's gradient, and the one of all examples (straight up)"), this.figure(this.slice, `how the loss changes against that gradient (at 1: the step of plain SGD): that of the batch (grey), of all (blue; of ${ALONG} of them, if there are more)`)), this.words, wideTable);
    this.note("Sizes that shrink from the last layer to the first, by the same factor a layer: that is how depth makes gradients vanish. Try four layers of sigmoid.");
  }

  figure(svg, text) {
    return element("figure", {}, svg, element("figcaption", {}, text));
  }

  update() {
    this.tick();
  }

  tick() {
    const { play } = this, { run, trainData } = play, { net } = run;
    if (!trainData.n) return;
    const probe = play.grid, rows = run.training.peek();
    probe.theta.set(net.theta);
    const all = play.gradientOf(probe, trainData, play.range(trainData.n)), norms = this.norms(probe, trainData);
    const batch = play.gradientOf(probe, trainData, rows);
    const [size, sizeAll] = [length(batch), length(all)], cosine = dotted(batch, all) / (size * sizeAll || 1);
    this.drawArrows(size, sizeAll, cosine);
    const b = rows.length, lr = run.rate(run.updates + 1), { n } = trainData;
    put(this.words, `The next batch, of ${b}: cosine ${number(cosine)} with the gradient of all ${n}; size ${number(size)} against ${number(sizeAll)}. `
      + `lr n / b = ${number(lr * n / b)}, the scale of the noise: SGD with this number behaves alike, whatever b is, as long as b is much smaller than n (Smith and Le 2018); with momentum m, lr counts as lr / (1 ${MINUS} m).`);
    this.drawSlice(probe, batch, rows, lr);
    if (NETWORK.layers) this.writeTable(norms, all, net);
  }

  // Of each layer, the root of the mean over the examples of |Delta|^2.
  norms(probe, data) {
    const { L, widths } = probe, rows = this.play.spread(data.n, SEEN), many = rows.length, norms = new Float64Array(L + 1);
    probe.backward(data, rows);
    for (let l = 1; l <= L; l++) {
      let total = 0;
      for (let j = 0; j < widths[l]; j++) for (let e = 0; e < many; e++) total += probe.number("delta", l, j, e) ** 2;
      norms[l] = Math.sqrt(total / many);
    }
    return norms;
  }

  writeTable(norms, all, net) {
    const head = ["layer", "|\u0394|, root mean square", "|dL/d\u03b8|", "|\u03b8|", "|dL/d\u03b8| / |\u03b8|"];
    const rows = [];
    for (let l = 1; l <= net.L; l++) {
      const g = [], theta = [];
      for (let j = 0; j < net.widths[l]; j++) {
        for (let i = 0; i < net.widths[l - 1]; i++) {
          g.push(all[net.weight(l, j, i)]);
          theta.push(net.theta[net.weight(l, j, i)]);
        }
      }
      rows.push([l, norms[l], length(g), length(theta), length(g) / length(theta)]);
    }
    const most = Math.max(...rows.map((row) => row[1]).filter(finite), 1e-300);
    this.table.replaceChildren(element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))), ...rows.map(([l, ...values]) =>
      element("tr", {}, element("th", { scope: "row" }, String(l)), ...values.map((v, k) => {
        const cell = element("td", {}, number(v));
        if (k === 0) cell.style.setProperty("--share", `${Math.max(0, 100 * (1 + Math.log10(v / most) / 5)).toFixed(0)}%`);
        return cell;
      }))));
  }

  drawArrows(size, sizeAll, cosine) {
    const unit = 90 / Math.max(size, sizeAll, 1e-300), angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
    const arrow = (length, turn, name) => {
      const x = 110 + length * unit * Math.sin(turn), y = 100 - length * unit * Math.cos(turn);
      return drawn("g", { class: name }, drawn("line", { x1: 110, y1: 100, x2: x.toFixed(1), y2: y.toFixed(1) }), drawn("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 4 }));
    };
    this.arrows.replaceChildren(arrow(sizeAll, 0, "true"), arrow(size, angle, "batch"));
    set(this.arrows, { "aria-label": `The batch's gradient is ${number(size / (sizeAll || 1))} times as long as the one of all examples, at an angle of ${(angle * 180 / Math.PI).toFixed(0)} degrees` });
  }

  // From one step back to three steps on, against the batch's gradient.
  drawSlice(probe, gradient, rows, lr) {
    const { play } = this, { trainData, run } = play, theta = Float64Array.from(run.net.theta), at = [], mine = [], whole = [];
    const some = play.spread(trainData.n, ALONG);
    for (let k = -4; k <= 12; k++) {
      const s = k / 4;
      for (let i = 0; i < theta.length; i++) probe.theta[i] = theta[i] - s * lr * gradient[i];
      at.push(s);
      mine.push(mean(probe.forward(trainData, rows)));
      whole.push(mean(probe.forward(trainData, some)));
    }
    probe.theta.set(theta);
    const changes = [mine, whole].map((values) => values.map((v) => v - values[4]));
    const known = changes.flat().filter(finite), low = Math.min(...known), high = Math.max(...known, low + 1e-12);
    const x = (s) => 10 + (s + 1) * 80, y = (v) => 120 - (Math.min(high, v) - low) / (high - low) * 108;
    const path = (values, name) => drawn("path", { class: name, d: values.map((v, i) => (finite(v) ? `${i && finite(values[i - 1]) ? "L" : "M"}${x(at[i]).toFixed(1)} ${y(v).toFixed(1)}` : "")).join("") });
    const words = (s, text) => drawn("text", { x: x(s), y: 142, "text-anchor": s < 3 ? "middle" : "end" }, text);
    this.slice.replaceChildren(drawn("path", { class: "grid", d: `M${x(0)} 5V125M${x(1)} 5V125M${x(-1)} ${y(0).toFixed(1)}H${x(3)}` }), words(0, "now"), words(1, "the step"), words(2, "twice"), words(3, "3 times"),
      path(changes[0], "batch"), path(changes[1], "true"));
    const better = whole[8] < whole[4] ? "falls" : "rises";
    set(this.slice, { "aria-label": `Along the step of this batch, the loss of all examples ${better} from ${number(whole[4])} to ${number(whole[8])}` });
  }
}

function length(v) {
  let total = 0;
  for (const x of v) total += x * x;
  return Math.sqrt(total);
}

function dotted(v, w) {
  let total = 0;
  for (let i = 0; i < v.length; i++) total += v[i] * w[i];
  return total;
}

function mean(v) {
  let total = 0;
  for (const x of v) total += x;
  return total / v.length;
}
