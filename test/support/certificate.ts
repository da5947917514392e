import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrivateServer } from './private-server.js';
import { skip } from './services.js';

/** A certificate that a server signed itself, for the name localhost alone. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly pem: string;
}

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) skip('TLS: openssl is not installed.');

/** Makes one in the folder of `server`, for it to read. */
export function certificateFor(server: PrivateServer): Certificate {
  const certFile = join(server.folder, 'cert.pem');
  const keyFile = join(server.folder, 'key.pem');
  execFileSync(
    'openssl',
    [
      ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ['-keyout', keyFile, '-out', certFile],
    ].flat(),
    { stdio: 'pipe' },
  );
  chmodSync(keyFile, 0o600);
  for (const file of [certFile, keyFile]) server.own(file);
  return { certFile, keyFile, pem: readFileSync(certFile, 'utf8') };
}
