import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ProofPage } from "./proof-page.js";
import "../styles/base.css";
import "../styles/components.css";
import "../styles/proof.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <ProofPage />
  </StrictMode>,
);
