import { manifests, render, VALUE_SETS } from "./helm.js";

/** What the API server refuses to change of an object that is there. */
export type ImmutableFields = Readonly<Record<string, unknown>>;

/** By value set and object. */
export type ImmutableRecord = Readonly<Record<string, Readonly<Record<string, ImmutableFields>>>>;

/** Fields that `helm upgrade` cannot change, of every value set as the charts render it now. */
export function immutableFields(): ImmutableRecord {
  return Object.fromEntries(
    VALUE_SETS.map((set) => {
      const fields = manifests(render(set)).flatMap(
        ({ kind, metadata, spec }): [string, ImmutableFields][] => {
          const { selector, serviceName, volumeClaimTemplates, podManagementPolicy } = spec ?? {};
          if (kind === "Deployment") return [[`${kind}/${metadata.name}`, { selector }]];
          if (kind !== "StatefulSet") return [];
          const own = { selector, serviceName, volumeClaimTemplates, podManagementPolicy };
          return [[`${kind}/${metadata.name}`, own]];
        },
      );
      return [set, Object.fromEntries(fields)];
    }),
  );
}
