import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const REDIS_SERVER = 'redis-server';

/** A Redis of the bench's own that appends to a file and syncs it as `appendfsync` says. Undefined where there is none to start. */
export async function startRedis(appendfsync) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'));
  const port = await freePort();
  const server = spawn(
    REDIS_SERVER,
    // prettier-ignore
    ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder, '--appendonly', 'yes', '--appendfsync', appendfsync],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const started = await new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.on('exit', () => resolve(false));
    server.stdout.on('data', (text) => {
      if (String(text).includes('Ready to accept connections')) resolve(true);
    });
  });
  const clean = () => rmSync(folder, { recursive: true, force: true });
  if (!started) {
    clean();
    return undefined;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      server.kill();
      await once(server, 'exit');
      clean();
    },
  };
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
