import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const JSON_CODEC = join(import.meta.dirname, '..', '..', 'src', 'core', 'values', 'json.js');
const FILE = join(import.meta.dirname, 'given.ts');

/** What the compiler says of a program that imports `json`. */
function messagesOf(source: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.es2024.string.d.ts'],
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, languageVersion) =>
    name === FILE
      ? ts.createSourceFile(
          name,
          `import { json } from ${JSON.stringify(JSON_CODEC)};\n${source}`,
          languageVersion,
        )
      : getSourceFile(name, languageVersion);
  const program = ts.createProgram([FILE], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

it('the compiler names the property that json<T>() would alter, and what to do', () => {
  const messages = messagesOf(`
    interface Session { id: number; createdAt: Date; seen: { at: Date }[] }
    json<{ id: number }>();
    json<Session>();
    json<Date>();
    json<Map<string, number>[]>();
    class Account { balance = 0; deposit(): void {} }
    json<Account>();
  `);
  const remedy = 'use rich<T>(), store another type, or give json<T>() a reviver or { unchecked: true }';
  const whole = `json<T>() would not bring this type back as it was: ${remedy}`;
  const property = (name: string): string => `json<T>() would not bring '${name}' back as it was: ${remedy}`;
  expect(messages.map((message) => /'this' of type '(.*)'\.$/.exec(message)?.[1])).toEqual([
    `"${property('createdAt')}" | "${property('seen')}"`,
    `"${whole}"`,
    `"${whole}"`,
    `"${property('deposit')}"`,
  ]);
});
