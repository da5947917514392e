import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer, type DiscoveryService } from '@nestjs/core';
import { CacheError } from '../../core/cache-error.js';
import { CacheLifecycle } from '../cache.lifecycle.js';
import { METHOD_CACHES } from '../cache.tokens.js';
import { bind, cachesOf, hasDecoratedMethods } from './method-binding.js';
import { MethodCaches } from './method-caches.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * Looks at every class and every instance of the application when it starts. It finds mistakes in classes that have no instance yet, and
 * gives their caches to instances that Nest was given, or that a factory has made: Nest injects nothing into those.
 */
@Injectable()
export class MethodCachesExplorer implements OnModuleInit {
  constructor(
    @Inject(METHOD_CACHES) private readonly caches: MethodCaches,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(CacheLifecycle) private readonly lifecycle: CacheLifecycle,
  ) {}

  /** Comes before the hooks of every other module, which may call decorated methods. */
  onModuleInit(): void {
    try {
      // Guards and the like are among the injectables, which DiscoveryService leaves out.
      for (const { providers, controllers, injectables } of this.modules.values()) {
        for (const wrappers of [providers, controllers, injectables])
          for (const wrapper of wrappers.values()) this.#explore(wrapper);
      }
      this.caches.explored();
    } catch (error) {
      this.lifecycle.startFailed();
      throw error;
    }
  }

  #explore(wrapper: InstanceWrapper): void {
    const { metatype, inject } = wrapper;
    const prototype: unknown = inject ? undefined : metatype?.prototype;
    if (isObject(prototype)) this.caches.assertDeclared(prototype);
    // Others have a placeholder.
    if (!wrapper.isDependencyTreeStatic()) return;
    const instances: unknown[] = wrapper.isTransient
      ? wrapper.getStaticTransientInstances().map((host) => host?.instance)
      : [wrapper.instance];
    for (const instance of instances)
      if (isObject(instance) && hasDecoratedMethods(instance)) this.#give(instance);
  }

  #give(instance: object): void {
    const caches = cachesOf(instance);
    if (caches === this.caches) return;
    if (caches?.isServing === true) throw sharedError(instance);
    const prototype = Reflect.getPrototypeOf(instance);
    if (prototype !== null) this.caches.assertDeclared(prototype);
    bind(instance, this.caches);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function sharedError({ constructor: { name } }: object): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    `One instance of ${name} is a provider of two running applications that each have a cache, and its decorated methods can use one ` +
      `alone. Let each application make an instance of its own: providers: [${name}].`,
  );
}
