import { Controller, Get, Header, Inject } from "@nestjs/common";
import { z } from "zod";
import { DOCS_STYLE } from "../openapi/docs-page.js";
import { Operation } from "../pipeline/operation.js";

export const API_DOCUMENTS = Symbol("api documents");

/** Made once from the controllers' own metadata. */
export interface ApiDocuments {
  readonly openApi: Record<string, unknown>;
  readonly page: string;
}

const anything = z.unknown();

@Controller()
export class DocsController {
  constructor(@Inject(API_DOCUMENTS) private readonly documents: ApiDocuments) {}

  @Get("openapi.json")
  @Operation({
    id: "getOpenApi",
    summary: "This API as OpenAPI 3.1",
    tag: "platform",
    access: "public",
    answer: anything,
  })
  openApi(): Record<string, unknown> {
    return this.documents.openApi;
  }

  @Get("docs")
  @Header("content-type", "text/html; charset=utf-8")
  @Operation({
    id: "getDocs",
    summary: "This API as a page",
    tag: "platform",
    access: "public",
    answer: anything,
    answerType: "text/html",
  })
  page(): string {
    return this.documents.page;
  }

  @Get("docs.css")
  @Header("content-type", "text/css; charset=utf-8")
  @Operation({
    id: "getDocsStyle",
    summary: "Style of the API's page",
    tag: "platform",
    access: "public",
    answer: anything,
    answerType: "text/html",
  })
  style(): string {
    return DOCS_STYLE;
  }
}
