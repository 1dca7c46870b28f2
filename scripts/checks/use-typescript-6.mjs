// dependency-cruiser needs the compiler's JavaScript API, which TypeScript 7 does not offer: it gets TypeScript 6.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    return next(specifier.replace(/^typescript(?=$|\/)/, "typescript-6"), context);
  },
});
