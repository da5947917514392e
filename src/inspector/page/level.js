import { element } from './element.js';

/**
 * What each level is called, and what it means to who looks after the application.
 *
 * @type {Readonly<Record<string, { name: string, promise: string }>>}
 */
const LEVELS = {
  memory: { name: 'Memory only', promise: 'Nothing is stored: a restart begins with none of it.' },
  on_change: {
    name: 'Write-through',
    promise: 'A write is acknowledged when the database has committed it.',
  },
  on_shutdown: {
    name: 'Write-back',
    promise: 'A write is acknowledged in memory, and written at checkpoints and at the stop.',
  },
};

/** @param {string} level */
export const nameOf = (level) => LEVELS[level]?.name ?? level;

/** @param {string} level */
export const promiseOf = (level) => LEVELS[level]?.promise ?? '';

/** @param {string} level */
export const badgeOf = (level) =>
  element('span', { class: 'badge', 'data-level': level, title: promiseOf(level) }, nameOf(level));
