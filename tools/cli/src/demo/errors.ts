import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the demo. */
export const demoErrors = errorCatalogue({
  AC_DEMO_PACKAGE_NAME: {
    message: '{given} does not name one version of a package',
    remedy: 'Give NAME@VERSION with a whole version, such as --package semver@7.7.3.',
    retry: 'never',
  },
  AC_DEMO_PACKAGE_UNKNOWN: {
    message: 'the package registry has no {package}',
    remedy: 'Look at the name and the version (`npm view NAME versions`), or leave --package out.',
    retry: 'never',
  },
  AC_DEMO_REGISTRY_UNREACHABLE: {
    message: 'the package registry could not be reached for {package}',
    remedy: 'Check the network and npm (`npm ping`), or name a package that an earlier demo has fetched.',
    retry: 'later',
  },
  AC_DEMO_PACKAGE_UNREADABLE: {
    message: '{package} could not be taken: {problem}',
    remedy: 'Run `npm pack {package}` to see what npm says, or choose another package with --package NAME@VERSION.',
    retry: 'never',
  },
  AC_DEMO_PACKAGE_UNSUITABLE: {
    message: '{package} does not suit the demo: {problem}',
    remedy: 'Choose a package of plain JavaScript without dependencies with --package NAME@VERSION.',
    retry: 'never',
  },
  AC_DEMO_INTERRUPTED: {
    message: 'the demo was interrupted{detail}',
    remedy: 'Start it afresh with `npm run demo`, or go on with `{command}`.',
    retry: 'later',
  },
  AC_DEMO_FOLDER_FOREIGN: {
    message: '{folder} holds what no demo has made',
    remedy: 'Move it away; the demo removes only what it made itself.',
    retry: 'never',
  },
  AC_DEMO_REPOSITORY: {
    message: 'the repository of the demo could not be made',
    remedy: 'Check that git 2.39 or newer is installed (`git --version`) and that the disk has room.',
    retry: 'later',
  },
});
