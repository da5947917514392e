import { resolve } from 'node:path';
import { Child, type Ended } from '../../support/child-process.js';

const MAIN = resolve('dist/src/cli/main.js');

/** The package's command, started as npx starts it. */
export function startCommand(folder: string, ...args: string[]): Child {
  return new Child(process.execPath, [MAIN, ...args], { cwd: folder });
}

/** Runs `copy` to its end. */
export function runCopy(folder: string, from: string, to: string, ...options: string[]): Promise<Ended> {
  return startCommand(folder, 'copy', '--from', from, '--to', to, ...options).ended;
}
