import { CodedError } from "@aios/kernel/coded-error";
import type { ArchivedEntry } from "@aios/launcher/backup/archive";
import {
  ABOUT_ENTRY,
  bytesOf,
  CLUSTER_FORMAT,
  type ClusterAbout,
} from "@aios/launcher/backup/cluster-archive";
import { z } from "zod";
import type { StoredObject } from "./network-objects.js";

/** As Kubernetes has it: what is in a backup becomes names of objects, of files and of pods. */
const NAME = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);
const FORMAT = z.object({ format: z.int().positive() });
const TEXTS = z.record(z.string(), z.string());
const ABOUT = z.object({
  format: z.int().positive(),
  release: NAME,
  namespace: NAME,
  version: z.string(),
  values: z.record(z.string(), z.unknown()),
  chain: z.object({ height: z.int().nonnegative(), hash: z.string().regex(/^0x[0-9a-f]+$/) }).optional(),
  isHeadUnknown: z.literal(true).optional(),
  network: z.array(z.string().regex(/^(?:Secret|ConfigMap)\/[a-z0-9.-]+$/)),
  volumes: z.array(z.object({ claim: NAME, statefulSet: NAME, template: NAME })),
  databases: z.array(NAME),
  hasEvents: z.boolean(),
  elsewhere: z.array(z.string()),
});
/** Nothing but keys and genesis: a restore has its operator's rights. */
const OBJECTS = z.array(
  z.object({
    apiVersion: z.literal("v1"),
    kind: z.enum(["Secret", "ConfigMap"]),
    metadata: z.object({ name: NAME, labels: TEXTS }),
    type: z.string().optional(),
    data: TEXTS.optional(),
  }),
);
const ROWS = z.object({ rows: z.int().nonnegative() });

/**
 * Reads the first entry. Throws `other-backup` for one of a single machine, `backup-newer` for a later format, and
 * `backup-unexpected`.
 */
export async function readAbout(first: ArchivedEntry | undefined): Promise<ClusterAbout> {
  if (first?.path !== ABOUT_ENTRY) throw otherBackup();
  const said = await jsonOf(first);
  const { format } = inForm(FORMAT, first, said);
  if (format > CLUSTER_FORMAT) throw newer(format);
  return inForm(ABOUT, first, said) as ClusterAbout;
}

/** Throws `backup-unexpected`. */
export async function readStoredObjects(entry: ArchivedEntry): Promise<readonly StoredObject[]> {
  return inForm(OBJECTS, entry, await jsonOf(entry)) as readonly StoredObject[];
}

/** Throws `backup-unexpected`. */
export async function readRowCount(entry: ArchivedEntry): Promise<number> {
  return inForm(ROWS, entry, await jsonOf(entry)).rows;
}

async function jsonOf(entry: ArchivedEntry): Promise<unknown> {
  try {
    return JSON.parse((await bytesOf(entry)).toString());
  } catch (error) {
    throw error instanceof SyntaxError ? unexpected(entry, "it is not JSON") : error;
  }
}

function inForm<T>(form: z.ZodType<T>, entry: ArchivedEntry, said: unknown): T {
  const read = form.safeParse(said);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw unexpected(entry, `${issue?.path.join(".")}: ${issue?.message}`);
}

const unexpected = ({ path }: ArchivedEntry, why: string): CodedError =>
  new CodedError({
    code: "backup-unexpected",
    kind: "invalid",
    message: `${path} in this backup has another form than this program writes: ${why}. Nothing of it was restored.`,
    details: { path },
  });

const otherBackup = (): CodedError =>
  new CodedError({
    code: "other-backup",
    kind: "invalid",
    message:
      "This is a backup of one machine. Restore it there: aios restore --from …, without the word kubernetes.",
  });

const newer = (format: number): CodedError =>
  new CodedError({
    code: "backup-newer",
    kind: "invalid",
    message: `This backup has format ${format}; this program reads up to ${CLUSTER_FORMAT}. Restore it with the version that wrote it, then upgrade.`,
    details: { format },
  });
