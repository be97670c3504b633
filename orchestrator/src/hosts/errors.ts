import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of a worker host on a machine of its own. */
export const hostErrors = errorCatalogue({
  AC_HOST_ENGINE_AWAY: {
    message: 'the engine home at {address} does not answer',
    remedy:
      'Nothing, where it comes back: the host goes on asking. Otherwise start `agentcompany engine` there, and see that the network lets this machine through.',
    retry: 'later',
  },
  AC_HOST_TOKEN: {
    message: 'the engine home at {address} refuses the token of this host',
    remedy:
      'Give the token that `agentcompany host-token` prints there, in AGENTCOMPANY_HOST_TOKEN or with --token-file.',
    retry: 'never',
  },
  AC_HOST_TOKEN_MISSING: {
    message: 'the host has no token: {problem}',
    remedy:
      'Run `agentcompany host-token` on the engine home, and give what it prints in AGENTCOMPANY_HOST_TOKEN or with --token-file.',
    retry: 'never',
  },
  AC_HOST_REFUSED: {
    message: 'the engine home at {address} refused: {problem}',
    remedy: 'Use the same version of AgentCompany on every machine, and the bus and the engine home of one company.',
    retry: 'never',
  },
  AC_HOST_COMMIT_ABSENT: {
    message: 'the engine home did not send commit {oid} of run {run}',
    remedy:
      'Nothing: it is asked for again. If it stays, `agentcompany doctor` on the engine home checks its repositories.',
    retry: 'later',
  },
  AC_HOST_ADDRESS: {
    message: '{address} is no address of an engine home',
    remedy: 'Give --engine http://HOST:PORT, or https:// where the engine home has a certificate.',
    retry: 'never',
  },
  AC_HOST_BUS: {
    message: '{place} is no bus that worker hosts can join',
    remedy: 'Give --bus redis://HOST:PORT as the engine home has it; sqlite:FOLDER serves hosts on the same machine.',
    retry: 'never',
  },
  AC_HOST_FOLDER: {
    message: 'the folder {folder} of the worker host cannot be used',
    remedy: 'Name a folder of its own on a local disk that this user can write with --folder.',
    retry: 'never',
  },
  AC_HOST_RUNNING: {
    message: 'a worker host is at work already in {folder} (process {pid})',
    remedy: 'Let it work, or give another host another --folder.',
    retry: 'never',
  },
});
