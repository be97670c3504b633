import { errorCatalogue } from '@agentcompany/protocol';

/** What can go wrong when a container is made from a repository's own description. */
export const devcontainerErrors = errorCatalogue({
  AC_DEVCONTAINER_ABSENT: {
    message: 'the repository has no {files} at commit {commit}',
    remedy:
      'Add one on the integration branch, or name an image for the project instead (field image of projects.json).',
    retry: 'never',
  },
  AC_DEVCONTAINER_INVALID: {
    message: '{file} cannot be used: {problem}',
    remedy: 'Correct it on the integration branch; docs/images.md says what is read of it. Then start a new run.',
    retry: 'never',
  },
  AC_DEVCONTAINER_REFUSED: {
    message: 'line {line} of {file} is refused: {rule}',
    remedy: 'Write it otherwise (docs/images.md says what a build may do), or build the image yourself and name it.',
    retry: 'never',
  },
  AC_DEVCONTAINER_BUILD: {
    message: 'the image that {file} describes could not be built',
    remedy:
      'Read the cause and the log of the engine. Builds have no network: put what they would download into the base image.',
    retry: 'never',
  },
});
