import { Inject } from '@nestjs/common';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { getNamespaceToken } from './cache.tokens.js';

/** Injects the `NamespaceCache` of a definition listed in `forRoot({ namespaces })` or `forFeature()`. */
export function InjectNamespace(
  namespace: Pick<NamespaceDefinition, 'name'> | string,
): ParameterDecorator & PropertyDecorator {
  return Inject(getNamespaceToken(namespace));
}
