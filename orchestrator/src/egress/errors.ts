import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the way out of workers (docs/egress.md). */
export const egressErrors = errorCatalogue({
  AC_EGRESS_UNRESOLVED: {
    message: 'egress_allow names {host}, for which no address was found',
    remedy: 'Correct the name, or the name server of this machine; `getent hosts {host}` asks the same.',
    retry: 'later',
  },
  AC_EGRESS_PRIVATE: {
    message: 'egress_allow names {host}, which has the address {address}: that is none of the public network',
    remedy: 'Workers reach public addresses alone. Take the name out, or give it public addresses only.',
    retry: 'never',
  },
  AC_EGRESS_UNREACHABLE: {
    message: 'egress_allow names {host}, which cannot be reached at port {port}',
    remedy:
      'Read the cause: a firewall of this machine, a proxy it stands behind (the way out needs direct connections), or a certificate that Node does not trust (NODE_EXTRA_CA_CERTS).',
    retry: 'later',
  },
});
