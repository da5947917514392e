import type { IncomingMessage } from 'node:http';
import type { Exchange } from './exchange.js';
import { Refusal } from './refusal.js';

/** As long as a body may be, bytes, where the application leaves it to the inspector to read it. */
const MOST_BYTES = 2 ** 22;

/** The body of a request, an object of JSON. Rejects with a refusal for anything else. */
export async function bodyOf({ request, body }: Exchange): Promise<Readonly<Record<string, unknown>>> {
  const read: unknown = body ?? (request.readableEnded ? undefined : parsed(await textOf(request)));
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return { ...read };
  throw new Refusal(400, 'BAD_REQUEST', 'The body must be an object of JSON.');
}

/** One of its texts. */
export function textIn(body: Readonly<Record<string, unknown>>, name: string): string {
  const text = body[name];
  if (typeof text === 'string') return text;
  throw new Refusal(400, 'BAD_REQUEST', `'${name}' must be a string.`);
}

/** The same of one that may be left out. */
export function optionalTextIn(body: Readonly<Record<string, unknown>>, name: string): string | undefined {
  return body[name] === undefined ? undefined : textIn(body, name);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw new Refusal(413, 'TOO_LARGE', `The body is longer than ${MOST_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says of it quotes it.
    throw new Refusal(400, 'BAD_REQUEST', 'The body is no JSON.');
  }
}
