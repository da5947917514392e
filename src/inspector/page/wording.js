const whole = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const timeOfDay = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const shortTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {number} number */
export const count = (number) => whole.format(number);

/** At most a few characters. @param {number} number */
export const short = (number) =>
  Math.abs(number) < 10_000 ? precise.format(number) : compact.format(number);

/** @param {number} number @param {string} one @param {string} [many] */
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** @param {number} perSecond */
export const rate = (perSecond) => `${short(perSecond)}/s`;

/** @param {number} part 0 to 1 */
export const percent = (part) => `${precise.format(part * 100)} %`;

/** The share of reads that memory answered; a dash where there were none. @param {{ hits: number, misses: number, hitRate: number }} stats */
export const hitRate = ({ hits, misses, hitRate: part }) => (hits + misses === 0 ? '–' : percent(part));

/** @param {number} number */
export function bytes(number) {
  let unit = 0;
  let amount = number;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  if (unit === 0) return counted(number, 'byte');
  return `${precise.format(amount)} ${UNITS[unit]}`;
}

/** A length of time, in its two largest units. @param {number} ms */
export function duration(ms) {
  const length = Math.max(0, ms);
  if (length < SECOND) return `${Math.round(length)} ms`;
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return pair(length, MINUTE, 'min', SECOND, 's');
  if (length < DAY) return pair(length, HOUR, 'h', MINUTE, 'min');
  return pair(length, DAY, 'd', HOUR, 'h');
}

/** @param {number} ms @param {number} large @param {string} largeUnit @param {number} small @param {string} smallUnit */
function pair(ms, large, largeUnit, small, smallUnit) {
  const rest = Math.floor((ms % large) / small);
  const first = `${Math.floor(ms / large)} ${largeUnit}`;
  return rest === 0 ? first : `${first} ${rest} ${smallUnit}`;
}

/** A moment, by the clock of who looks at it. @param {number} at wall-clock ms */
export function moment(at) {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? timeOfDay.format(date) : dayAndTime.format(date);
}

/** A time of day on a scale. @param {number} seconds since 1970 @param {boolean} exactly whether to tell seconds */
export const timeAt = (seconds, exactly) => (exactly ? timeOfDay : shortTime).format(seconds * 1000);
