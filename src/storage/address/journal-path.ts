import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ServerAddress } from './server-address.js';

/** No file is beside the data of a server. */
const FOLDER = 'data';
const ENDING = '.rescue.ndjson';
/** What names that are told apart by their letters alone are made of, on every file system. */
const PLAIN_NAME = /^[a-z\d_-]+$/;
const PLAIN_HOST = /^[a-z\d.-]+$/;
const MAX_LENGTH = 150;
const HASH_LENGTH = 12;

/**
 * Where the rescue journal of a server's database is by default: a name that no other database has. `owner` tells apart
 * those whose name is up to the user.
 */
export function journalPathOf(type: string, address: ServerAddress, owner: string | undefined): string {
  return join(FOLDER, `${nameOf(type, address, owner)}${ENDING}`);
}

/** The name that earlier versions gave it. */
export function earlierJournalPathOf(address: ServerAddress): string {
  return join(FOLDER, `${encodeURIComponent(address.database ?? 'default')}${ENDING}`);
}

function nameOf(type: string, address: ServerAddress, owner: string | undefined): string {
  const { database, schema, port } = address;
  const host = address.host.startsWith('/') ? address.host : address.host.toLowerCase();
  const kind = type === 'mariadb' ? 'mysql' : type;
  const name = `${database ?? 'default'}${schema === undefined ? '' : `.${schema}`}@${host}${port === undefined ? '' : `-${port}`}`;
  const isPlain =
    [database ?? '', schema ?? 'none'].every((part) => PLAIN_NAME.test(part)) &&
    PLAIN_HOST.test(host) &&
    port !== undefined &&
    (kind === 'postgres' || kind === 'mysql') &&
    name.length <= MAX_LENGTH;
  if (isPlain) return name;
  const whole = JSON.stringify([kind, database ?? { of: owner }, schema, host, port]);
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_LENGTH);
  return `${name.replaceAll(/[^\w.@-]+/g, '_').slice(0, MAX_LENGTH)}~${hash}`;
}
