import {
  connectSeconds,
  ignored,
  ignoredBut,
  invalidParameter,
  nothingBut,
  rulesFor,
  TLS_BESIDE,
  wholeNumber,
  type ParameterRules,
} from './url-parameters.js';

const BEHIND = 'name the database behind the host, as in postgres://host/database';

/** What other libraries, hosts and tools print into their URLs, and what the cache sets itself. */
const TUNING = [
  'binary',
  'connection_limit',
  'idle_timeout',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'lock_timeout',
  'max',
  'min',
  'pool_max_conns',
  'pool_size',
  'pool_timeout',
  'query_timeout',
  'serverVersion',
  'socket_timeout',
  'statement_cache_size',
  'tcp_user_timeout',
];
const TLS = ['sslaccept', 'sslcrl', 'sslcrldir', 'sslidentity', 'sslpassword', 'ssl_min_protocol_version'];

/** The parameters that `pg` knows, and some that others write. What TLS is asked for is told by `postgresTls`. */
export const POSTGRES_PARAMETERS: ParameterRules = {
  // They win over what is in front of them.
  host: (value, options) => {
    options.host = value;
  },
  port: (value, options, name) => {
    options.port = wholeNumber(name, value, 1);
  },
  user: (value, options) => {
    options.username = value;
  },
  password: (value, options) => {
    options.password = value;
  },
  application_name: (value, options) => {
    options.applicationName = value;
  },
  fallback_application_name: (value, options) => {
    options.fallbackApplicationName = value;
  },
  // pg heeds it as an option alone.
  connect_timeout: connectSeconds,
  schema: (value, options) => {
    options.schema = value;
  },
  options: (value, { extra }) => {
    extra['options'] = value;
  },
  statement_timeout: (value, { extra }, name) => {
    extra[name] = wholeNumber(name, value);
  },
  idle_in_transaction_session_timeout: (value, { extra }, name) => {
    extra[name] = wholeNumber(name, value);
  },
  // pg can't insist on it: it binds where the server offers it.
  channel_binding: (value, { extra }, name) => {
    if (!['require', 'prefer', 'disable'].includes(value))
      invalidParameter(name, 'say require, prefer or disable');
    if (value !== 'disable') extra['enableChannelBinding'] = true;
  },
  client_encoding: ignoredBut(/^utf-?8$/i),
  timezone: ignoredBut(/^(utc|etc\/utc|gmt)$/i),
  TimeZone: ignoredBut(/^(utc|etc\/utc|gmt)$/i),
  pgbouncer: ignoredBut(/^false$/),
  gssencmode: nothingBut(/^(disable|prefer)$/, 'pg speaks no GSSAPI: say disable, and use TLS'),
  // The start finds out whether the server takes writes.
  target_session_attrs: nothingBut(/^(any|read-write|primary)$/, 'name the server that takes writes'),
  replication: 'the cache has sessions of the usual kind: leave it out',
  dbname: BEHIND,
  database: BEHIND,
  ...rulesFor(TUNING, ignored),
  ...rulesFor(TLS, TLS_BESIDE),
};
