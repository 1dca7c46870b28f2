import { SetMetadata } from "@nestjs/common";

export const ALLOWED_CALLERS = "aios:allowed-callers";
export const ANONYMOUS = "anonymous";

/**
 * Names the services that may call a method (or all methods of a controller; the method's own list wins). The name
 * `provider` stands for any provider with a session token. Without this decorator every call is refused.
 */
export function AllowCallers(...names: [string, ...string[]]): ClassDecorator & MethodDecorator {
  return SetMetadata(ALLOWED_CALLERS, names);
}

/** Lets callers without a token in; only for methods that authenticate inside their own protocol. */
export function AllowAnonymous(): ClassDecorator & MethodDecorator {
  return SetMetadata(ALLOWED_CALLERS, [ANONYMOUS]);
}
