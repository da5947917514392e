import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import type { Example } from './examples.js';

const PACKAGE = 'nestjs-durable-cache';
const PRELUDE = resolve('test/docs/prelude.d.ts');

/** Names that examples may use without importing them, as a reader would add the import, by module. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  '@nestjs/common': ['Controller', 'Get', 'Inject', 'Injectable', 'Module', 'Param', 'Post'],
  '@nestjs/core': ['NestFactory'],
  '@nestjs/typeorm': ['getDataSourceToken', 'TypeOrmModule'],
  'node:fs': ['readFileSync'],
  typeorm: ['DataSource'],
};

/** Compiles examples against the sources; gives what is wrong with each, with the line of its page. */
export function compile(examples: readonly Example[]): string[] {
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const exported = publicNames(options, host);
  const files = new Map(
    examples.map((example, i) => [fileOf(i), { example, source: programOf(example, exported) }]),
  );
  const withExamples: ts.CompilerHost = {
    ...host,
    fileExists: (path) => files.has(path) || host.fileExists(path),
    getSourceFile(path, version, ...rest) {
      const file = files.get(path);
      if (file === undefined) return host.getSourceFile(path, version, ...rest);
      return ts.createSourceFile(path, file.source, version, true);
    },
  };
  const program = ts.createProgram([PRELUDE, ...files.keys()], options, withExamples);
  const wrong = program.getOptionsDiagnostics().map(({ messageText }) => flat(messageText));
  for (const [path, { example }] of files) {
    const file = program.getSourceFile(path);
    for (const { start = 0, messageText } of ts.getPreEmitDiagnostics(program, file)) {
      const { line = 0 } = file?.getLineAndCharacterOfPosition(start) ?? {};
      // The first line holds the imports that the example leaves out.
      wrong.push(`${example.page}:${example.line + Math.max(0, line - 1)} ${flat(messageText)}`);
    }
  }
  return wrong;
}

/** An ES module beside this one, whatever the package is. */
function fileOf(index: number): string {
  return resolve('test/docs', `example-${index}.mts`);
}

/** The example as a module of its own. */
function programOf({ code }: Example, exported: ReadonlyMap<string, boolean>): string {
  const used = namesIn(code);
  const imports: string[] = [];
  for (const [name, isValue] of exported)
    if (used.has(name)) imports.push(`import { ${isValue ? '' : 'type '}${name} } from '${PACKAGE}';`);
  for (const [module, names] of Object.entries(KNOWN))
    for (const name of names) if (used.has(name)) imports.push(`import { ${name} } from '${module}';`);
  return `${imports.join(' ')}\n${code}\nexport {};\n`;
}

/** Names that the code uses and neither imports nor declares. */
function namesIn(code: string): ReadonlySet<string> {
  const used = new Set<string>();
  const own = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isDeclared = 'name' in parent && parent.name === node && !ts.isPropertyAccessExpression(parent);
      (isDeclared ? own : used).add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('example.mts', code, ts.ScriptTarget.Latest, true));
  for (const name of own) used.delete(name);
  return used;
}

/** What the package exports, and whether each is more than a type. */
function publicNames(options: ts.CompilerOptions, host: ts.CompilerHost): ReadonlyMap<string, boolean> {
  const index = resolve('src/index.ts');
  const program = ts.createProgram([index], options, host);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(index);
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  const names = module === undefined ? [] : checker.getExportsOfModule(module);
  return new Map(
    names.map((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return [symbol.name, (target.flags & ts.SymbolFlags.Value) !== 0];
    }),
  );
}

/** Those of the sources, with the package's names leading to its sources. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile('tsconfig.json', (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: unknown };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  const paths: Record<string, string[]> = {};
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const source = target.types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts');
    paths[join(PACKAGE, subpath)] = [resolve(source)];
  }
  return {
    ...options,
    paths,
    rootDir: resolve('.'),
    noEmit: true,
    // Few applications have it, and TypeORM's options don't allow for it.
    exactOptionalPropertyTypes: false,
    // An example may show a constant that it does not use.
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
}

function flat(text: string | ts.DiagnosticMessageChain): string {
  return ts.flattenDiagnosticMessageText(text, '\n  ');
}
