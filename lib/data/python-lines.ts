/**
 * Lines of Python, from the standard library of the Python that is installed, and Python's own word on what is valid.
 * Source: after Fraser-Greenlee/my-huggingface-datasets, python-lines.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {askPython} from './python';

export interface PythonLinesOptions {
  /** How many lines; 20,000 unless given. Fewer come where the library has no more. */
  readonly count?: number;
  /** The shortest and the longest line, in characters without indentation; 6 to 60 unless given. */
  readonly shortest?: number;
  readonly longest?: number;
  /** Which Pythons to try; the project's own first unless given. */
  readonly commands?: readonly string[];
}

export interface PythonLines {
  /** Without indentation and without repeats, in an order that looks random and is always the same. */
  readonly lines: readonly string[];
  /** One line for the lesson: from which Python. */
  readonly description: string;
}

/**
 * Both scripts take what `ast.parse` takes. Lines are ordered by a hash of their text, so that the
 * first of many are those of few, and files that many lines come from do not come first.
 */
const COLLECT = `
import ast, hashlib, json, os, sys, sysconfig, warnings
warnings.simplefilter('ignore')
sys.stdin.reconfigure(encoding='utf-8')
asked = json.load(sys.stdin)
root = sysconfig.get_paths()['stdlib']
skipped = {'test', 'tests', 'idle_test', 'site-packages', '__pycache__', 'lib2to3', 'turtledemo'}
found = set()
for folder, folders, files in os.walk(root):
    folders[:] = [name for name in folders if name not in skipped]
    for name in files:
        if not name.endswith('.py'):
            continue
        try:
            with open(os.path.join(folder, name), encoding='utf-8') as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            continue
        for line in text.split('\\n'):
            line = line.strip()
            if asked['shortest'] <= len(line) <= asked['longest'] and line.isascii() and line[0] != '#':
                found.add(line)
def code(line):
    try:
        tree = ast.parse(line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    lone = tree.body[0].value if isinstance(tree.body[0], ast.Expr) else None
    return not isinstance(lone, (ast.Constant, ast.Name, ast.Tuple))
kept = []
for line in sorted(found, key=lambda line: hashlib.sha256(line.encode()).digest()):
    if len(kept) == asked['count']:
        break
    if code(line):
        kept.append(line)
print(json.dumps({'lines': kept, 'version': '.'.join(map(str, sys.version_info[:3]))}))
`;

const CHECK = `
import ast, json, sys, warnings
warnings.simplefilter('ignore')
sys.stdin.reconfigure(encoding='utf-8')
def valid(line):
    try:
        return len(ast.parse(line).body) > 0
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
print(json.dumps([valid(line) for line in json.load(sys.stdin)]))
`;

/**
 * Lines that stand alone as Python: statements of one line, without comments, and without words
 * and texts that only belong to a statement of several lines. No download.
 *
 * @throws RangeError when an option makes no sense; PythonError when there is no Python
 */
export async function pythonLines(options: PythonLinesOptions = {}): Promise<PythonLines> {
  const {count = 20_000, shortest = 6, longest = 60, commands} = options;
  for (const [name, value] of Object.entries({count, shortest, longest})) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new RangeError(`pythonLines: ${name} is ${value}, expected a positive integer.`);
  }
  if (shortest > longest) {
    throw new RangeError(`pythonLines: shortest is ${shortest}, above longest, ${longest}.`);
  }
  const {lines, version} = await askPython<{lines: string[]; version: string}>(
    COLLECT,
    {count, shortest, longest},
    commands,
  );
  const number = lines.length.toLocaleString('en-GB');
  return {lines, description: `${number} lines of the standard library of Python ${version}.`};
}

/**
 * Which lines Python's parser takes, all in one child process. An empty line and a comment are not
 * taken: they hold no statement.
 *
 * @returns one answer a line
 * @throws PythonError when there is no Python
 */
export async function arePythonLines(
  lines: readonly string[],
  commands?: readonly string[],
): Promise<boolean[]> {
  if (lines.length === 0) return [];
  return askPython<boolean[]>(CHECK, lines, commands);
}
