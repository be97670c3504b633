/** Taken where none is named: plain CommonJS in some fifty files, many exports, no dependency. By itself: `--help` shows it. */
export const defaultPackage = 'semver@7.7.3';
