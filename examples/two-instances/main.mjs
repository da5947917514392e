// npm run example:two-instances                          two processes on one SQLite file
// DATABASE_URL=postgres://… npm run example:two-instances   the same on PostgreSQL
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHANGES = 5;
const folder = mkdtempSync(join(tmpdir(), 'two-instances-'));
const env = { ...process.env, DATABASE_FILE: join(folder, 'cache.sqlite') };
const program = fileURLToPath(new URL('instance.mjs', import.meta.url));

async function start(name) {
  const child = fork(program, { env: { ...env, NAME: name } });
  // It has said why, where it ends instead.
  const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (first?.isReady !== true) throw new Error(`${name} did not start.`);
  return child;
}

/** Resolves when a process says what `isMeant` looks for. */
async function told(child, isMeant) {
  for (;;) {
    const [message] = await once(child, 'message');
    if (isMeant(message)) return message;
  }
}

async function show() {
  const writer = await start('A');
  const reader = await start('B');
  for (let price = 1; price <= CHANGES; price += 1) {
    const seen = told(reader, ({ sees }) => sees === price);
    writer.send({ set: price });
    const { afterMs } = await seen;
    console.log(`A sets the price of apples to ${price}; B sees it after ${afterMs} ms.`);
  }
  const ended = [writer, reader].map((child) => once(child, 'exit'));
  for (const child of [writer, reader]) child.disconnect();
  await Promise.all(ended);
}

try {
  await show();
} finally {
  rmSync(folder, { recursive: true });
}
