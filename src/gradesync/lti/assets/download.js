// Save the outcomes of a sync as a file.

import { button, h } from "./dom.js";

/** Create a button that saves the spreadsheet of a sync or a preview; `failed` takes the error. */
export function downloadButton(context, sync, failed) {
  const save = async () => {
    try {
      saveFile(await context.api.spreadsheet(sync.id));
    } catch (error) {
      failed(error);
    }
  };
  return button("Download as a spreadsheet (CSV)", save, { class: "download" });
}

/** Let the browser save a file: `name`, `content`. */
export function saveFile({ name, content }) {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
