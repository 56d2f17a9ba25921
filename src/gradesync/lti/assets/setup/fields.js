// List what an admin fills in, table by table of the district's file, each with where to find it.

const POWERSCHOOL = "powerschool";
const ONEROSTER = "oneroster";
const API_INFO = "In Schoology: the app's Options, then API Info.";
const PLUGIN = "In PowerSchool: the plugin's Data Provider Configuration.";

const PROFILES = [
  ["standard", "None of these"],
  ["infinite-campus", "Infinite Campus"],
  ["skyward", "Skyward"],
  ["eschoolplus", "eSchoolPLUS"],
  ["blackbaud", "Blackbaud"],
  ["synergy", "Synergy"],
  ["aspen", "Aspen"],
  ["powerschool-universal", "PowerSchool, by OneRoster"],
  ["google-compatible", "As Google Classroom reads it"],
];

/** `usual` fills an empty field; `given`: the service does; `kind` shows a field for one kind of SIS; `choices` makes it a list, `lines` takes several. */
export const PARTS = [
  {
    title: "Your district",
    fields: [
      { name: "name", label: "Name", where: "As the people of your district know it." },
      {
        name: "timezone",
        label: "Time zone",
        where: "Due dates are read in it. An IANA name, such as America/Chicago.",
        usual: Intl.DateTimeFormat().resolvedOptions().timeZone,
      },
    ],
  },
  {
    title: "Schoology",
    table: "schoology",
    fields: [
      { name: "base_url", label: "Address of its API", where: "The same for every district, unless Schoology gave you another." },
      { name: "consumer_key", label: "Consumer key", where: API_INFO },
      { name: "consumer_secret", label: "Consumer secret", where: API_INFO, secret: true },
    ],
  },
  {
    title: "Student information system",
    table: "sis",
    fields: [
      { name: "kind", label: "Kind", where: "Most districts with PowerSchool use the plugin; others use OneRoster.", choices: [[POWERSCHOOL, "PowerSchool, by the plugin"], [ONEROSTER, "OneRoster"]] },
      { name: "profile", label: "Product", where: "Products differ in what they accept.", choices: PROFILES, kind: ONEROSTER },
      { name: "name", label: "Its name for teachers", where: "Needed where the product is none of these. Teachers read it in every sentence.", kind: ONEROSTER },
      { name: "base_url", label: "Address", where: "The address at which your staff sign in, without a path.", kind: POWERSCHOOL },
      { name: "base_url", label: "Address of the service", where: "Your vendor gives it, or the next two instead.", kind: ONEROSTER },
      { name: "rostering_url", label: "Address of rostering", where: "For OneRoster 1.2, where it differs.", kind: ONEROSTER },
      { name: "gradebook_url", label: "Address of the gradebook", where: "For OneRoster 1.2, where it differs.", kind: ONEROSTER },
      { name: "token_url", label: "Address of tokens", where: "Your vendor gives it. Not needed with OAuth 1.0a.", kind: ONEROSTER },
      { name: "client_id", label: "Client id", where: PLUGIN, kind: POWERSCHOOL },
      { name: "client_id", label: "Client id", where: "Your vendor gives it, with the permission to write grades.", kind: ONEROSTER },
      { name: "client_secret", label: "Client secret", where: PLUGIN, secret: true, kind: POWERSCHOOL },
      { name: "client_secret", label: "Client secret", where: "Your vendor gives it.", secret: true, kind: ONEROSTER },
      {
        name: "headers",
        label: "Extra headers",
        where: "One a line, such as X-Api-Key: a1b2. Only where your vendor asks for them.",
        secret: true,
        lines: true,
        kind: ONEROSTER,
      },
    ],
  },
  {
    title: "How ids match",
    table: "match",
    fields: [
      { name: "section", label: "Section school code", where: "A pattern whose group is the section's id in the SIS.", usual: "^(\\d+)$" },
      { name: "student", label: "Unique user id", where: "A pattern whose group is the student's id in the SIS. Compare one student in both systems.", usual: "^1_(\\d+)$" },
      { name: "student_id", label: "Which id of a student", where: "PowerSchool: dcid, id or student_number. OneRoster: sourced_id, identifier or username. Empty: the first." },
    ],
  },
  {
    title: "The app in Schoology (LTI 1.3)",
    table: "lti",
    optional: true,
    addresses: true,
    fields: [
      { name: "client_id", label: "Client id", where: API_INFO },
      { name: "deployment_id", label: "Deployment id", where: "In Schoology's list of apps: Configure. Copy all of it." },
      { name: "issuer", label: "Issuer", where: "The same for every district.", given: true },
      { name: "jwks_url", label: "Key set", where: "The same for every district.", given: true },
      { name: "authorization_url", label: "Authorization", where: "The same for every district.", given: true },
    ],
  },
  {
    title: "The app in Schoology (LTI 1.1)",
    table: "lti11",
    optional: true,
    note: "Only where the app is still installed by key and secret. Otherwise leave this part empty.",
    fields: [
      { name: "consumer_key", label: "Key", where: "In Schoology: the settings of the external tool." },
      { name: "consumer_secret", label: "Shared secret", where: "Beside the key.", secret: true },
    ],
  },
];
