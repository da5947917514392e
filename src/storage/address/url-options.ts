import { MYSQL_PARAMETERS } from './mysql-parameters.js';
import { MYSQL_TLS_PARAMETERS, mysqlTls } from './mysql-tls.js';
import { POSTGRES_PARAMETERS } from './postgres-parameters.js';
import { POSTGRES_TLS_PARAMETERS, postgresTls } from './postgres-tls.js';
import { parseServerUrl } from './server-url.js';
import { applyParameters, type ParameterRules, type UrlOptions } from './url-parameters.js';

/** How URLs of a kind of server are read. */
interface UrlKind {
  readonly schemes: readonly string[];
  readonly rules: ParameterRules;
  readonly tlsParameters: ReadonlySet<string>;
  readonly tls: (parameters: ReadonlyMap<string, string>) => boolean | object | string | undefined;
}

export const POSTGRES_URLS: UrlKind = {
  schemes: ['postgres', 'postgresql', 'pg'],
  rules: POSTGRES_PARAMETERS,
  tlsParameters: POSTGRES_TLS_PARAMETERS,
  tls: postgresTls,
};
export const MYSQL_URLS: UrlKind = {
  schemes: ['mysql', 'mariadb', 'mysql2'],
  rules: MYSQL_PARAMETERS,
  tlsParameters: MYSQL_TLS_PARAMETERS,
  tls: mysqlTls,
};

/** What a URL says, in options; nothing where there is none. */
export function optionsOf(url: unknown, { schemes, rules, tlsParameters, tls }: UrlKind): UrlOptions {
  if (url === undefined || url === null) return { extra: {}, ignored: [] };
  const { parameters, ...place } = parseServerUrl(url, schemes);
  const options: UrlOptions = { extra: {}, ignored: [] };
  for (const [name, value] of Object.entries(place)) {
    if (value !== undefined) Object.assign(options, { [name]: value });
  }
  const others = new Map([...parameters].filter(([name]) => !tlsParameters.has(name)));
  applyParameters(others, rules, options);
  const ssl = tls(parameters);
  if (ssl !== undefined) options.ssl = ssl;
  const negotiation = parameters.get('sslnegotiation');
  if (negotiation !== undefined) options.extra['sslnegotiation'] = negotiation;
  return options;
}
