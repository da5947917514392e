import { CacheError } from '../core/cache-error.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { CacheNamespace } from './cache-namespace.js';
import { chatNamespaces } from './chat-namespaces.js';

/** What of `CacheService` needs which of the namespaces. */
const NEEDED_BY: Readonly<Record<string, string>> = {
  [CacheNamespace.CHATS]: 'chats, getChatSettings, setChatSettings, getChatInfo and setChatInfo',
  [CacheNamespace.CHAT_USERS]: 'chatUsers, getUserData and setUserData',
  [CacheNamespace.USERS]: 'users, getUserState, setUserState and clearUserState',
};

/** Which of the namespaces of a chat bot the module declares: an application's own of the same name takes the place of one. */
export class ChatDeclaration {
  readonly declared: readonly NamespaceDefinition[];
  /** The names that the application has taken. */
  readonly #taken: ReadonlySet<string>;

  /** `own` is what the application declares itself. */
  constructor(
    private readonly isWanted: boolean,
    own: readonly NamespaceDefinition[],
  ) {
    this.#taken = new Set(own.map(({ name }) => name));
    this.declared = isWanted ? chatNamespaces.filter(({ name }) => !this.#taken.has(name)) : [];
  }

  isBuiltIn(name: string): boolean {
    return this.declared.some((definition) => definition.name === name);
  }

  /** Throws `UNKNOWN_NAMESPACE` for one of the three that is not declared here, with the reason. */
  assertDeclared({ name }: Pick<NamespaceDefinition, 'name'>): void {
    if (this.isBuiltIn(name)) return;
    const why = this.isWanted
      ? `the application declares a namespace '${name}' of its own, which takes its place. Inject that one with ` +
        '@InjectNamespace, or give it another name to have both.'
      : 'chatNamespaces is false.';
    throw new CacheError('UNKNOWN_NAMESPACE', `CacheService has no ${NEEDED_BY[name] ?? name}: ${why}`, {
      namespace: name,
    });
  }

  /** Throws `DUPLICATE_NAMESPACE` for a definition that would take a place when it is too late. */
  assertFree(definition: NamespaceDefinition): void {
    const { name } = definition;
    if (!this.isBuiltIn(name) || this.declared.includes(definition)) return;
    throw new CacheError(
      'DUPLICATE_NAMESPACE',
      `The module that declares '${name}' is loaded lazily, when the built-in namespace of that name is in use already. ` +
        'List the definition in CacheModule.forRoot({ namespaces: [...] }) too, so that it takes the place of the built-in one ' +
        'from the start; or set chatNamespaces to false, or choose another name.',
      { namespace: name },
    );
  }
}
