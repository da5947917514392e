import { invalidParameter, wholeNumber, type ParameterRules } from './url-parameters.js';

const LEAVE_OUT = 'the cache sets it itself for its own connections: leave it out';

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
  // Seconds there, and pg heeds it as an option alone.
  connect_timeout: (value, options, name) => {
    options.connectTimeout = wholeNumber(name, value, 1) * 1000;
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
  client_encoding: (value, _options, name) => {
    if (!/^utf-?8$/i.test(value))
      invalidParameter(name, 'the cache speaks UTF-8, whatever the database is encoded in');
  },
  channel_binding: (value, { extra }, name) => {
    if (value === 'prefer') extra['enableChannelBinding'] = true;
    else if (value !== 'disable') {
      invalidParameter(
        name,
        "pg can't insist on it: say prefer, which binds where the server offers it, or disable",
      );
    }
  },
  binary: LEAVE_OUT,
  replication: LEAVE_OUT,
  lock_timeout: LEAVE_OUT,
  query_timeout: 'give it beside the url, as in extra: { query_timeout: 30_000 }',
  schema: "give it beside the url, as in { type: 'postgres', url, schema }",
  dbname: 'name the database behind the host, as in postgres://host/database',
  database: 'name the database behind the host, as in postgres://host/database',
  connection_limit: 'give poolSize beside the url',
  pgbouncer: 'leave it out, and connect to the server or to a pool in session mode',
  target_session_attrs: 'name the one host that takes writes',
};
