/** What gives itself away as a secret by its form: keys of models' providers, tokens of forges and clouds, private keys in PEM to their end. */
export const secretForms: readonly (readonly [kind: string, form: RegExp])[] = [
  [
    'a private key',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)/u,
  ],
  ['an Anthropic key', /\bsk-ant-[\w-]{16,}/u],
  ['an OpenAI key', /\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}/u],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,})/u],
  ['a GitLab token', /\bgl(?:pat|ptt|dt|rt|cbt)-[\w-]{20,}/u],
  ['an AWS key id', /\b(?:AKIA|ASIA|AGPA|AROA)[A-Z0-9]{16}\b/u],
  ['a Google key', /\bAIza[\w-]{35}/u],
  ['a Slack token', /\bxox[abeoprs]-[\w-]{10,}/u],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}/u],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30,}/u],
  ['a signed web token', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/u],
];
