import { invalidParameter } from './url-parameters.js';

/** The ways in which hosts of MySQL write the client's --ssl-mode. */
const MODES = ['ssl-mode', 'sslmode', 'sslMode', 'ssl_mode'];
/** That of JDBC. */
const SWITCHES = ['useSSL', 'useSsl'];
/** With mysql2's own. */
export const MYSQL_TLS_PARAMETERS: ReadonlySet<string> = new Set(['ssl', ...MODES, ...SWITCHES]);

/** A set of certificates that mysql2 brings along. */
export const MYSQL_PROFILES: readonly string[] = ['Amazon RDS'];

/** What TLS the parameters of a URL ask for; `undefined` where they don't say. */
export function mysqlTls(parameters: ReadonlyMap<string, string>): boolean | object | string | undefined {
  const given = [...parameters].filter(([name]) => MYSQL_TLS_PARAMETERS.has(name));
  const [first, second] = given;
  if (first === undefined) return undefined;
  const [name, value] = first;
  if (second !== undefined) return invalidParameter(second[0], `'${name}' says the same: keep one of them`);
  if (SWITCHES.includes(name)) return bySwitch(name, value);
  return name === 'ssl' ? bySsl(value) : byMode(name, value);
}

function bySsl(value: string): boolean | object | string {
  if (MYSQL_PROFILES.includes(value)) return value;
  if (value === '1' || value === '0') return value === '1';
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'boolean') return parsed;
    if (Object.prototype.toString.call(parsed) === '[object Object]') return parsed as object;
  } catch {
    // Refused as any other.
  }
  return invalidParameter(
    'ssl',
    `it must be true, false, ${MYSQL_PROFILES.join(', ')}, or an object of TLS options in JSON, percent-encoded`,
  );
}

function bySwitch(name: string, value: string): boolean {
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return invalidParameter(name, 'it must be true or false');
}

function byMode(name: string, value: string): boolean | object {
  switch (value.toUpperCase().replaceAll('-', '_')) {
    case 'DISABLE':
    case 'DISABLED':
      return false;
    case 'REQUIRE':
    case 'REQUIRED':
      return { rejectUnauthorized: false };
    case 'VERIFY_CA':
      return { rejectUnauthorized: true };
    case 'VERIFY_FULL':
    case 'VERIFY_IDENTITY':
      return { rejectUnauthorized: true, verifyIdentity: true };
    default:
      return invalidParameter(
        name,
        'say VERIFY_IDENTITY, VERIFY_CA, REQUIRED or DISABLED: the driver does not fall back from TLS to plain text',
      );
  }
}
