/** The parts of `/name@addressee rest`. */
export interface CommandLine {
  readonly name: string;
  readonly addressee: string | undefined;
  readonly rest: string;
}

const COMMAND = /^\/(?<name>\w+)(?:@(?<addressee>\w+))?(?:\s+(?<rest>.*))?$/s;
const KEY_AND_VALUE = /^(?<key>\S+)(?:\s+(?<value>.+))?$/s;

/** A command in Telegram's form; nothing for any other text. */
export function parseCommand(text: string): CommandLine | undefined {
  const parts = COMMAND.exec(text.trim())?.groups;
  if (parts?.['name'] === undefined) return undefined;
  return { name: parts['name'].toLowerCase(), addressee: parts['addressee'], rest: parts['rest'] ?? '' };
}

/** The first word, and everything after it as it was written. */
export function splitKeyAndValue(rest: string): { key: string | undefined; value: string | undefined } {
  const parts = KEY_AND_VALUE.exec(rest.trim())?.groups;
  return { key: parts?.['key'], value: parts?.['value'] };
}
