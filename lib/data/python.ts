/**
 * A Python to ask: finds one, and runs a short script with JSON in and JSON out.
 * Source: https://docs.python.org/3/using/cmdline.html (-I, -c).   Lesson: none; python-lines uses it.
 */
import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import path from 'node:path';
import {projectAbove} from './folder';

/** No Python answers, or it failed; the message says which and why. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
}

/** The commands to try: the project's own environment, then what the system calls Python 3. */
export function pythonCommands(root = projectAbove(__dirname) ?? process.cwd()): string[] {
  const own = [path.join('bin', 'python'), path.join('Scripts', 'python.exe')].map(inside =>
    path.join(root, '.venv', inside),
  );
  return [...own.filter(file => existsSync(file)), 'python3', 'python'];
}

/**
 * Runs a script in one child process.
 *
 * @param script reads JSON from standard input, prints JSON; Python starts isolated (-I)
 * @param input what is sent as JSON
 * @param commands which Pythons to try, in order; one that is not there is passed over
 * @returns what it printed
 * @throws PythonError when there is no Python, or the script fails
 */
export async function askPython<Answer>(
  script: string,
  input: unknown,
  commands: readonly string[] = pythonCommands(),
): Promise<Answer> {
  for (const command of commands) {
    const printed = await runScript(command, script, JSON.stringify(input));
    if (printed !== undefined) return JSON.parse(printed) as Answer;
  }
  const tried = commands.map(command => path.basename(command)).join(', ');
  throw new PythonError(
    `There is no Python (tried ${tried}). Install Python 3.10 or newer, or run npm start.`,
  );
}

/** What the script printed; undefined where there is no such command. */
function runScript(command: string, script: string, input: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['-I', '-c', script], {stdio: ['pipe', 'pipe', 'pipe']});
    let [printed, complaint] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.stdin.on('error', () => undefined); // said by its exit
    child.on('error', error => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') resolve(undefined);
      else reject(new PythonError(`${command}: ${error.message}`));
    });
    child.on('close', code => {
      if (code === 0) resolve(printed);
      else reject(new PythonError(`${command} ended with ${code}: ${complaint.trim()}`));
    });
    child.stdin.end(input);
  });
}
