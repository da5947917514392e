import { readFileSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';
import { unsupported } from '../unsupported.js';
import { invalidParameter } from './url-parameters.js';

export const POSTGRES_TLS_PARAMETERS: ReadonlySet<string> = new Set([
  'ssl',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'uselibpqcompat',
]);

type Tls = TlsOptions & { checkServerIdentity?: () => undefined };

const SSL: Readonly<Record<string, string>> = {
  true: 'on',
  1: 'on',
  false: 'disable',
  0: 'disable',
  'no-verify': 'no-verify',
};

/** What TLS the parameters of a URL ask for, as version 8 of pg takes them; `undefined` where they don't say. */
export function postgresTls(parameters: ReadonlyMap<string, string>): boolean | object | undefined {
  const mode = modeOf(parameters);
  const isDirect = directlyOf(parameters, mode);
  if (mode === 'disable') return false;
  const files = filesOf(parameters);
  const hasFiles = Object.keys(files).length > 0;
  if (mode === undefined && !hasFiles) return isDirect ? true : undefined;
  if (mode === 'on' && !hasFiles) return true;
  return { ...files, ...checkOf(mode ?? 'verify-full', parameters) };
}

function modeOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const ssl = parameters.get('ssl');
  const bySsl = ssl === undefined ? undefined : SSL[ssl];
  if (ssl !== undefined && bySsl === undefined)
    invalidParameter('ssl', 'it must be true, false or no-verify');
  const mode = parameters.get('sslmode') ?? bySsl;
  if (bySsl !== undefined && (bySsl === 'disable') !== (mode === 'disable')) {
    throw unsupported(
      "The parameters 'ssl' and 'sslmode' of the storage's url contradict each other: keep one of them.",
    );
  }
  return mode;
}

/** Whether TLS begins at once. */
function directlyOf(parameters: ReadonlyMap<string, string>, mode: string | undefined): boolean {
  const name = 'sslnegotiation';
  const value = parameters.get(name) ?? 'postgres';
  if (value === 'postgres') return false;
  if (value !== 'direct') invalidParameter(name, 'it must be postgres or direct');
  if (mode === 'disable') invalidParameter(name, 'direct needs TLS, which another parameter switches off');
  return true;
}

function filesOf(parameters: ReadonlyMap<string, string>): Tls {
  const files: Tls = {};
  for (const [name, option] of [
    ['sslcert', 'cert'],
    ['sslkey', 'key'],
    ['sslrootcert', 'ca'],
  ] as const) {
    const path = parameters.get(name);
    if (path === undefined) continue;
    try {
      files[option] = readFileSync(path, 'utf8');
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw unsupported(
        `The file that the parameter '${name}' of the storage's url names can't be read (${code ?? 'unknown'}): ` +
          'correct its path, or let the process read it.',
        cause,
      );
    }
  }
  return files;
}

/** How the server's certificate is checked. */
function checkOf(mode: string, parameters: ReadonlyMap<string, string>): Tls {
  const isLibpq = parameters.get('uselibpqcompat') === 'true';
  const hasAuthority = parameters.has('sslrootcert');
  switch (mode) {
    case 'on':
    case 'verify-full':
      return {};
    case 'no-verify':
      return { rejectUnauthorized: false };
    case 'require':
      if (!isLibpq) return {};
      return hasAuthority ? { checkServerIdentity: () => undefined } : { rejectUnauthorized: false };
    case 'verify-ca':
      if (!isLibpq) return {};
      return hasAuthority
        ? { checkServerIdentity: () => undefined }
        : invalidParameter('sslmode', 'verify-ca needs sslrootcert beside it, or say verify-full');
    default:
      return invalidParameter(
        'sslmode',
        'say verify-full, require, no-verify or disable: the driver does not fall back from TLS to plain text',
      );
  }
}
