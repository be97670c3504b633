import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the HTTP interface of the engine home. */
export const apiErrors = errorCatalogue({
  AC_API_LISTEN: {
    message: 'the engine cannot serve worker hosts at {address}',
    remedy: 'Give it another place with `api` in config.json (docs/configuration.md), or end what listens there.',
    retry: 'never',
  },
  AC_API_CERTIFICATE: {
    message: 'the certificate or key of the HTTP interface cannot be used',
    remedy: 'Name PEM files that this user can read in `api` of config.json (docs/many-machines.md).',
    retry: 'never',
  },
  AC_API_UNAUTHORIZED: {
    message: 'the request has no valid token',
    remedy: 'Send the token that `agentcompany host-token` prints on the engine home.',
    retry: 'never',
  },
  AC_API_UNKNOWN: {
    message: 'there is nothing at {path}',
    remedy: 'Use the same version of AgentCompany on every machine.',
    retry: 'never',
  },
  AC_API_INVALID: {
    message: 'the request is not valid: {problem}',
    remedy: 'Use the same version of AgentCompany on every machine.',
    retry: 'never',
  },
  AC_API_ATTEMPT_OVER: {
    message: 'attempt {attempt} is not under way, or has no model',
    remedy: 'Nothing: its work was given to another, or is done.',
    retry: 'never',
  },
  AC_API_TOO_LARGE: {
    message: 'the content is larger than the {limit} bytes allowed',
    remedy: 'Make the task smaller: its result does not fit.',
    retry: 'never',
  },
  AC_API_DIGEST: {
    message: 'the content is not what was announced: {problem}',
    remedy: 'Nothing: it is sent again.',
    retry: 'now',
  },
  AC_API_CONFLICT: {
    message: 'attempt {attempt} has handed over another result already',
    remedy: 'Look at the ledger of the run: one attempt has one result.',
    retry: 'never',
  },
  AC_API_STORAGE: {
    message: 'the content could not be stored',
    remedy: 'Make room on the disk of the engine home; hosts send again until it is taken.',
    retry: 'later',
  },
  AC_API_FAILED: {
    message: 'the engine home failed to answer',
    remedy: 'Look at the engine’s log (runtime/state/engine.log); if it stays, report it.',
    retry: 'later',
  },
});
