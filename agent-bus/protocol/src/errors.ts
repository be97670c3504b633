import { errorCatalogue } from './app-error.ts';

/** Errors of the wire form itself. */
export const protocolErrors = errorCatalogue({
  AC_ENVELOPE_INVALID: {
    message: 'not a valid envelope: {problem}',
    remedy:
      'Send an envelope of version 1 with id, sender, recipient, envelope_type and created_at (docs/protocol.md).',
    retry: 'never',
  },
  AC_ENVELOPE_VERSION: {
    message: 'envelope version {version} is not known here',
    remedy: 'Upgrade AgentCompany, or send version 1.',
    retry: 'never',
  },
  AC_ENVELOPE_TYPE: {
    message: 'unknown envelope type {type}',
    remedy: 'Use one of the types listed in docs/protocol.md.',
    retry: 'never',
  },
  AC_PAYLOAD_INVALID: {
    message: 'the payload of {type} is not valid: {problem}',
    remedy: 'Correct the named field (docs/protocol.md lists the payload of each type).',
    retry: 'never',
  },
});
