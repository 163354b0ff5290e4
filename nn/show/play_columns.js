// From a table to a set: the target that a likelihood takes, and the inputs as columns of numbers.
const FARTHEST = 15; // deviations from its mean, for an input, as in nn/data/datasets.py
// What columns that number the rows are called, as in nn/data/kinds.py.
const ID = new RegExp(
  "^((.*[^\\p{L}\\p{N}])?(id|index|idx|no|nr|key|uuid|row|(row|record|serial)[^\\p{L}\\p{N}]?(number|num|no|nr)" +
  "|row[^\\p{L}\\p{N}]?names?)\\.?|#|level_0|Unnamed: \\d+(\\.\\d+)*)$", "isu");
// Numbers as only Python reads them: 5 %, EUR 1,200.50, 80 kg.
const AMOUNT = /^[-+(]?(\p{Sc}|[A-Z]{3})?\s?\d[\d.,'’\s]*(\p{Sc}|%|°?\p{L}\D{0,19})?[-)]?$/u;
const ID_TOO = /[a-z]I[Dd]$/, INDEX = /[^\p{L}\p{N}]index$/iu, UNNAMED = /^column \d+$/;

// As Python sorts texts, by their characters; JavaScript alone would by halves of some.
function byCharacters(a, b) {
  const left = [...a], right = [...b], k = left.findIndex((letter, i) => letter !== right[i]);
  if (k < 0) return left.length - right.length;
  return right[k] === undefined ? 1 : left[k].codePointAt(0) - right[k].codePointAt(0);
}

function isMissing(x) {
  return x === null || Number.isNaN(x);
}

// The different values of a column, sorted, with how often there are in some of the rows.
function kindsOf(column, rows) {
  const counts = new Map();
  for (const i of rows) {
    const x = column.values[i];
    if (!isMissing(x)) counts.set(x, (counts.get(x) ?? 0) + 1);
  }
  return new Map([...counts].sort(([a], [b]) => (column.kind === "number" ? a - b : byCharacters(a, b))));
}

// Why a column can't be the target; "" if it can.
function objection(column, likelihood) {
  if (column.kind === "empty") return "has no values";
  const rows = column.values.keys(), K = kindsOf(column, rows).size, present = column.values.length - column.missing;
  if (K === 1) return "says the same in all rows";
  if (likelihood === "gaussian") return column.kind === "number" ? "" : "holds words, and gaussian is for numbers";
  if (likelihood === "bernoulli") return K === 2 ? "" : `has ${K} different values, and bernoulli is for two`;
  if (K > MOST_CLASSES) return `has ${K} different values, more than the ${MOST_CLASSES} classes that a page takes`;
  return K > Math.max(2, present / 2) ? `has ${K} different values in ${present} rows: too many to be classes` : "";
}

// The names of the columns that can be the target.
function targetsFor(table, likelihood) {
  return table.columns.filter((column) => objection(column, likelihood) === "").map(({ name }) => name);
}

// The rows that have a target, what it says in them, and its classes.
function targetOf(table, target, likelihood, notes) {
  const column = table.columns.find(({ name }) => name === target);
  if (!column) throw new Error(`${table.name} has no column "${target}". Its columns: ${listed(table.names)}.`);
  const against = objection(column, likelihood);
  if (against) {
    const others = targetsFor(table, likelihood);
    const which = others.length ? `Columns that would do: ${listed(others)}.` : "No column of this table would do.";
    throw new Error(`${table.name}: the column "${target}" ${against}. ${which}`);
  }
  const rows = [...column.values.keys()].filter((i) => !isMissing(column.values[i]));
  if (rows.length < 2) throw new Error(`${table.name}: the column "${target}" has a value in one row only.`);
  if (rows.length < table.n) notes.push(`${table.n - rows.length} of ${table.n} rows have no target: they are left out.`);
  if (likelihood === "gaussian") return { rows, y: Float64Array.from(rows, (i) => column.values[i]), classes: [] };
  const kinds = [...kindsOf(column, rows).keys()], places = new Map(kinds.map((kind, k) => [kind, k]));
  // A number is one class however it is written, and named as it is first written.
  const classes = kinds.map((kind) => column.texts[column.values.indexOf(kind)]);
  return { rows, y: Float64Array.from(rows, (i) => places.get(column.values[i])), classes };
}

// The middle of numbers, the mean of both if there are two.
function medianOf(values) {
  const sorted = Float64Array.from(values).sort(), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : sorted[half - 1] / 2 + sorted[half] / 2;
}

// Whether numbers are those of rows: whole, hardly one twice, and called so; or they count. They would
// tell the target of a table that is sorted by it.
function numbersRows({ name, values, nameless }) {
  const there = values.filter((x) => !Number.isNaN(x)), sorted = there.slice().sort((x, y) => x - y), n = there.length;
  if (UNNAMED.test(name) && !nameless) {
    return n > 2 && (there[0] === 0 || there[0] === 1) && there.every((x, i) => x === there[0] + i);
  }
  if (!(nameless || ID.test(name) || ID_TOO.test(name)) || !there.every(Number.isInteger)) return false;
  if (INDEX.test(name) && sorted[n - 1] - sorted[0] >= n) return false; // rather a measure, as of body mass
  return sorted.filter((x, i) => x !== sorted[i - 1]).length > 0.9 * n;
}

// The inputs of a column: columns of numbers, one for each of `rows`. What is done is told in `done`;
// what has to be looked at, in the training rows alone.
function inputsOf(column, rows, train, done) {
  const { name, kind, values } = column, here = train.map((k) => rows[k]);
  const input = (named, numberIn) => ({ name: named, values: Float64Array.from(rows, (i) => numberIn(values[i])) });
  const kinds = kindsOf(column, here), present = here.filter((i) => !isMissing(values[i])).length;
  if (kind === "empty" || kinds.size === 0) {
    done.empty.push(name);
    return [];
  }
  const gaps = present < here.length ? [input(`${name} missing`, (x) => Number(isMissing(x)))] : [];
  if (kind === "number") {
    if (numbersRows(column)) {
      done.rows.push(name);
      return [];
    }
    if (kinds.size === 1 && gaps.length === 0) done.constant.push(name);
    const middle = medianOf(here.map((i) => values[i]).filter((x) => !isMissing(x)));
    const missing = rows.filter((i) => isMissing(values[i])).length;
    if (missing) done.filled.push(`${name} (${missing})`);
    return kinds.size === 1 ? gaps : [input(name, (x) => (isMissing(x) ? middle : x)), ...gaps];
  }
  if (kinds.size > Math.max(2, present / 2)) {
    done.different.push(name);
    return [];
  }
  if (kinds.size === 1 && gaps.length === 0) done.constant.push(name);
  else done.words.push(`${name} (${kinds.size})`);
  const often = [...kinds].sort(([, a], [, b]) => b - a).slice(0, KINDS).map(([word]) => word);
  const shown = [...kinds.keys()].filter((word) => often.includes(word));
  const rest = kinds.size > KINDS ? [input(`${name} = other`, (x) => Number(x !== null && !often.includes(x)))] : [];
  // Of two, one indicator says it all; of one, none.
  const needed = shown.length > 2 ? shown : shown.slice(1);
  return [...needed.map((word) => input(`${name} = ${word}`, (x) => Number(x === word))), ...rest, ...gaps];
}

// A set of a table, standardised on its training rows.
function tableSet(table, { target, likelihood, held = 0.2, seed = 0, rng = new Random(seed), skip = [] }) {
  const notes = [...table.notes], done = { empty: [], rows: [], constant: [], different: [], words: [], filled: [] };
  const { rows, y, classes } = targetOf(table, target, likelihood, notes), n = rows.length;
  const parts = partsOf(heldRows(y, classes.length, held, rng)), train = Array.from(parts.train);
  if (held > 0 && parts.held.length === 0) notes.push(tooFew(n));
  const used = table.columns.filter(({ name }) => name !== target && !skip.includes(name)), inputs = [];
  for (const column of used) {
    inputs.push(...inputsOf(column, rows, train, done));
    if (inputs.length > WIDEST || inputs.length * n > CELLS) {
      throw new Error(`${table.name} would make ${inputs.length} inputs or more of ${n} rows, too many for a page. `
        + "Leave columns of words out, or take a sample of its rows.");
    }
  }
  const said = (list, before, after = "") => (list.length ? notes.push(`${before}${listed(list)}${after}.`) : 0);
  said(skip.filter((name) => table.names.includes(name) && name !== target), "Left out, as you said: ");
  said(done.empty, "Left out, since they have no values: ");
  said(done.rows, "Left out, since they number the rows: ");
  said(done.constant, "Left out, since all training rows say the same: ");
  said(done.different, "Left out, since their words differ from row to row: ");
  const numbers = used.filter(({ name, texts }) => done.different.includes(name) && 2 * texts.filter((text) => AMOUNT.test(text)).length > n);
  said(numbers.map(({ name }) => name), "Numbers with units, or marks between thousands, are read, if at all, in Python alone (python -m nn train): ");
  said(done.words, "Words became indicators of 0 and 1; their kinds: ");
  if (done.words.length && inputs.some(({ name }) => name.endsWith(" = other"))) notes.push(`Kinds beyond the ${KINDS} most frequent are "other".`);
  said(done.filled, "Missing numbers became the median of the training rows: ");
  if (inputs.length === 0) throw new Error([`${table.name} has no column left to predict "${target}" from.`, ...notes].join(" "));
  const d0 = inputs.length, X = new Float64Array(n * d0), mean = new Float64Array(d0), scale = new Float64Array(d0);
  inputs.forEach(({ name, values }, j) => {
    const standard = standardised(values, train, name, table.name, FARTHEST);
    [mean[j], scale[j]] = [standard.mean, standard.scale];
    for (let i = 0; i < n; i++) X[i * d0 + j] = standard.values[i];
  });
  const number = classes.length ? { values: y, mean: 0, scale: 1 } : standardised(y, train, target, table.name);
  return wholeSet({
    name: table.name, likelihood, X, y: number.values, d0, features: inputs.map(({ name }) => name), target, classes,
    mean, scale, yMean: number.mean, yScale: number.scale, notes, ...parts,
  });
}

// A column with mean 0 and standard deviation 1 on the training rows; less, where a value would be farther than it may.
function standardised(values, train, name, file, farthest = Infinity) {
  const chosen = train.map((k) => values[k]), { mean, deviation } = momentsOf(chosen);
  if (chosen.every((x) => x === chosen[0])) throw new Error(`${file}: the column "${name}" says the same in all training rows.`);
  const far = chosen.reduce((most, x) => Math.max(most, Math.abs(x - mean)), 0), scale = Math.max(deviation, far / farthest);
  const scaled = values.map((x) => (x - mean) / scale);
  if (!(deviation > 0 && scale < Infinity && scaled.every(Number.isFinite))) {
    throw new Error(`${file}: the column "${name}" can't be standardised: its numbers are too large, or too close to each other.`);
  }
  return { values: scaled, mean, scale };
}
