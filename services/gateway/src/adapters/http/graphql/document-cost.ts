import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  type getVariableValues,
  isCompositeType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { queryTooDeep, queryTooExpensive } from "./graph-errors.js";

export type VariableValues = Extract<
  ReturnType<typeof getVariableValues>,
  { readonly variableValues: unknown }
>["variableValues"];

export interface DocumentLimits {
  readonly maxDepth: number;
  readonly maxCost: number;
}

export interface DocumentCost {
  readonly depth: number;
  readonly cost: number;
}

/** Calls of operations, and fields of the answer. */
export interface Amounts {
  readonly calls: number;
  readonly fields: number;
}

/** What the schema says about a field, in its `extensions`. */
export interface FieldCost {
  /** What calling its operation takes from a caller's bucket over REST. */
  readonly calls?: number;
  /** Things that a list right below it holds at most, by its arguments. */
  readonly pageSize?: (values: Readonly<Record<string, unknown>>) => number;
}

/** Lists without a page are taken to be this long; what they hold beyond is charged when it is known. */
const ASSUMED_LENGTH = 10;
/** Fields of an answer that cost as much as one call. */
const FIELDS_PER_CALL = 100;

/** What amounts cost, in calls. */
export function inCalls({ calls, fields }: Amounts): number {
  return calls + Math.floor(fields / FIELDS_PER_CALL);
}

/**
 * Depth and cost of an operation at its worst: lists are full, conditions hold. Cost counts what the same calls would
 * cost over REST, and one for each hundred fields of the answer. Throws `query-too-deep` or `query-too-expensive` as
 * soon as either is certain, so that no document takes longer to count than the limit allows. Introspection has no
 * depth and no lists here: a validation rule bounds it. The document must be valid.
 */
export function costOfDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: VariableValues,
  limits: DocumentLimits,
): DocumentCost {
  const root = schema.getRootType(operation.operation);
  if (root === undefined || root === null) return { depth: 0, cost: 1 };
  const count = new Count(schema, fragmentsOf(document), variables, limits);
  count.selections(operation.selectionSet, root, { depth: 1, times: 1, pageSize: undefined });
  return { depth: count.depth, cost: count.cost };
}

/**
 * What a list without a page that turned out to be so long adds to its document at its worst; undefined where it was
 * counted in full before. Throws `query-too-expensive` where that alone is over `maxCost`.
 */
export function costBeyondAssumed(
  {
    schema,
    fragments,
    variableValues,
    fieldNodes,
    returnType,
  }: Pick<GraphQLResolveInfo, "schema" | "fragments" | "variableValues" | "fieldNodes" | "returnType">,
  length: number,
  maxCost: number,
): Amounts | undefined {
  const times = length - ASSUMED_LENGTH;
  const type = getNamedType(returnType);
  if (times <= 0 || !isCompositeType(type)) return undefined;
  const limits = { maxDepth: Number.POSITIVE_INFINITY, maxCost };
  const count = new Count(schema, new Map(Object.entries(fragments)), variableValues, limits);
  for (const { selectionSet } of fieldNodes) {
    if (selectionSet !== undefined)
      count.selections(selectionSet, type, { depth: 1, times, pageSize: undefined });
  }
  return count.amounts;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

interface Place {
  readonly depth: number;
  /** How many things of this kind the answer may hold. */
  readonly times: number;
  readonly pageSize: number | undefined;
}

class Count {
  depth = 0;
  #calls = 0;
  #fields = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: Fragments,
    private readonly variables: VariableValues,
    private readonly limits: DocumentLimits,
  ) {}

  get amounts(): Amounts {
    return { calls: this.#calls, fields: this.#fields };
  }

  get cost(): number {
    return Math.max(1, inCalls(this.amounts));
  }

  selections(set: SelectionSetNode, parent: GraphQLCompositeType, place: Place): void {
    for (const selection of set.selections) {
      this.#add(place.times, 0);
      if (selection.kind === Kind.FIELD) {
        this.#field(selection, parent, place);
        continue;
      }
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD ? this.fragments.get(selection.name.value) : selection;
      if (fragment === undefined) continue;
      const condition = fragment.typeCondition?.name.value;
      const type = condition === undefined ? parent : this.schema.getType(condition);
      if (isCompositeType(type)) this.selections(fragment.selectionSet, type, place);
    }
  }

  #field(node: FieldNode, parent: GraphQLCompositeType, place: Place): void {
    const introspects = node.name.value.startsWith("__") || parent.name.startsWith("__");
    if (!introspects) {
      this.depth = Math.max(this.depth, place.depth);
      if (this.depth > this.limits.maxDepth) throw queryTooDeep(this.depth, this.limits.maxDepth);
    }
    const definition = this.schema.getField(parent, node.name.value);
    if (definition === undefined) return;
    const { calls = 0, pageSize } = costOfField(definition);
    this.#add(0, place.times * calls);
    const type = getNamedType(definition.type);
    if (node.selectionSet === undefined || !isCompositeType(type)) return;
    const isList = !introspects && isListType(getNullableType(definition.type));
    this.selections(node.selectionSet, type, {
      depth: introspects ? place.depth : place.depth + 1,
      times: isList ? place.times * (place.pageSize ?? ASSUMED_LENGTH) : place.times,
      pageSize: pageSize?.(getArgumentValues(definition, node, this.variables)),
    });
  }

  #add(fields: number, calls: number): void {
    this.#fields += fields;
    this.#calls += calls;
    if (this.cost > this.limits.maxCost) throw queryTooExpensive(this.limits.maxCost);
  }
}

export function costOfField(field: GraphQLField<unknown, unknown>): FieldCost {
  return (field.extensions["cost"] ?? {}) as FieldCost;
}
