// Somebody else's double of GitHub (npm `emulate`), with one App, one installation and one repository.
import { createEmulator } from "emulate";

const [port, webhook, secret] = process.argv.slice(2);
const github = await createEmulator({
  service: "github",
  port: Number(port),
  seed: {
    tokens: { token_of_octocat: { login: "octocat", scopes: ["repo", "user"] } },
    github: {
      users: [{ login: "octocat", name: "The Octocat", email: "octocat@example.org" }],
      repos: [{ owner: "octocat", name: "leaky", auto_init: true }],
      apps: [
        {
          app_id: 12345,
          slug: "repairbot-elsewhere",
          name: "repairbot elsewhere",
          permissions: { metadata: "read", contents: "read", pull_requests: "write", checks: "write", issues: "write" },
          events: ["pull_request", "issue_comment", "check_run", "check_suite"],
          webhook_url: webhook,
          webhook_secret: secret,
          installations: [{ installation_id: 100, account: "octocat", repository_selection: "all" }],
        },
      ],
    },
  },
});
const key = github.generatedSecrets.find((each) => each.kind === "github.app_private_key");
console.log(JSON.stringify({ url: github.url, key }));
