import { readFileSync, writeFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
manifest.license ??= 'MIT';
writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
