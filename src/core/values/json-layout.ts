/** A string, what has a meaning of its own, or anything between those: numbers and words. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/gs;
const INDENT = '  ';

/**
 * The same JSON on several lines, indented; `undefined` for a text that is no JSON. Tokens stay as they are written: a parser
 * would round large numbers, and drop what is there twice.
 */
export function laidOut(text: string): string | undefined {
  if (!isJson(text)) return undefined;
  const tokens = text.match(TOKEN) ?? [];
  let line = '';
  let depth = 0;
  const lines: string[] = [];
  const newLine = (): void => {
    lines.push(line);
    line = INDENT.repeat(depth);
  };
  tokens.forEach((token, i) => {
    switch (token) {
      case '{':
      case '[':
        line += token;
        depth += 1;
        if (!isEnd(tokens[i + 1])) newLine();
        break;
      case '}':
      case ']':
        depth -= 1;
        if (!isBeginning(tokens[i - 1])) newLine();
        line += token;
        break;
      case ',':
        line += token;
        newLine();
        break;
      default:
        line += token === ':' ? ': ' : token;
    }
  });
  return [...lines, line].join('\n');
}

function isBeginning(token: string | undefined): boolean {
  return token === '{' || token === '[';
}

function isEnd(token: string | undefined): boolean {
  return token === '}' || token === ']';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
