import { z } from "zod";
import { cid, hexBytes, uint } from "./common.schemas.js";

export const storedContentView = z
  .object({ cid, sizeBytes: uint, deduplicated: z.boolean() })
  .meta({ id: "StoredContent" });
export const contentBytes = z.unknown().meta({ id: "ContentBytes", description: "Raw bytes." });

export const contentHeaders = z.object({
  "x-aios-category": z
    .enum(["model", "job-input", "job-output", "training-output", "proof", "proving-key", "data-set"])
    .meta({ description: "What the bytes are." }),
  "x-aios-encrypted": z
    .enum(["true", "false"])
    .default("false")
    .meta({ description: "Whether the bytes are ciphertext." }),
  "x-aios-media-type": z.string().max(128).default("application/octet-stream"),
});

export const wrappingKeyView = z
  .object({ keyId: z.string(), publicKey: hexBytes })
  .meta({ id: "WrappingKey" });

export const sealedKey = z
  .strictObject({
    ephemeralPublicKey: hexBytes.max(66),
    nonce: hexBytes.max(66),
    ciphertext: hexBytes.max(514),
  })
  .meta({
    id: "SealedKey",
    description: "A content key sealed to one recipient (X25519, HKDF-SHA256, AES-256-GCM).",
  });

export const depositKeyBody = z
  .strictObject({
    cid,
    keyId: z.string().min(1).max(128),
    sealedKey,
    leaseScopes: z.array(z.string().min(1).max(128)).max(16),
    servicePurposes: z.array(z.string().min(1).max(64)).max(8),
  })
  .meta({ id: "KeyDeposit" });

export const keyReleasesView = z
  .object({
    releases: z.array(
      z.object({
        releaseId: z.string(),
        cid,
        recipient: z.string(),
        purpose: z.string(),
        jobId: z.string().nullable(),
        fencingToken: uint,
        releasedAtMs: uint,
      }),
    ),
  })
  .meta({ id: "KeyReleases" });
