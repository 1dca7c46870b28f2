import { formatAios } from "@aios/kernel/units";

/** `0x1234…abcd`; the whole text stays available to screen readers and on hover. */
export function shortHex(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 6)}…${hex.slice(-4)}`;
}

/** A sentence with every address and hash in it shortened. */
export function shortenHexIn(sentence: string): string {
  return sentence.replace(/0x[0-9a-fA-F]{40,}/g, shortHex);
}

/** Wei as AIOS with at most six decimals. */
export function aios(wei: string): string {
  const [whole = "0", fraction = ""] = formatAios(BigInt(wei)).split(".");
  const shown = fraction.slice(0, 6).replace(/0+$/, "");
  return `${Number(whole).toLocaleString("en")}${shown === "" ? "" : `.${shown}`} AIOS`;
}

export function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(2)} s`;
}

/** "receipt-anchored" → "Receipt anchored". */
export function sentenceCase(name: string): string {
  const text = name.replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function timeOfDay(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toLocaleTimeString("en", { hour12: false });
}
