/**
 * Names, context lengths and prices of models in lists.
 */

import { assertEquals } from "@std/assert";
import { describeModel, listLimits } from "../../lib/openrouter/model_label.ts";
import { createCatalogModel } from "../helpers/catalog_model.ts";

const MODEL = createCatalogModel({
  id: "z-ai/glm-5",
  name: "Z.AI: GLM 5: Air",
  contextLength: 202_752,
  promptPrice: 0.6,
  completionPrice: 2.2,
});

Deno.test("describeModel shows the name without the vendor, the context length and the prices", () => {
  assertEquals(describeModel(MODEL), "GLM 5: Air · 203k · $0.60/2.20");
  assertEquals(describeModel({ ...MODEL, name: "GLM" }), "GLM · 203k · $0.60/2.20");
});

Deno.test("listLimits leaves out what is unknown", () => {
  assertEquals(listLimits({ ...MODEL, promptPrice: undefined }), ["203k"]);
  assertEquals(listLimits({ ...MODEL, contextLength: undefined }), ["$0.60/2.20"]);
  assertEquals(listLimits(createCatalogModel({ id: "a/b" })), []);
});
