import {
  create,
  type DescField,
  type DescMessage,
  type FileRegistry,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

const DEEPEST = 3;

/**
 * A message with a value other than the default in every field, the same at each run; of a `oneof`, the member that
 * `variant` points to. Messages inside are filled too, a few levels deep, with the first member of each.
 */
export function filled(type: DescMessage, variant = 0, depth = 0): Message {
  const message = create(type);
  const view = reflect(type, message);
  for (const member of type.members) {
    const field = member.kind === "oneof" ? member.fields[variant % member.fields.length] : member;
    if (field !== undefined) fill(view, field, depth);
  }
  return message;
}

/** How many variants show every member of every `oneof` of the message itself. */
export function variantsOf(type: DescMessage): number {
  return Math.max(1, ...type.oneofs.map(({ fields }) => fields.length));
}

/** Every message that events or calls carry, by its full name; parts of others come with them. */
export function messagesOf(registry: FileRegistry): readonly DescMessage[] {
  const found = new Map<string, DescMessage>();
  for (const file of registry.files) {
    if (!file.name.startsWith("aios/")) continue;
    for (const message of file.messages) found.set(message.typeName, message);
  }
  return [...found.values()].sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
}

function fill(view: ReflectMessage, field: DescField, depth: number): void {
  if (field.fieldKind === "list") {
    const element = sampleOf(field, field.listKind, depth);
    if (element !== undefined) view.get(field).add(element as never);
  } else if (field.fieldKind === "map") {
    const key = scalar(field.mapKey, field.number);
    const element = sampleOf(field, field.mapKind, depth);
    if (element !== undefined) view.get(field).set(key as never, element as never);
  } else {
    const value = sampleOf(field, field.fieldKind, depth);
    if (value !== undefined) view.set(field, value as never);
  }
}

type Kind = "scalar" | "enum" | "message";

function sampleOf(field: DescField, kind: Kind, depth: number): unknown {
  if (kind === "scalar") return scalar(field.scalar ?? ScalarType.STRING, field.number);
  // The first that is not the default: later ones may be known to one side alone.
  if (kind === "enum") return field.enum?.values[1]?.number ?? 0;
  if (depth >= DEEPEST || field.message === undefined) return undefined;
  return reflect(field.message, filled(field.message, 0, depth + 1));
}

function scalar(type: ScalarType, number: number): unknown {
  switch (type) {
    case ScalarType.STRING:
      return `text ${number}`;
    case ScalarType.BYTES:
      return Uint8Array.of(number, 0xff, 0);
    case ScalarType.BOOL:
      return true;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return number + 0.5;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 2n ** 40n + BigInt(number);
    default:
      return 1_000 + number;
  }
}
