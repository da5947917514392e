import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type } from 'node:os';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const { resolve } = createRequire(import.meta.url);

/** What is measured, and what it is measured against. */
const PACKAGES = [
  '@nestjs/core',
  'typeorm',
  'lru-cache',
  'sqlite3',
  'better-sqlite3',
  'pg',
  'mysql2',
  'cache-manager',
  'keyv',
  '@keyv/sqlite',
  '@keyv/redis',
  'bentocache',
  'cacheable',
  'lmdb',
];
const PROGRAMS = [
  ['PostgreSQL', 'psql'],
  ['MariaDB', 'mariadb'],
  ['Redis', 'redis-server'],
];

/** Where the figures come from, in lines of text. */
export function machine() {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const servers = PROGRAMS.map(([name, program]) => `${name} ${versionOfProgram(program)}`);
  return [
    `${cpu.model.trim()}, ${cpus().length} cores, ${memory} GiB; ${type()} ${release()}`,
    `Node.js ${process.versions.node} (V8 ${process.versions.v8}); ${servers.join(', ')}`,
    PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', '),
  ];
}

function versionOf(name) {
  for (let folder = dirname(resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const described = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (described.name === name) return described.version;
    } catch {
      // Further up.
    }
  }
  return '?';
}

function versionOfProgram(program) {
  try {
    const printed = execFileSync(program, ['--version'], { encoding: 'utf8' });
    return /\d+\.\d+(\.\d+)?(?=-MariaDB)/.exec(printed)?.[0] ?? /\d+\.\d+(\.\d+)?/.exec(printed)?.[0] ?? '?';
  } catch {
    return 'not installed';
  }
}
