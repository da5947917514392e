import {
  defineNamespace,
  json,
  stringKey,
  type AsJson,
  type NamespaceDefinition,
  type NamespaceTuning,
  type ValueCodec,
} from '../../index.js';

/** The options of {@link botSessionNamespace}. */
export interface BotSessionNamespaceOptions<S> extends NamespaceTuning {
  /** The `namespace` column of the rows; unique in the application. */
  readonly name: string;
  /** How sessions are stored. Default `json<S>()`; `rich<S>()` keeps dates, maps and bigints, too. */
  readonly value?: ValueCodec<S> | undefined;
  /** Milliseconds that a session lives from the last update that used it; `null` for ever. Default: for ever. */
  readonly ttlMs?: number | null | undefined;
}

/**
 * Declares the namespace of a `DurableBotSessions`: the sessions by the keys that the bot gives them, a copy for each reader.
 * Default level `ON_CHANGE`: Telegram does not repeat an update that was handled, so what it changed is committed before that.
 *
 * Throws `INVALID_OPTION` for an option that is unknown or out of range.
 */
export function botSessionNamespace<S>(
  options: BotSessionNamespaceOptions<S> & { readonly value: ValueCodec<S> },
): NamespaceDefinition<string, S, 'copied'>;
export function botSessionNamespace<S>(
  this: AsJson<S>,
  options: BotSessionNamespaceOptions<S>,
): NamespaceDefinition<string, S, 'copied'>;
export function botSessionNamespace<S>(
  options: BotSessionNamespaceOptions<S>,
): NamespaceDefinition<string, S, 'copied'> {
  // That JSON brings `S` back is said by the signature.
  const value = options?.value ?? (json<unknown>() as ValueCodec<S>);
  return defineNamespace({ ...options, key: stringKey(), value, values: 'copied' });
}
