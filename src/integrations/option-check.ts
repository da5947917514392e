import { CacheError } from '../index.js';

/** Checks what a part of a subpath is given, and refuses it in its name. */
export class OptionCheck {
  constructor(
    /** Who takes the options, as messages begin. */
    private readonly subject: string,
    private readonly number: 'singular' | 'plural' = 'singular',
  ) {}

  /** The refusal of an option; `what` goes on after the subject. */
  refusal(option: string, what: string): CacheError {
    return new CacheError('INVALID_OPTION', `${this.subject} ${what}`, { option });
  }

  /** Throws `INVALID_OPTION` for options that are no object, or of which one is not `known`. `example` shows what to pass. */
  assertKnown(given: unknown, known: readonly string[], example: string): asserts given is object {
    const [takes, has] = this.number === 'singular' ? ['takes', 'has'] : ['take', 'have'];
    if (typeof given !== 'object' || given === null)
      throw this.refusal('options', `${takes} options such as ${example}.`);
    for (const option of Object.keys(given)) {
      if (!known.includes(option))
        throw this.refusal(option, `${has} no option '${option}'. Known: ${known.join(', ')}.`);
    }
  }
}
