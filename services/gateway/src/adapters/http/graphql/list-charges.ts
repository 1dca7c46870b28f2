import {
  defaultFieldResolver,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
} from "graphql";
import type { DocumentBudget } from "./document-budget.js";
import { costBeyondAssumed, costOfField } from "./document-cost.js";

interface Budgeted {
  readonly budget: DocumentBudget;
}

/**
 * Lets every list of things without a page pay, before anything below it is read, for what it holds beyond the length
 * that documents are counted with. Pages are counted in full before.
 */
export function chargeLongLists(schema: GraphQLSchema): void {
  const types = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith("__"));
  const fields = types.flatMap((type) => Object.values(type.getFields()));
  const pages = new Set(
    fields
      .filter((field) => costOfField(field).pageSize !== undefined)
      .map(({ type }) => getNamedType(type).name),
  );
  for (const type of types) {
    if (pages.has(type.name)) continue;
    for (const field of Object.values(type.getFields())) {
      if (isListOfThings(field.type)) field.resolve = charged(field.resolve ?? defaultFieldResolver);
    }
  }
}

function isListOfThings(type: GraphQLOutputType): boolean {
  return isListType(getNullableType(type)) && isCompositeType(getNamedType(type));
}

function charged(resolve: GraphQLFieldResolver<unknown, Budgeted>): GraphQLFieldResolver<unknown, Budgeted> {
  return (source, values, context, info) => {
    const answer: unknown = resolve(source, values, context, info);
    return answer instanceof Promise
      ? answer.then((list: unknown) => afforded(list, context, info))
      : afforded(answer, context, info);
  };
}

function afforded(list: unknown, { budget }: Budgeted, info: GraphQLResolveInfo): unknown {
  if (!Array.isArray(list)) return list;
  const beyond = costBeyondAssumed(info, list.length, budget.limit);
  return beyond === undefined ? list : budget.spend(beyond).then(() => list);
}
