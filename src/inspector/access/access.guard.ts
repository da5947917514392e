import { SetMetadata, type CanActivate, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import { messageOf } from '../http/exchange.js';
import { assertLocal } from './local-requests.js';
import { assertOriginIsHost, assertOwnAction, assertSameOrigin } from './same-origin.js';

/** What a route gives: the page and its files, which hold nothing of the cache; data; or a change. */
type RouteKind = 'page' | 'data' | 'action';

const KIND = 'nestjs-durable-cache:inspector-route';

/** Says what a route gives. One that does not say so is an action. */
export const Gives = (kind: RouteKind): CustomDecorator => SetMetadata(KIND, kind);

/** Comes before the guard of the application, which can't know how the page sends its requests. */
export class AccessGuard implements CanActivate {
  constructor(
    /** Whether the application decides who may use the page; else this machine alone may. */
    private readonly isGuarded: boolean,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = messageOf(context.switchToHttp().getRequest());
    const kind = (Reflect.getMetadata(KIND, context.getHandler()) as RouteKind | undefined) ?? 'action';
    if (!this.isGuarded) {
      assertLocal(request);
      assertSameOrigin(request);
      assertOriginIsHost(request);
    }
    if (kind === 'data') assertSameOrigin(request);
    if (kind === 'action') assertOwnAction(request);
    return true;
  }
}
