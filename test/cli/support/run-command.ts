import { resolve } from 'node:path';
import { Child } from '../../support/child-process.js';

const MAIN = resolve('dist/src/cli/main.js');

/** How the command ended, and what it printed on each stream. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input; nothing by default. */
  readonly input?: string;
  /** Whether more may come there. */
  readonly isInputOpen?: boolean;
  /** Options of Node itself. */
  readonly node?: readonly string[];
}

/** The package's command as a process. */
export function startProcess(args: readonly string[], options: RunOptions = {}): Child {
  const { cwd, env = {}, input = '', isInputOpen = false, node = [] } = options;
  const child = new Child(process.execPath, [...node, MAIN, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
  });
  child.process.stdin.on('error', () => undefined);
  if (isInputOpen) child.process.stdin.write(input);
  else child.process.stdin.end(input);
  return child;
}

/** Runs the package's command to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = startProcess(args, options);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child.process[name].on('data', (text: string) => {
      texts[name] += text;
    });
  const { code } = await child.ended;
  return { code, ...texts };
}

/** The same on a terminal of its own: what is shown there, with line ends as in files. */
export async function runOnTerminal(args: readonly string[], input = ''): Promise<Ran> {
  const quoted = [process.execPath, MAIN, ...args].map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`);
  const child = new Child('script', ['-qec', quoted.join(' '), '/dev/null']);
  // What is typed before a question is asked waits for it.
  child.process.stdin.write(input);
  const { code, output } = await child.ended;
  return { code, stdout: output.replaceAll('\r\n', '\n'), stderr: '' };
}
