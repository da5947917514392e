#!/usr/bin/env node
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorLine } from './error-line.js';
import { EXIT } from './exit-code.js';
import { interruptionOf } from './interruption.js';
import { outliveReaders } from './output.js';
import { endProcess } from './process-end.js';
import { runProgram } from './program.js';
import { UsageError } from './usage-error.js';

let interruption: AbortSignal | undefined;

async function main(): Promise<void> {
  const { stdin, stdout, stderr, env } = process;
  try {
    await runProgram(process.argv.slice(2), version(), {
      stdin,
      stdout,
      stderr,
      env,
      end: (exitCode) => {
        process.exitCode ??= exitCode;
      },
      interruption: () => (interruption ??= interruptionOf(process)),
    });
  } catch (error) {
    fail(error, error instanceof UsageError ? EXIT.notUnderstood : EXIT.failed);
  }
}

function fail(error: unknown, exitCode: number): void {
  process.stderr.write(`${errorLine(error)}\n`);
  process.exitCode = exitCode;
}

/** Of the package's own package.json, whether it is run from its sources' build or as installed. */
function version(): string {
  const text = readFileSync(join(__dirname, '../../../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

outliveReaders(process, (error) => fail(error, EXIT.failed));
void main().then(() => endProcess(process));
