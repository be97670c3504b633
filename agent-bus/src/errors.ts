import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the bus, whichever adapter carries it (DESIGN §4). */
export const busErrors = errorCatalogue({
  AC_BUS_ADAPTER_UNKNOWN: {
    message: 'there is no bus adapter {adapter}',
    remedy: 'Set message_queue to one of: {known}.',
    retry: 'never',
  },
  AC_BUS_ADAPTER_UNAVAILABLE: {
    message: 'the bus adapter {adapter} cannot be loaded on this machine',
    remedy: 'Run the installation again under the Node version the project asks for.',
    retry: 'never',
  },
  AC_BUS_CONFLICT: {
    message: 'stream {stream} is at {actual}, the decision was made at {expected}',
    remedy: 'Fold the stream again and decide again.',
    retry: 'now',
  },
  AC_BUS_ID_CONFLICT: {
    message: 'envelope {id} is known with other content',
    remedy: 'Give what is new an id of its own; send again only what was sent, byte for byte.',
    retry: 'never',
  },
  AC_BUS_STALE_LEASE: {
    message: 'the lease on {subject} is no longer held',
    remedy: 'Drop the result: someone else has been given the work, or will be.',
    retry: 'never',
  },
  AC_BUS_UNCERTAIN: {
    message: 'it is not known whether the step became durable',
    remedy: 'Repeat the call with the same ids: what is already there is not done twice.',
    retry: 'now',
  },
  AC_BUS_CLOSED: {
    message: 'the bus is closed',
    remedy: 'Open it again.',
    retry: 'never',
  },
  AC_BUS_FULL: {
    message: 'the disk that holds {file} is full; nothing of the step was kept',
    remedy: 'Free space on that disk, then repeat the call.',
    retry: 'later',
  },
  AC_BUS_BUSY: {
    message: '{file} stayed locked by another process for {milliseconds} ms',
    remedy: 'Repeat the call; if it persists, end the process that holds the file (doctor names it).',
    retry: 'later',
  },
  AC_BUS_FSYNC: {
    message: 'writing {file} to disk failed; the bus is closed, and what was not acknowledged may be lost',
    remedy: 'Check the disk and its file system, then start again.',
    retry: 'never',
  },
  AC_BUS_CORRUPT: {
    message: '{file} is damaged or no bus of AgentCompany',
    remedy: 'Restore the file from a backup, or move it away and start with an empty bus.',
    retry: 'never',
  },
  AC_BUS_OPEN: {
    message: 'the bus in {folder} cannot be opened',
    remedy: 'Check that the folder exists, belongs to this user and can be written.',
    retry: 'never',
  },
  AC_BUS_SCHEMA_NEWER: {
    message: '{file} was written by a newer AgentCompany (schema {found}, known up to {known})',
    remedy: 'Upgrade AgentCompany.',
    retry: 'never',
  },
  AC_BUS_NETWORK_FS: {
    message: '{folder} lies on a network file system ({kind}), where file locks cannot be trusted',
    remedy: 'Move the company home to a local disk.',
    retry: 'never',
  },
  AC_BUS_PAYLOAD_TOO_LARGE: {
    message: 'envelope {id} has {bytes} bytes, the bus takes {limit}',
    remedy: 'Keep large content in a file or a git object and send its name.',
    retry: 'never',
  },
  AC_BUS_QUEUE_NAME: {
    message: '{name} is no name of a queue or lease',
    remedy:
      'Use lower-case letters, digits, dot, hyphen, underscore and slash, without .. or //, at most 128 characters.',
    retry: 'never',
  },
  AC_BUS_OPTION_INVALID: {
    message: '{option} may not be {value}',
    remedy: 'Give {expected}.',
    retry: 'never',
  },
  AC_BUS_LEASE_HELD: {
    message: 'the lease {name} is held by {holder}',
    remedy: 'Wait until it is released or lapses, or end its holder.',
    retry: 'later',
  },
  AC_BUS_UNKNOWN_DEAD_LETTER: {
    message: 'there is no dead letter {id}',
    remedy: 'List the dead letters: it may have been requeued or purged already.',
    retry: 'never',
  },
  AC_BUS_DELIVERIES_SPENT: {
    message: 'envelope {id} was delivered {count} times from queue {queue} and never completed',
    remedy: 'Look at the log of its handler; mend the cause, then requeue the dead letter.',
    retry: 'never',
  },
  AC_BUS_UNREADABLE: {
    message: 'the stored envelope {id} (entry {seq} of stream {stream}) cannot be read',
    remedy: 'Look at the row in the store; its stream shows it as a dead letter in its place.',
    retry: 'never',
  },
  AC_BUS_QUARANTINED: {
    message: '{bytes} bytes of the journal are no records of the bus; they are kept in quarantine/{file}',
    remedy:
      'Look at the file: it holds what could not be read. Check the disk if no process was killed; requeue or purge the dead letter.',
    retry: 'never',
  },
  AC_BUS_NOT_EMPTY: {
    message: 'the bus in {place} already holds {entries} envelopes',
    remedy: 'Import into an empty bus: use a new home, or move the store away first.',
    retry: 'never',
  },
  AC_BUS_EXPORT_INVALID: {
    message: 'record {number} of the export is not valid: {problem}',
    remedy: 'Export again from the source; nothing was imported.',
    retry: 'never',
  },
  AC_BUS_URL: {
    message: 'the address of the bus server is not valid: {problem}',
    remedy:
      'Write redis://[user:password@]host[:port][/database][?namespace=name], rediss:// for TLS, or redis+sentinel://host:port,host:port/master.',
    retry: 'never',
  },
  AC_BUS_LOGIN: {
    message: 'the bus server {address} does not let this user in: {reason}',
    remedy: 'Check user and password in the address, and what the user may do there.',
    retry: 'never',
  },
  AC_BUS_AWAY: {
    message: 'the bus server {address} cannot be used: {reason}',
    remedy: 'Check that it runs and can be reached, then repeat the call: nothing of it was kept.',
    retry: 'later',
  },
  AC_BUS_SERVER_OLD: {
    message: 'the bus server {address} is Redis {found}, at least {least} is needed',
    remedy: 'Upgrade the server.',
    retry: 'never',
  },
  AC_BUS_VOLATILE: {
    message: 'the bus server {address} may lose what it acknowledged: {setting} is {value}',
    remedy: 'Set {setting} to {wanted} in its configuration, or accept the loss with accept_volatile.',
    retry: 'never',
  },
  AC_BUS_SERVER_FULL: {
    message: 'the bus server {address} takes no more data: {reason}; nothing of the step was kept',
    remedy: 'Give the server memory (maxmemory) or disk, then repeat the call; what waits can still be completed.',
    retry: 'later',
  },
  AC_BUS_LOST: {
    message: 'the bus server {address} came back without what it had acknowledged: {what}; the bus is closed',
    remedy: 'Compare the runs with the outside, restore the server from a backup where they differ, then start again.',
    retry: 'never',
  },
});
