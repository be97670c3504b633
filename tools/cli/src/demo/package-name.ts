import { failure, success, type Result } from '@agentcompany/protocol';
import { demoErrors } from './errors.ts';

export interface PackageName {
  readonly name: string;
  readonly version: string;
  /** `name@version`. */
  readonly id: string;
}

/** A name as the npm registry allows it, and an exact version (semver 2.0.0): nothing that npm could read as an option, a folder or an address. */
const form =
  /^((?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*)@(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$/;
const longest = 214;

/** Reads NAME@VERSION. Error: `AC_DEMO_PACKAGE_NAME`. */
export function parsePackageName(given: string): Result<PackageName> {
  const [, name, version] = given.length > longest ? [] : (form.exec(given) ?? []);
  if (name === undefined || version === undefined) {
    return failure(demoErrors.AC_DEMO_PACKAGE_NAME({ given: JSON.stringify(given.slice(0, longest)) }));
  }
  return success({ name, version, id: `${name}@${version}` });
}
