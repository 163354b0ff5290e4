// The data of the playground as sets: points made or painted, what Python sent, a share held out, noise.
// A set has X (n x d0, row by row) and y, in the units that a network sees: x = (raw - mean) / scale.
// `rng` is a Random, or what has its next(), normal() and permutation(n).
const TURN = 2 * Math.PI, MOST_POINTS = 100000, MOST_CLASSES = 50;

// A row per kind of made points: point i of n before the noise, coordinates and then its target, and
// the same in Python. It is the menu too.
const MADE = [
  {
    kind: "circles", name: "Circles", likelihoods: ["bernoulli"], d0: 2, classes: ["inside", "outside"],
    point(i, n, K, rng) {
      const k = i % 2, r = k ? 0.7 + 0.3 * rng.next() : 0.5 * rng.next(), t = TURN * rng.next();
      return [r * Math.sin(t), r * Math.cos(t), k];
    },
    python: `k = i % 2
    r = 0.7 + 0.3 * rng.random() if k else 0.5 * rng.random()
    t = 2 * np.pi * rng.random()
    return r * np.sin(t), r * np.cos(t), k`,
  },
  {
    kind: "xor", name: "Exclusive or", likelihoods: ["bernoulli"], d0: 2, classes: ["same sign", "other sign"],
    point(i, n, K, rng) {
      const u = 2 * rng.next() - 1, v = 2 * rng.next() - 1;
      const apart = (w) => 0.95 * w + (w < 0 ? -0.05 : 0.05);
      return [apart(u), apart(v), (u < 0) === (v < 0) ? 0 : 1];
    },
    python: `u, v = 2 * rng.random() - 1, 2 * rng.random() - 1
    x1, x2 = (0.95 * w + np.copysign(0.05, w) for w in (u, v))
    return x1, x2, int((u < 0) != (v < 0))`,
  },
  {
    kind: "moons", name: "Moons", likelihoods: ["bernoulli"], d0: 2, classes: ["upper", "lower"],
    mean: [0.5, 0.25], scale: [1.5, 1.5],
    point(i, n) {
      const half = Math.floor(n / 2), k = i < half ? 0 : 1;
      const t = (i - k * half) * (Math.PI / Math.max(1, (k ? n - half : half) - 1));
      return k ? [1 - Math.cos(t), 1 - Math.sin(t) - 0.5, k] : [Math.cos(t), Math.sin(t), k];
    },
    python: `half, k = n // 2, int(i >= n // 2)
    t = (i - k * half) * (np.pi / max(1, (n - half if k else half) - 1))
    return (1 - np.cos(t), 1 - np.sin(t) - 0.5, k) if k else (np.cos(t), np.sin(t), k)`,
  },
  {
    kind: "blobs", name: "Blobs", likelihoods: ["bernoulli", "categorical"], d0: 2,
    point(i, n, K, rng) {
      const k = i % K, t = TURN * (k / K + 0.125);
      return [0.6 * Math.cos(t) + 0.12 * rng.normal(), 0.6 * Math.sin(t) + 0.12 * rng.normal(), k];
    },
    python: `k = i % K
    t = 2 * np.pi * (k / K + 0.125)
    return 0.6 * np.cos(t) + 0.12 * rng.normal(), 0.6 * np.sin(t) + 0.12 * rng.normal(), k`,
  },
  {
    kind: "spirals", name: "Spirals", likelihoods: ["bernoulli", "categorical"], d0: 2,
    point(i, n, K) { // the more arms, the fewer turns: they stay as far from each other
      const k = i % K, r = (Math.floor(i / K) + 1) / Math.ceil(n / K), t = TURN * ((3.5 * r + k) / K);
      return [r * Math.sin(t), r * Math.cos(t), k];
    },
    python: `k, r = i % K, (i // K + 1) / -(-n // K)
    t = 2 * np.pi * ((3.5 * r + k) / K)
    return r * np.sin(t), r * np.cos(t), k`,
  },
  {
    kind: "plane", name: "Plane", likelihoods: ["gaussian"], d0: 2,
    point(i, n, K, rng) {
      const x1 = 2 * rng.next() - 1, x2 = 2 * rng.next() - 1;
      return [x1, x2, (x1 + x2) / 2];
    },
    python: `x1, x2 = 2 * rng.random() - 1, 2 * rng.random() - 1
    return x1, x2, (x1 + x2) / 2`,
  },
  {
    kind: "waves", name: "Waves", likelihoods: ["gaussian"], d0: 2,
    point(i, n, K, rng) {
      const x1 = 2 * rng.next() - 1, x2 = 2 * rng.next() - 1;
      return [x1, x2, Math.sin(Math.PI * x1) * Math.cos(Math.PI * x2)];
    },
    python: `x1, x2 = 2 * rng.random() - 1, 2 * rng.random() - 1
    return x1, x2, np.sin(np.pi * x1) * np.cos(np.pi * x2)`,
  },
  {
    kind: "sine", name: "Sine", likelihoods: ["gaussian"], d0: 1,
    point(i, n, K, rng) {
      const x = 2 * rng.next() - 1;
      return [x, Math.sin(TURN * x)];
    },
    python: `x = 2 * rng.random() - 1
    return x, np.sin(2 * np.pi * x)`,
  },
];

// Points of a kind. The noise is the standard deviation of what is added: to the coordinates of
// classes, to the numbers of a regression. Spirals and blobs are of two classes or of K.
function made(kind, { n = 300, noise = 0, seed = 0, classes, likelihood, rng = new Random(seed) } = {}) {
  const row = MADE.find((one) => one.kind === kind);
  if (!row) throw new Error(`There are no points of the kind "${kind}": choose from ${MADE.map((one) => one.kind).join(", ")}.`);
  const as = likelihood ?? (classes > 2 ? row.likelihoods.at(-1) : row.likelihoods[0]);
  if (!row.likelihoods.includes(as)) throw new Error(`${row.name} are made for ${row.likelihoods.join(" or ")}, not for ${as}.`);
  const K = as === "gaussian" ? 0 : as === "bernoulli" ? 2 : classes ?? 3, { d0 } = row;
  wholeNumber("The number of points", n, 2, MOST_POINTS);
  if (K) wholeNumber("The number of classes", K, 2, Math.min(n, MOST_CLASSES));
  if (!(noise >= 0 && noise < Infinity)) throw new Error(`The noise must be a number from 0 on, got ${noise}.`);
  const X = new Float64Array(n * d0), y = new Float64Array(n);
  const mean = Float64Array.from(row.mean ?? Array(d0).fill(0)), scale = Float64Array.from(row.scale ?? Array(d0).fill(1));
  for (let i = 0; i < n; i++) {
    const point = row.point(i, n, K, rng);
    for (let j = 0; j < d0; j++) {
      const raw = K ? point[j] + noise * rng.normal() : point[j];
      X[i * d0 + j] = (raw - mean[j]) / scale[j];
    }
    y[i] = K ? point[d0] : point[d0] + noise * rng.normal();
  }
  const noises = Array(K ? d0 : 1).fill("noise * rng.normal()").join(", ");
  const scaled = row.mean ? `X = (X - [${row.mean.join(", ")}]) / [${row.scale.join(", ")}]\n` : "";
  const source = `import numpy as np

rng, n, K, noise = np.random.default_rng(${seed}), ${n}, ${K}, ${noise}


def point(i):
    ${row.python}


X, y = np.empty((n, ${d0})), np.empty(n${K ? ", dtype=int" : ""})
for i in range(n):
    *X[i], y[i] = point(i)
    ${K ? "X" : "y"}[i] += ${K ? "[" : ""}${noises}${K ? "]" : ""}
${scaled}`;
  const names = row.classes ?? Array.from({ length: K }, (_, k) => String(k));
  return wholeSet({ name: row.name, likelihood: as, X, y, d0, features: coordinates(d0), classes: K ? names : [], mean, scale, source });
}

// Points [x1, x2, class or number] as they were painted. `classes`: names, or how many.
function painted(points, likelihood, classes = likelihood === "categorical" ? 3 : 2) {
  const names = Array.isArray(classes) ? classes : Array.from({ length: classes }, (_, k) => String(k));
  const K = likelihood === "gaussian" ? 0 : names.length, n = points.length;
  if (n === 0) throw new Error("There are no points yet: paint some.");
  if (likelihood === "bernoulli" && K !== 2) throw new Error(`bernoulli is for two classes, got ${K}.`);
  const X = new Float64Array(2 * n), y = new Float64Array(n), found = new Set();
  points.forEach(([x1, x2, target], i) => {
    if (![x1, x2, target].every(Number.isFinite)) throw new Error(`Point ${i + 1} is not of finite numbers: ${x1}, ${x2}, ${target}.`);
    if (K) wholeNumber(`The class of point ${i + 1}`, target, 0, K - 1);
    X.set([x1, x2], 2 * i);
    y[i] = target;
    found.add(target);
  });
  const notes = K && found.size < K ? [`Of ${K} classes, ${found.size} ${found.size === 1 ? "has" : "have"} points.`] : [];
  const rows = points.map(([x1, x2]) => `    [${x1}, ${x2}],\n`).join("");
  const source = `import numpy as np\n\nX = np.array([\n${rows}])\ny = np.array([${y.join(", ")}])\n`;
  return wholeSet({ name: "Painted points", likelihood, X, y, d0: 2, features: coordinates(2), classes: K ? names : [], notes, source });
}

function wholeNumber(what, x, least, most) {
  if (!Number.isInteger(x) || x < least || x > most) throw new Error(`${what} must be a whole number from ${least} to ${most}, got ${x}.`);
}

// Names of inputs that have none, as units are named elsewhere.
function coordinates(d0) {
  return Array.from({ length: d0 }, (_, j) => `x0[${j}]`);
}

// A set of what is given, and of what most sets have.
function wholeSet(given) {
  const { d0, y } = given, n = y.length;
  return {
    n, target: given.classes.length ? "class" : "y", mean: new Float64Array(d0), scale: new Float64Array(d0).fill(1),
    yMean: 0, yScale: 1, notes: [], source: null, ...partsOf(new Uint8Array(n)), ...given,
  };
}

// The rows of both parts.
function partsOf(test) {
  const rows = [[], []];
  test.forEach((is, i) => rows[is].push(i));
  return { test, train: Int32Array.from(rows[0]), held: Int32Array.from(rows[1]) };
}

// Which rows are held out: of each class as large a share as of all, and at least one stays.
function heldRows(y, K, share, rng) {
  if (!(share >= 0 && share < 1)) throw new Error(`The share held out must be from 0 to below 1, got ${share}.`);
  const n = y.length, test = new Uint8Array(n), counts = new Int32Array(K || 1);
  const classOf = (i) => (K ? y[i] : 0), wanted = halfToEven(n * share);
  if (wanted === 0) return test;
  for (let i = 0; i < n; i++) counts[classOf(i)] += 1;
  const left = counts.map((count) => Math.floor(count * share));
  // What rounding left goes to the classes that lost the most by it.
  const lost = Array.from(counts, (count, k) => [count * share - left[k], k]).sort(([a], [b]) => b - a);
  let rest = wanted - left.reduce((sum, x) => sum + x, 0);
  for (const [, k] of lost) {
    if (rest > 0 && left[k] < counts[k] - 1) {
      left[k] += 1;
      rest -= 1;
    }
  }
  for (const i of rng.permutation(n)) {
    const k = classOf(i);
    if (left[k] > 0) {
      left[k] -= 1;
      test[i] = 1;
    }
  }
  return test;
}

// As Python's round.
function halfToEven(x) {
  const low = Math.floor(x), over = x - low;
  return over > 0.5 || (over === 0.5 && low % 2 === 1) ? low + 1 : low;
}

// A set from Python has two parts, and is divided anew: Python's lines begin with all of it.
const WHOLE = ["X", "y"].map((name) => [`data.${name}_train`, `np.concatenate([data.${name}_train, data.${name}_test])`]);

// The set with a share of its rows held out.
function heldOut(set, share, rng) {
  const parts = partsOf(heldRows(set.y, set.classes.length, share, rng)), { held } = parts;
  const notes = held.length || share === 0 ? set.notes : [...set.notes, tooFew(set.n)];
  const lines = held.length ? `held = np.array([${held.join(", ")}])\ntrain = np.setdiff1d(np.arange(len(y)), held)\n` : "";
  return { ...set, ...parts, notes, source: set.source && WHOLE.reduce((text, [part, all]) => text.replace(part, all), set.source) + lines };
}

function tooFew(n) {
  return `None are held out: ${n} are too few for that.`;
}

// The set with normal noise added to its inputs, of so many of a column's standard deviations.
function noisy(set, noise, rng) {
  if (!(noise >= 0 && noise < Infinity)) throw new Error(`The noise must be a number from 0 on, got ${noise}.`);
  if (noise === 0) return set;
  const { d0, n } = set, X = set.X.slice(), sizes = new Float64Array(d0);
  for (let j = 0; j < d0; j++) sizes[j] = noise * momentsOf(Float64Array.from(set.train, (i) => X[i * d0 + j])).deviation;
  for (let i = 0; i < n; i++) for (let j = 0; j < d0; j++) X[i * d0 + j] += sizes[j] * rng.normal();
  const note = `Normal noise of ${noise} standard deviations was added to the inputs.`;
  return { ...set, X, notes: [...set.notes, note], source: null };
}

// The set with a share of the training rows' targets replaced: a class by any class, numbers by each
// other's. The held-out rows keep theirs, so that they show what was only memorised.
function shuffledLabels(set, share, rng) {
  if (!(share >= 0 && share <= 1)) throw new Error(`The share of targets to replace must be from 0 to 1, got ${share}.`);
  const { train } = set, K = set.classes.length, y = set.y.slice(), count = halfToEven(share * train.length);
  if (count === 0) return set;
  const chosen = Array.from(rng.permutation(train.length).slice(0, count), (place) => train[place]);
  if (K) for (const i of chosen) y[i] = Math.floor(K * rng.next());
  else rng.permutation(count).forEach((from, to) => (y[chosen[to]] = set.y[chosen[from]]));
  const note = `The targets of ${count} of ${train.length} training rows were replaced at random.`;
  return { ...set, y, notes: [...set.notes, note], source: null };
}

// Mean and standard deviation of numbers, about the mean: differences of large squares would be lost.
function momentsOf(values) {
  let sum = 0, squares = 0;
  for (const x of values) sum += x;
  const mean = sum / values.length;
  for (const x of values) squares += (x - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

// Numbers as nn/show/packing.py packs them, to the same bits.
function decoded({ numbers, palette, places }) {
  const table = new Float64Array(bytesOf(numbers ?? palette).buffer);
  if (numbers !== undefined) return table;
  const all = bytesOf(places);
  return Float64Array.from(table.length > 256 ? new Uint16Array(all.buffer) : all, (k) => table[k]);
}

function bytesOf(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// The set that Python packed.
function unpacked(packed) {
  const [X, y, mean, scale] = ["X", "y", "mean", "scale"].map((name) => decoded(packed[name]));
  const d0 = packed.features.length, n = X.length / d0, test = new Uint8Array(n);
  for (const i of decoded(packed.held)) test[i] = 1;
  return wholeSet({ ...packed, X, y, n, d0, mean, scale, ...partsOf(test) });
}
