declare const brand: unique symbol;

/** A nominal type: `T` that cannot be mixed up with another `T` of a different meaning. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
