import { errorCatalogue } from '@agentcompany/protocol';

/** What can go wrong when code agents are put into an image. */
export const agentImageErrors = errorCatalogue({
  AC_IMAGE_AGENT_UNKNOWN: {
    message: 'there is no code agent {agent}; known are {known}',
    remedy: 'Name one of these.',
    retry: 'never',
  },
  AC_IMAGE_AGENT_INSTALL: {
    message: 'npm could not install the code agent {agent}',
    remedy: 'Read the cause; the npm registry that npm is configured for must be reachable and have this version.',
    retry: 'later',
  },
  AC_IMAGE_AGENT_UNPINNED: {
    message: 'npm would install {package} for the code agent {agent}, which its lockfile does not hold',
    remedy: 'Use this agent on a processor whose packages the lockfile names; nothing was put into an image.',
    retry: 'never',
  },
  AC_IMAGE_BUILD_FAILED: {
    message: 'the image with the code agents could not be built',
    remedy:
      'Read the cause: every agent is started once in its new image; room for a few gigabytes is needed where the engine keeps images.',
    retry: 'later',
  },
  AC_IMAGE_PROCESSOR: {
    message: 'there are no code agents for the processor {processor}',
    remedy: 'Use a container engine on x86-64 or arm64.',
    retry: 'never',
  },
});
