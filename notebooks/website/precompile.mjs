// node precompile.mjs PYODIDE FOLDER: runs precompile.py on a folder, in Pyodide.
import { readFileSync } from "node:fs";

const [pyodide, folder] = process.argv.slice(2);
const { loadPyodide } = await import(`${pyodide}/pyodide.mjs`);
const python = await loadPyodide({ args: ["precompile.py", "/site"] });
python.FS.mkdir("/site");
python.mountNodeFS("/site", folder);
python.runPython(readFileSync(new URL("precompile.py", import.meta.url), "utf8"));
