// What is taken away: the weights, the Python lines that make the same run, the page's address.
class OutPanel extends Panel {
  build() {
    this.python = element("pre", { tabindex: 0, "aria-label": "Python" });
    this.address = element("input", { type: "text", readonly: "", class: "address", "aria-label": "The page's address" });
    this.row(element("b", {}, "Python that makes this run"), this.button("copy-python", "Copy", () => this.play.copy(this.python.textContent)));
    this.element.append(this.python);
    this.warning = this.note("");
    this.row(element("b", {}, "The weights"), this.button("npz", "network.npz", () => this.save("npz")), this.button("json", "weights.json", () => this.save("json")), this.button("points", "data.npz", () => this.save("points")));
    this.note("Both have state_dict's names: net.load_state_dict(np.load(\"network.npz\")), or {name: np.array(a) for name, a in json.load(file).items()}.");
    this.row(element("label", {}, element("b", {}, "This page"), this.address), this.button("copy-address", "Copy", () => this.play.copy(this.address.value)));
  }

  update() {
    const { play } = this;
    put(this.python, pythonOf(play));
    const { run } = play, midway = "The lines train to the end of an epoch; after \u201c1 epoch\u201d the page is there too.";
    put(this.warning, !run.changed && run.training.isMidway ? midway : run.changed ? "Settings or weights were changed on the way: rewind and train again, and the lines give the same numbers." : "The same seeds give the same batches, and the same numbers to the last few digits.");
    this.address.value = play.link_to();
  }

  save(kind) {
    const name = { npz: "network.npz", points: "data.npz", json: "weights.json" }[kind], url = URL.createObjectURL(new Blob([this.play.file(kind)]));
    const link = element("a", { href: url, download: name });
    this.element.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    this.play.say(`${name} is in your downloads.`);
  }
}

// Python that makes the run, from its data to its last update.
function pythonOf(play) {
  if (!play.trainData.n) return "# There are no points yet.\n";
  const { settings: s, run, data, points, net } = play, { lr, every } = s, names = [];
  const use = (name) => {
    if (!names.includes(name)) names.push(name);
    return name;
  };
  const source = points.source?.replace("from nn import datasets\n\n", () => (use("datasets"), "")) ?? `data = np.load("data.npz")  # the button below\nX, y = data["X"], data["y"]\n`;
  const isCut = points.source?.includes("\ntrain = "), rows = isCut ? "X[train], y[train]" : "X, y";
  const b = Math.min(s.b, play.trainData.n), size = s.grow > 1 ? `${use("growing")}(${b}, ${s.grow}, period=${s.period})` : b;
  const rate = SCHEDULES[s.schedule].python(lr, every);
  if (s.schedule !== "constant") use(rate.slice(0, rate.indexOf("(")));
  const g = s.activation.split(", ").map((name) => JSON.stringify(name)), activation = g.length > 1 ? `[${g.join(", ")}]` : g[0];
  const bias = net.hasBias ? "" : ", bias=False", seed = `np.random.default_rng(${s.seed})`;
  const made = data.net.drawn || !play.isGiven(s)
    ? `net = ${use("MLP")}(${net.widths[0]}, [${net.widths.slice(1).join(", ")}], activation=${activation}${bias}, rng=${seed})`
    : "# net: the network that this page was made of";
  const small = s.small ? "\nfor theta in net.parameters():\n    theta.data *= 0.02" : "";
  const rule = ruleOf(s, data.rules, use);
  const epochs = Math.max(1, Math.ceil(run.time(run.updates, "epochs") - 1e-9));
  const loss = play.known ? use(data.loss) : data.loss;
  const fit = `history = ${use("fit")}(\n    net, ${loss}, ${rows}, epochs=${epochs}, batch_size=${size}, lr=${rate}${rule},\n    rng=${seed},\n)`;
  const numpy = source.includes("import numpy") ? "" : "import numpy as np\n";
  return `${numpy}from nn import ${names.sort().join(", ")}\n\n${source.trimEnd()}\n\n${made}${small}\n${fit}\n`;
}

// The optimizer as arguments of `fit`: by its name, or the rule that the page was given.
function ruleOf({ optimizer, momentum }, rules, use) {
  const has = "momentum" in RULES[optimizer].settings && momentum;
  if (!(optimizer in rules)) return (optimizer === "sgd" ? "" : `, optimizer="${optimizer}"`) + (has ? `, momentum=${momentum}` : "");
  const [text, isOurs] = rules[optimizer];
  if (isOurs) use(text.split("(")[0]);
  const said = `momentum=${momentum}`;
  if (text.includes("momentum=")) return ", optimizer=" + text.replace(/momentum=[^,)]+/, said);
  return ", optimizer=" + (has ? text.replace(/\)$/, text.endsWith("()") ? `${said})` : `, ${said})`) : text);
}

// The parameters under the names of state_dict.
function stateOf(net) {
  if (!NETWORK.layers) return { theta: { rows: [...net.theta], shape: [net.size] } };
  const state = {};
  for (let l = 1; l <= net.L; l++) {
    const [d, d_] = [net.widths[l], net.widths[l - 1]], rows = [];
    for (let j = 0; j < d; j++) rows.push(Array.from({ length: d_ }, (_, i) => net.theta[net.weight(l, j, i)]));
    state[`layers.${l - 1}.weight`] = { rows, shape: [d, d_] };
    if (net.bias(l, 0) >= 0) state[`layers.${l - 1}.bias`] = { rows: rows.map((_, j) => net.theta[net.bias(l, j)]), shape: [d] };
  }
  return state;
}

// Arrays as NumPy's .npz: a zip file of .npy files, not compressed.
function npz(state) {
  const parts = [], entries = [], text = new TextEncoder();
  let at = 0;
  const add = (bytes) => {
    parts.push(bytes);
    at += bytes.length;
  };
  const header = (size, fields) => {
    const view = new DataView(new ArrayBuffer(size));
    let k = 0;
    for (const [width, value] of fields) {
      if (width === 4) view.setUint32(k, value, true);
      else view.setUint16(k, value, true);
      k += width;
    }
    return new Uint8Array(view.buffer);
  };
  for (const [name, { rows, shape }] of Object.entries(state)) {
    const said = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
    const padded = said.padEnd(Math.ceil((said.length + 11) / 64) * 64 - 11) + "\n";
    const numbers = Float64Array.from(rows.flat());
    const bytes = new Uint8Array([0x93, ...text.encode("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8, ...text.encode(padded), ...new Uint8Array(numbers.buffer)]);
    const file = text.encode(`${name}.npy`), sum = crc32(bytes), about = [[2, 20], [2, 0], [2, 0], [2, 0], [2, 33], [4, sum], [4, bytes.length], [4, bytes.length], [2, file.length], [2, 0]];
    entries.push([file, about, at]);
    for (const piece of [header(30, [[4, 0x04034b50], ...about]), file, bytes]) add(piece);
  }
  const start = at;
  for (const [file, about, offset] of entries) {
    add(header(46, [[4, 0x02014b50], [2, 20], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]));
    add(file);
  }
  add(header(22, [[4, 0x06054b50], [2, 0], [2, 0], [2, entries.length], [2, entries.length], [4, at - start], [4, start], [2, 0]]));
  const whole = new Uint8Array(at);
  let k = 0;
  for (const piece of parts) {
    whole.set(piece, k);
    k += piece.length;
  }
  return whole;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}
