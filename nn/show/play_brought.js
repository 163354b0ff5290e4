// Data that are brought into the page: points painted by hand, and files.
class Brought extends Data {
  // The painted points; they stand in the settings as text, and so in the address.
  fromHand(classes) {
    const points = this.settings.points.split(";").filter(Boolean).map((text) => text.split(",").map(Number)).filter((p) => p.length === 3 && p.every(finite));
    this.paintedPoints = points;
    const names = this.kind === "gaussian" ? [] : this.names ?? Array.from({ length: classes }, (_, k) => String(k));
    const known = points.filter(([, , v]) => !names.length || (Number.isInteger(v) && v >= 0 && v < names.length));
    if (known.length) return { ...painted(known, this.kind, names), painted: true };
    const none = new Float64Array(0), rows = new Int32Array(0);
    return { n: 0, d0: 2, X: none, y: none, features: coordinates(2), target: "class", classes: names, mean: new Float64Array(2), scale: Float64Array.of(1, 1), notes: [], test: new Uint8Array(0), train: rows, held: rows, source: null, painted: true };
  }

  // Whether points can't be painted or read here; it is said why.
  refuses() {
    const isOpen = !this.isFixed && this.kind !== "own" && this.data.targets === 1;
    if (this.isFixed) this.say("This page's network has a form of its own, and takes only the data that it was made with.");
    else if (!isOpen) this.say("Points are painted and files read where there is one target, for one of the lecture's three losses.");
    return !isOpen;
  }

  // Points by hand

  paint() {
    if (this.refuses()) return;
    this.painting = true;
    if (this.settings.set !== PAINTED) {
      const { points } = this, keeps = points.d0 === 2 && points.n <= 200;
      this.names = points.classes.length ? points.classes : null;
      this.settings.points = keeps ? Array.from({ length: points.n }, (_, e) => pointText(points.X[2 * e], points.X[2 * e + 1], points.y[e])).join(";") : "";
      Object.assign(this.settings, { set: PAINTED, noise: 0, labels: 0 });
      this.sample();
    }
    this.refresh();
    this.look();
  }

  stopPainting(draws = true) {
    this.painting = false;
    if (draws) {
      this.refresh();
      this.look();
    }
  }

  // A point where it was painted; without a place, in the middle, for those who use no mouse.
  addPoint(at) {
    const [x, y] = at ?? [this.paintedPoints.length % 5 / 5, 0], last = this.paintedPoints.at(-1);
    if (this.paintedPoints.length >= 500) return this.say("500 points are enough: remove some first.");
    if (at && last && Math.hypot(last[0] - x, last[1] - y) < 0.08) return;
    this.settings.points += `${this.settings.points && ";"}${pointText(x, y, this.brush)}`;
    this.sample();
  }

  clearPoints() {
    this.settings.points = "";
    this.sample();
  }

  // Files

  readFile(file) {
    if (this.refuses()) return;
    file.text().then((text) => {
      const table = readTable(text, file.name), { table: before, fileName } = this;
      const isTaken = file.name === PAINTED || this.menu().some(([name]) => name === file.name && name !== fileName);
      Object.assign(this, { table, fileName: isTaken ? `${file.name} (file)` : file.name });
      const usual = /^(class|target|label|y|survived|species)$/i, columns = targetsFor(table, this.kind).reverse();
      const isUsed = this.useTable(columns.find((name) => usual.test(name)) ?? columns[0] ?? table.columns.at(-1).name, columns);
      if (!isUsed) Object.assign(this, { table: before, fileName });
      this.refresh();
    }).catch((error) => this.say(error.message));
  }

  // A column of the file as the target; if it won't do, the next one of those that may be tried.
  // False, and the data are as before, if none will.
  useTable(target, others = []) {
    const before = [this.fileTarget, this.settings.set];
    let failure = null;
    for (const name of [target, ...others.filter((other) => other !== target)]) {
      [this.fileTarget, this.settings.set] = [name, this.fileName];
      try {
        this.sample();
        this.say(`${this.fileName}: ${this.points.n} examples; target: ${name}.`);
        if (this.tab !== "data" && this.tabs.querySelector("[data-do=data]")) this.toggle("data");
        this.refresh();
        return true;
      } catch (error) {
        failure ??= error;
      }
    }
    [this.fileTarget, this.settings.set] = before;
    this.say(failure.message);
    return false;
  }
}
