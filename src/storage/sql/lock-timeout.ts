/** How long a statement of a server waits for a lock that others hold, s: then the cache tries again. */
export const LOCK_TIMEOUT_S = 5;
/**
 * How long a transaction may wait for its next statement, s: a process that is suspended must not keep its rows locked.
 * Whoever waits for one of them gets it before its own time is up.
 */
export const IDLE_TIMEOUT_S = LOCK_TIMEOUT_S - 1;
