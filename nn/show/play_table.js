// A table of one's own: a CSV file as people have it, read here, and the set that it makes.
// Names and cells are data: nothing of a file is ever HTML or a program.
const LONGEST = 5000000, WIDEST = 2000, CELLS = 2e7; // letters of a file; columns; numbers of a set
const FEW = 10; // so many different numbers may be names of kinds; more are plain numbers
const KINDS = 20; // of a column of words; the rest are "other"
const MISSING = new RegExp( // as in nn/data/cells.py
  "^(|na|n/a|n\\.a\\.|#n/a|<na>|\\?|\\.|--?|[–—\u2212]|-?nan|nat|null|\\(null\\)|\\\\n|#na|#n/a n/a|-?1\\.#(ind|qnan)|" +
  "#(null|value|div/0|ref|num|calc|spill|wert|zahl|bezug)!|#name\\?|#nv)$", "i");
const NUMERAL = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const COMMA = /^[-+]?(\d+,\d*|,\d+)(e[-+]?\d+)?$/i;

// The records of a text: the place of each, as a spreadsheet counts, and its cells. Blank lines are none.
function csvRecords(text, delimiter, name, most = Infinity) {
  const records = [], end = text.length, spaces = delimiter === "\t" ? [" "] : [" ", "\t"];
  const skip = (from) => {
    while (from < end && spaces.includes(text[from])) from += 1;
    return from;
  };
  const ends = (at) => at >= end || text[at] === "\n" || text[at] === "\r";
  let at = 0, place = 0;
  while (at < end && records.length < most) {
    const cells = [];
    place += 1;
    for (let over = false, quoted = false; !over; at += 1) {
      const first = skip(at), where = `${name}, row ${place}, column ${cells.length + 1}`;
      quoted = text[first] === "\"";
      if (quoted) {
        let from = first + 1, cell = "";
        for (;;) {
          const quote = text.indexOf("\"", from);
          if (quote < 0) throw new Error(`${where}: a quote is opened and not closed.`);
          cell += text.slice(from, quote);
          from = quote + 1;
          if (text[from] !== "\"") break;
          cell += "\"";
          from += 1;
        }
        at = skip(from);
        if (!ends(at) && text[at] !== delimiter) {
          throw new Error(`${where}: after the closing quote there is more, "${text.slice(at, at + 20)}". `
            + "A quote within quotes is written twice.");
        }
        cells.push(cell);
      } else {
        const start = at;
        while (!ends(at) && text[at] !== delimiter) at += 1;
        cells.push(text.slice(start, at).trim());
      }
      over = ends(at);
      if (over && (quoted || cells.length > 1 || cells[0])) records.push([place, cells]);
    }
    if (text[at - 1] === "\r" && text[at] === "\n") at += 1;
  }
  return records;
}

// The delimiter by which the first lines have the same number of cells, and among several the one
// that leaves the most numbers, then the most cells.
function delimiterOf(text) {
  const found = [",", ";", "\t", "|"].map((delimiter) => {
    const records = firstRecords(text, delimiter, 50) ?? firstRecords(text, delimiter, 1) ?? [[]];
    const width = records[0].length, cells = records.flat();
    const even = records.length > 1 && width > 1 && records.every((row) => row.length === width);
    const numbers = cells.filter((cell) => NUMERAL.test(cell) || (delimiter !== "," && COMMA.test(cell)));
    return { delimiter, score: [Number(even), even ? numbers.length / cells.length : 0, width] };
  });
  const above = (a, b) => a.map((x, k) => b[k] - x).find((x) => x !== 0) ?? 0;
  return found.sort((a, b) => above(a.score, b.score))[0].delimiter;
}

// The cells of the first records; null where quotes are wrong, as they may be by a wrong delimiter.
function firstRecords(text, delimiter, most) {
  try {
    return csvRecords(text, delimiter, "", most).map(([, cells]) => cells);
  } catch {
    return null;
  }
}

// A file's columns. Errors name the row and the column.
function readTable(text, name) {
  if (text.length > LONGEST) {
    const [there, most] = [text.length, LONGEST].map((count) => count.toLocaleString("en"));
    throw new Error(`${name} has ${there} characters, more than the ${most} that a page reads. Take a sample of its rows; `
      + "or train on all of it in Python: python -m nn train.");
  }
  if (text.includes("\0")) {
    throw new Error(`${name} is no text: it holds zero bytes, as spreadsheets (.xlsx) and files in UTF-16 do. Save it as CSV UTF-8.`);
  }
  // Spreadsheets say what stands between the cells in a first line of its own, sep=;
  const notes = [], whole = text.replace(/^\uFEFF/, ""), mark = whole.match(/^sep=([^\r\n])/i)?.[1];
  const plain = mark ? whole.replace(/^[^\r\n]*/, "") : whole;
  if (plain.trim() === "") throw new Error(`${name} is empty: it must have a header and at least two rows.`);
  if (plain.includes("\uFFFD")) notes.push("Some letters could not be read: the file is no text in UTF-8.");
  const delimiter = mark ?? delimiterOf(plain), records = csvRecords(plain, delimiter, name), [, head] = records[0];
  if (head.length > WIDEST) throw new Error(`${name} has ${head.length} columns, more than the ${WIDEST} that a page takes. Leave some out.`);
  const [at, other] = records.find(([, cells]) => cells.length !== head.length) ?? [];
  if (other) throw new Error(`${name}, row ${at}: it has ${other.length} cells, the first row ${head.length}.`);
  if (head.length === 1) {
    throw new Error(`${name} has one column: it must have a target and at least one column beside it, `
      + "with commas, semicolons, tabs or | between them.");
  }
  let rows = records.map(([, cells]) => cells);
  const named = isHeader(rows, delimiter !== ",");
  if (!named) notes.push("No header was found: the first row is data, and columns are named by their numbers.");
  if (named) rows = dataBelow(rows, delimiter !== ",", notes);
  if (rows.length < 2) throw new Error(`${name} has too few rows: it must have a header and at least two.`);
  const names = namesOf(named ? head.map((cell) => cell.trim()) : head.map(() => ""), named, notes);
  const columns = names.map((column, j) => {
    const texts = rows.map((row) => row[j].trim());
    return { ...columnOf(column, texts, delimiter !== ",", notes), nameless: named && !head[j].trim() };
  });
  const decimal = columns.filter((column) => column.decimal).map((column) => column.name);
  if (decimal.length) notes.push(`Commas are taken as decimal points in ${listed(decimal)}.`);
  return { name, names, columns, n: rows.length, notes };
}

// Whether the first row names the columns: a word above numbers. If there are no numbers: words that
// differ, and do not come again below.
function isHeader(rows, commas) {
  const head = rows[0], below = rows.slice(1, 1000).filter((row) => !sayAgain(row, head)), isNumber = (cell) => isNumeral(cell, commas);
  const numeric = head.map((_, j) => areNumerals(cellsOf(below, j), commas));
  const isWord = (cell) => !MISSING.test(cell.trim()) && !isNumber(cell.trim());
  if (head.some((cell, j) => numeric[j] && isWord(cell))) return true;
  if (head.every((cell, j) => cell.trim() === String(j)) && head.length > 2) return true; // as pandas counts
  if (head.some((cell, j) => numeric[j] && !MISSING.test(cell.trim()))) return false;
  const differ = new Set(head).size === head.length;
  return differ && head.every((cell, j) => isWord(cell) && !below.some((row) => row[j] === cell));
}

function isNumeral(cell, commas) {
  return NUMERAL.test(cell) || (commas && COMMA.test(cell));
}

// Whether a row says the names again, maybe below another file's mark of UTF-8.
function sayAgain(row, head) {
  return row.every((cell, j) => cell.replace(/^\uFEFF/, "") === head[j]);
}

// The cells of a column that are there; and whether most of such are numbers.
function cellsOf(rows, j) {
  return rows.map((row) => row[j].trim()).filter((cell) => !MISSING.test(cell));
}

function areNumerals(cells, commas) {
  return cells.length > 0 && cells.filter((cell) => isNumeral(cell, commas)).length >= 0.9 * cells.length;
}

// The rows below the header that are data, as in nn/data/looks.py: not the names again, as where
// files were joined, and in the first rows no questions and types where others have numbers.
function dataBelow([head, ...all], commas, notes) {
  const areWords = head.length > 1 && !head.every((cell) => isNumeral(cell.trim(), commas));
  const rows = areWords ? all.filter((row) => !sayAgain(row, head)) : all;
  if (rows.length < all.length) notes.push(`Rows that say the names again are left out: ${all.length - rows.length}.`);
  for (let under = 3; under > 0; under -= 1) {
    const rest = rows.slice(under, 200), columns = rest.length < 3 ? [] : head.map((_, j) => cellsOf(rest, j));
    const ofNumbers = columns.map((cells) => areNumerals(cells, commas));
    const isNoData = (row) => {
      const at = columns.flatMap((others, j) => (others.length && !MISSING.test(row[j].trim()) ? [j] : []));
      if (at.some((j) => isNumeral(row[j].trim(), commas) || columns[j].includes(row[j].trim()))) return false;
      const found = at.filter((j) => ofNumbers[j]).map((j) => row[j].trim());
      const asks = found.some((cell) => /^(.*[?)\]}]|(\S+\s+){4,}\S+)$/.test(cell)) && new Set(found).size === found.length;
      const isType = (cell) => /^([-:=|]{3,}|(int(eger)?|float)\d*|double|str(ing)?|text|bool(ean)?|date(time)?|num(ber|eric)?)$/i.test(cell);
      return asks || (found.length > 0 && found.every(isType));
    };
    if (!columns.length || !rows.slice(0, under).every(isNoData)) continue;
    notes.push(`Rows below the names that are no data are left out: ${listed(rows.slice(0, under).map((row) => row.join(" ").slice(0, 60)))}.`);
    return rows.slice(under);
  }
  return rows;
}

// Names that differ.
function namesOf(head, named, notes) {
  const taken = new Set(head), seen = new Set(), changed = [];
  const names = head.map((name, j) => {
    const first = name || `column ${j + 1}`;
    let own = first;
    for (let k = 2; seen.has(own) || (own !== name && taken.has(own)); k++) own = `${first} (${k})`;
    seen.add(own);
    if (own !== name) changed.push(`Column ${j + 1} is called "${own}"`);
    return own;
  });
  if (named && changed.length) notes.push(`The header must name each column, once. ${listed(changed)}.`);
  return names;
}

function listed(items) {
  return items.length > 12 ? `${items.slice(0, 10).join(", ")} and ${items.length - 10} more` : items.join(", ");
}

// A cell as a finite number; NaN if it is none.
function numeralOf(cell, decimal) {
  const text = decimal ? cell.replace(",", ".") : cell;
  const x = NUMERAL.test(text) ? Number(text) : NaN;
  return Number.isFinite(x) ? x : NaN;
}

// Numbers, with NaN for those that are missing, or words, with null. Few words among many numbers are
// mistakes, and missing.
function columnOf(name, texts, commas, notes) {
  const decimal = commas && texts.some((cell) => COMMA.test(cell)) && !texts.some((cell) => cell.includes(".") && NUMERAL.test(cell));
  const blank = texts.map((cell) => MISSING.test(cell)), gaps = blank.filter(Boolean).length;
  const numbers = Float64Array.from(texts, (cell, i) => (blank[i] ? NaN : numeralOf(cell, decimal)));
  const odd = texts.findIndex((_, i) => !blank[i] && Number.isNaN(numbers[i]));
  const finite = numbers.filter((x) => !Number.isNaN(x)), present = texts.length - gaps, odds = present - finite.length;
  const column = { name, texts, missing: gaps };
  if (present === 0) return { ...column, kind: "empty", values: texts.map(() => null) };
  if (odds > 0 && (odds > Math.floor(present / 10) || new Set(finite).size <= FEW)) {
    return { ...column, kind: "words", values: texts.map((cell, i) => (blank[i] ? null : wordOf(cell))) };
  }
  if (odds > 0) {
    notes.push(`In the column "${name}", ${odds} of ${present} cells are no finite numbers, "${texts[odd].slice(0, 40)}" the first: `
      + "they are taken as missing.");
  }
  const thousand = texts.findIndex((cell) => /[.,]/.test(cell)), isOfThousands = areThousands(numbers, texts);
  if (isOfThousands) {
    numbers.forEach((x, i) => (numbers[i] = /[.,]/.test(texts[i]) ? Math.round(1000 * x) : x));
    notes.push(`In the column "${name}", ${texts[thousand]} is read as ${numbers[thousand]}.`);
  }
  return { ...column, kind: "number", values: numbers, missing: gaps + odds, decimal: decimal && !isOfThousands };
}

// Whether what seems a decimal mark stands rather between thousands, as in nn/data/cells.py: all marks
// have three digits behind them, numbers without one are whole and below 1000, and all lie closer
// together then. So 600, 970, 1.007 do, but not 1, 1.333, 2.
function areThousands(numbers, texts) {
  const all = [...numbers.keys()].filter((i) => !Number.isNaN(numbers[i])), isMarked = (i) => /[.,]/.test(texts[i]);
  const bare = all.filter((i) => !isMarked(i)), fits = all.every((i) => (isMarked(i)
    ? /^[-+]?[1-9]\d{0,2}[.,]\d{3}$/.test(texts[i]) : Number.isInteger(numbers[i]) && Math.abs(numbers[i]) < 1000));
  if (!fits || Math.min(bare.length, all.length - bare.length) < 3) return false;
  const spread = (times) => {
    const logs = all.filter((i) => numbers[i] !== 0).map((i) => Math.log(Math.abs(numbers[i]) * (isMarked(i) ? times : 1)));
    const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
    return logs.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  };
  return spread(1000) < spread(1);
}

// A cell as a word: 1.0 is 1, as libraries write whole numbers beside missing ones.
function wordOf(cell) {
  const x = cell.includes(".") ? numeralOf(cell, false) : NaN;
  return Number.isInteger(x) && Math.abs(x) < 2 ** 53 ? String(x) : cell;
}
