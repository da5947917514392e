/** When a write to a namespace is acknowledged, and so what a crash can lose. */
export enum CachePersistenceLevel {
  /** Acknowledged in memory. A restart forgets everything. */
  MEMORY_ONLY = 'memory',
  /** Write-through: acknowledged when the transaction that holds it has committed. A crash loses nothing acknowledged. */
  ON_CHANGE = 'on_change',
  /** Write-back: acknowledged in memory, written at checkpoints and at the stop. A crash loses what came after the last checkpoint. */
  ON_SHUTDOWN = 'on_shutdown',
}
