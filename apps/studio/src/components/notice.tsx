import type { ReactNode } from "react";

/** Empty, loading, error and offline states, told in one quiet line. */
export function Notice({
  kind,
  children,
}: {
  readonly kind: "loading" | "empty" | "error" | "warning";
  readonly children: ReactNode;
}) {
  return (
    <p className={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {kind === "loading" ? <span className="spinner" aria-hidden="true" /> : null}
      {children}
    </p>
  );
}
