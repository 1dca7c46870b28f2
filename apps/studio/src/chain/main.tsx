import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ChainPage } from "./chain-page.js";
import "../styles/base.css";
import "../styles/components.css";
import "../styles/operations.css";
import "../styles/chain.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <ChainPage />
  </StrictMode>,
);
