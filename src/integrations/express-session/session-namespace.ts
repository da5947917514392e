import {
  CachePersistenceLevel,
  defineNamespace,
  stringKey,
  type ConflictRule,
  type NamespaceDefinition,
  type NamespaceTuning,
} from '../../index.js';
import { sessionText } from './session-text.js';

const DAY_MS = 86_400_000;

/** The options of {@link sessionNamespace}. */
export interface SessionNamespaceOptions extends NamespaceTuning {
  /** The `namespace` column of the rows; unique in the application. */
  readonly name: string;
  /**
   * Milliseconds that a session lives whose cookie has no expiry, which browsers drop when they are closed; `null` for ever.
   * Default 86 400 000, a day. A cookie with `maxAge` or `expires` decides for itself.
   */
  readonly ttlMs?: number | null | undefined;
}

/**
 * Declares the namespace of a `DurableSessionStore`: the JSON text of each session by its id. Default level `ON_CHANGE`: whoever
 * has logged in or out stays so, also if the process is killed right after the response.
 *
 * Throws `INVALID_OPTION` for an option that is unknown or out of range.
 */
export function sessionNamespace(options: SessionNamespaceOptions): NamespaceDefinition<string, string> {
  const { ttlMs = DAY_MS, persistence } = options ?? {};
  const isWrittenBack = persistence === CachePersistenceLevel.ON_SHUTDOWN;
  const rule = isWrittenBack ? { onConflict: touchesGiveWay } : {};
  return defineNamespace({ ...options, ...rule, ttlMs, key: stringKey(), value: sessionText });
}

/** A session that was only touched here is what another instance has made of it, and over where that has ended it. */
const touchesGiveWay: ConflictRule<string> = ({ base, mine, theirs }) => (mine === base ? theirs : mine);
