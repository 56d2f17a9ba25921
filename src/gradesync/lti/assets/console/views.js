// List the views of the console, in the order of its navigation. Add a view here; see docs/CONTRIBUTING.md.

export const VIEWS = [
  { key: "overview", title: "Overview", load: () => import("./overview.js") },
  { key: "sections", title: "Sections", load: () => import("./sections.js") },
  { key: "categories", title: "Categories", load: () => import("./categories.js") },
  { key: "preflight", title: "Pre-flight", load: () => import("./preflight.js") },
  { key: "students", title: "Students", load: () => import("./students.js") },
  { key: "reports", title: "Reports", load: () => import("./statements.js") },
  { key: "runs", title: "Runs", load: () => import("./runs.js") },
  { key: "clients", title: "Clients", load: () => import("./clients.js") },
  { key: "settings", title: "Settings", load: () => import("./settings.js") },
];
