// What is seen, and what is done to it by hand: losses, numbers, regions; the chosen example and unit.
class Looking extends Brought {
  // Everything, at rest.
  look() {
    if (!this.run) return;
    this.numbers();
    this.regions(COARSE);
    if (!this.playing) {
      if (this.region.isFlat) this.region.compute(FINE);
      this.region.draw();
    }
    this.panels[this.tab]?.tick();
  }

  // The numbers: losses, the chosen example, the curve.
  numbers() {
    const { run } = this;
    if (!this.trainData.n) return this.empty();
    const look = run.look();
    for (const other of this.runs.slice(1)) other.look();
    this.sendThrough();
    this.picture.write();
    this.detail.write();
    this.curves.draw();
    const score = this.scored(look.score), held = look.held === null ? "" : `; held out ${number(look.held)}${this.scored(look.heldScore)}`;
    const epochs = run.time(run.updates, "epochs");
    put(this.status, `update ${run.updates.toLocaleString("en")}, epoch ${epochs < 10 ? number(Number(epochs.toFixed(1))) : Math.floor(epochs).toLocaleString("en")}: loss ${number(look.loss)}${score}${held}`);
    this.task.check(look);
  }

  scored(v) {
    if (!this.scoreName || v === null) return "";
    return this.scoreName === "accuracy" ? `, ${(100 * v).toFixed(1)}% right` : `, R\u00b2 ${number(v)}`;
  }

  empty() {
    put(this.status, "no points yet: paint some, or choose other data");
    this.region.draw();
  }

  regions(size) {
    if (this.region.isFlat) this.region.compute(size);
    this.judge();
    this.picture.regions(this.region);
    this.region.draw();
    this.outcome.draw(this.outputs_);
  }

  draw() {
    this.region.draw();
    this.curves.draw();
  }

  // The chosen example goes through the network, forward and back.
  sendThrough() {
    const { probe, net, example } = this;
    probe.theta.set(net.theta);
    const data = this.drawn ? { ...this.allData, X: this.drawn, n: 1 } : this.allData;
    const [loss] = probe.backward(data, Int32Array.of(this.drawn ? 0 : example));
    this.outcome.write(loss);
  }

  chooseExample(e) {
    this.example = e;
    this.drawn = null;
    this.numbers();
    this.region.draw();
  }

  sendDrawing(x) {
    this.drawn = x;
    this.sendThrough();
    this.picture.write();
    this.detail.write();
  }

  pick(unit) {
    this.picked = this.picked === unit ? null : unit;
    this.picture.mark(this.picked);
    this.detail.show(this.picked);
    this.region.draw();
  }

  hover(l, j, i) {
    const { net } = this;
    put(this.message, `\u03b8${l}[${j},${i}] = ${number(net.theta[net.weight(l, j, i)])}, gradient ${number(this.probe.gradient[net.weight(l, j, i)])} (of this example). Drag up or down to change it.`);
  }

  dragWeight(event, l, j, i) {
    event.preventDefault();
    event.stopPropagation();
    const at = this.net.weight(l, j, i), from = this.net.theta[at], { clientY } = event;
    follow((moved) => {
      this.setWeight(at, from + (clientY - moved.clientY) / 40, true);
      this.hover(l, j, i);
    }, () => this.look());
  }

  setWeight(at, v, isMoving = false) {
    this.net.theta[at] = v;
    this.say("");
    this.run.changed = true;
    this.run.looks.pop();
    if (!isMoving) return this.look();
    this.numbers();
    this.regions(COARSE);
  }
}
