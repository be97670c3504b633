import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readCatalogues } from './catalogues.ts';
import { renderErrorsPage } from './errors-page.ts';

const root = resolve(import.meta.dirname, '../..');

await writeFile(join(root, 'docs/errors.md'), renderErrorsPage(await readCatalogues(root)));
