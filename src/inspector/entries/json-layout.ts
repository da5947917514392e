/** What opens and closes in JSON. */
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };
const INDENT = '  ';

/**
 * The same JSON with a line for each member, token by token: parsed and written anew, a number of many digits would be another one.
 * `undefined` for a text that is no JSON.
 */
export function laidOut(json: string): string | undefined {
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  let text = '';
  let depth = 0;
  const line = (): string => `\n${INDENT.repeat(depth)}`;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs)) {
    if (token in CLOSING) {
      depth += 1;
      text += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      // Nothing in it: on one line.
      text = /[{[]\s*$/.test(text) ? text.trimEnd() + token : text + line() + token;
    } else if (token === ',') text += token + line();
    else text += token === ':' ? ': ' : token;
  }
  return text;
}
