import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PAGE = 'docs/operations.md';
/** A block of commands that begins with what they are for, as a comment. */
const BLOCK = /^```sh\n# ([^\n]+)\n(.*?)^```$/gms;
/** A file that is printed with its name. */
const FILE = /^```js\n\/\/ (\S+\.m?js)\n(.*?)^```$/gms;

/** The commands of the page on operations, by what they are for. */
export function commandsOfPage(page = readFileSync(PAGE, 'utf8')): ReadonlyMap<string, string> {
  return new Map(Array.from(page.matchAll(BLOCK), ([, title = '', commands = '']) => [title, commands]));
}

/** A file as the page prints it. */
export function fileOfPage(name: string, page = readFileSync(PAGE, 'utf8')): string {
  for (const [, path, text = ''] of page.matchAll(FILE)) if (path === name) return text;
  throw new Error(`${PAGE} prints no file ${name}.`);
}

/** Runs commands of a page as they are printed; resolves with their output. The first one that fails ends them. */
export async function runCommands(
  title: string,
  {
    cwd,
    env = {},
    page = PAGE,
  }: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    /** The page on operations by default. */
    readonly page?: string;
  },
): Promise<string> {
  const commands = commandsOfPage(readFileSync(page, 'utf8')).get(title);
  if (commands === undefined) throw new Error(`${page} has no commands '${title}'.`);
  const { stdout } = await run('sh', ['-euc', commands], { cwd, env: { ...process.env, ...env } });
  return stdout;
}
