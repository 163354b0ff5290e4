// The recorded graph as arrays: values forward, gradients backward.
// A node is its place in the topological order, the result last; plain numbers come after them.
class Graph {
  constructor(data) {
    this.data = data;
    this.n = data.rows.length;
    this.root = this.n - 1;
    this.v = Float64Array.from([...data.values, ...data.constants], Number);
    this.g = new Float64Array(this.n);
    this.reached = new Uint8Array(this.n);
    // Node i has its inputs, and the partial derivatives by them, from start[i] to start[i + 1].
    this.inputs = Int32Array.from(data.inputs.flat());
    this.start = new Int32Array(this.n + 1);
    data.inputs.forEach((list, i) => (this.start[i + 1] = this.start[i] + list.length));
    this.d = new Float64Array(this.inputs.length);
    this.x = new Float64Array(max(1, ...data.inputs.map((list) => list.length)));
    this.inner = [...data.rows.keys()].filter((i) => data.rows[i] >= 0);
    this.after = new Map();
  }

  isLeaf(i) {
    return this.data.rows[i] < 0;
  }

  // A leaf's number, f, and the gradient.
  point(leaf) {
    return [this.v[leaf], this.v[this.root], this.g[leaf]];
  }

  // The inputs of a node that are nodes.
  arrows(i) {
    const [a, b] = [this.start[i], this.start[i + 1]];
    return Array.from({ length: b - a }, (_, k) => a + k).filter((j) => this.inputs[j] < this.n);
  }

  // The nodes that are computed from a leaf, in order.
  dependents(leaf) {
    if (!this.after.has(leaf)) {
      const moved = new Uint8Array(this.n);
      moved[leaf] = 1;
      for (const i of this.inner) {
        for (let j = this.start[i]; j < this.start[i + 1]; j++) moved[i] |= moved[this.inputs[j]];
      }
      this.after.set(leaf, this.inner.filter((i) => moved[i]));
    }
    return this.after.get(leaf);
  }

  compute(nodes = this.inner) {
    const { v, d, x, inputs, start } = this, { rows } = this.data;
    for (const i of nodes) {
      for (let j = start[i], k = 0; j < start[i + 1]; j++, k++) x[k] = v[inputs[j]];
      v[i] = ROWS[rows[i]](x, d, start[i]);
    }
  }

  // Whether an input gets a share: not so what a `where` or `max` does not take.
  gives(i, j) {
    return this.inputs[j] < this.n && !(this.d[j] === 0 && this.data.chooses[this.data.rows[i]]);
  }

  // The reverse sweep, or so many of its steps; `each` is told of every share before it is added.
  sweep(steps = Infinity, g = this.g, reached = this.reached, each = null) {
    g.fill(0);
    reached.fill(0);
    g[this.root] = reached[this.root] = 1;
    for (let k = this.inner.length - 1; k >= 0 && steps > 0; k--, steps--) {
      const i = this.inner[k];
      if (!reached[i]) continue;
      for (let j = this.start[i]; j < this.start[i + 1]; j++) {
        if (!this.gives(i, j)) continue;
        const to = this.inputs[j];
        if (each) each(i, j, to, g);
        g[to] += g[i] * this.d[j];
        reached[to] = 1;
      }
    }
  }

  // f where a leaf is moved to x, by a graph of the same data that may be overwritten.
  at(leaf, x, probe) {
    probe.v[leaf] = x;
    probe.compute(this.dependents(leaf));
    return probe.v[this.root];
  }

  // How a node was computed, in names or in numbers.
  formula(i, inNames = true, most = 6) {
    const { names, ops, dots } = this.data;
    const slots = [...this.inputs.subarray(this.start[i], this.start[i + 1])];
    const isName = (s) => inNames && s < this.n;
    const plain = (s) => (isName(s) ? names[s] : number(this.v[s]));
    const bracketed = (s) => (isName(s) ? names[s] : factor(this.v[s]));
    if (dots[i] !== undefined) {
      const w = slots.slice(0, dots[i]), x = slots.slice(dots[i]);
      const terms = w.map((s, k) => bracketed(s) + (k < x.length ? ` * ${bracketed(x[k])}` : ""));
      return shortened(terms, most).join(" + ");
    }
    if (slots.length === 2 && ["+", "-", "*", "/", "**"].includes(ops[i])) {
      return slots.map(bracketed).join(` ${ops[i]} `);
    }
    const shown = slots.slice(0, most).map(plain);
    if (slots.length > most) shown.push("\u2026");
    return `${ops[i]}(${shown.join(", ")})`;
  }

  // A local derivative in letters; of an input that stands there twice, which.
  partialName(i, j) {
    const { names } = this.data, [a, b] = [this.start[i], this.start[i + 1]];
    const twice = this.inputs.subarray(a, b).filter((s) => s === this.inputs[j]).length > 1;
    const which = twice ? ` (input ${j - a + 1})` : "";
    return `${PARTIAL}${names[i]}/${PARTIAL}${names[this.inputs[j]]}${which}`;
  }

  // The sum that a node's gradient is, in letters and in numbers.
  sum(node) {
    const name = this.data.names[node], letters = [], numbers = [];
    const g = new Float64Array(this.n), reached = new Uint8Array(this.n);
    this.sweep(Infinity, g, reached, (i, j, to) => {
      if (to !== node) return;
      letters.push(`${this.data.names[i]}.grad ${TIMES} ${this.partialName(i, j)}`);
      numbers.push(`${factor(g[i])} ${TIMES} ${factor(this.d[j])}`);
    });
    const value = number(g[node]);
    if (letters.length === 0) {
      const why = node === this.root ? "it is the result itself" : "no share reaches it";
      return [`${name}.grad = ${value}: ${why}`];
    }
    return [
      `${name}.grad = ${shortened(letters).join(" + ")}`,
      `= ${shortened(numbers).join(" + ")} = ${value}`,
    ];
  }
}
