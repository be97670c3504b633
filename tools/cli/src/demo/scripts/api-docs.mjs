// Writes docs/API.md: everything the package exports, as it is when imported.
import { mkdirSync, writeFileSync } from 'node:fs';
import { entryOf, importEntry, readManifest } from './shared/package-facts.mjs';

/** Source text as it may stand in a Markdown code span. */
function code(text) {
  return `\`${text
    .replaceAll(/[`\s]+/g, ' ')
    .trim()
    .slice(0, 120)}\``;
}

/** The parameters as the source spells them; only their number where the text cannot be read that simply. */
function parameters(callable) {
  const source = Function.prototype.toString.call(callable);
  const list = /^(?:async\s*)?(?:function\s*\*?\s*[\w$]*\s*)?\(([^()]*)\)/.exec(source)?.[1];
  if (list !== undefined)
    return list
      .replaceAll(/\/\*.*?\*\/|\/\/.*$/gms, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
  return Array.from({ length: callable.length }, (_, index) => `argument${index + 1}`).join(', ');
}

const isClass = (value) => typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** Own properties that are part of the interface: those a function or class always has are not. */
function members(value) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return [];
  return Object.entries(value).filter(([name]) => !name.startsWith('_'));
}

function describe(name, value) {
  if (isClass(value)) return `class ${code(name)}`;
  if (typeof value === 'function') return code(`${name}(${parameters(value)})`);
  return `${code(name)}: ${Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value}`;
}

function section([name, value]) {
  const methods = isClass(value)
    ? Object.getOwnPropertyNames(value.prototype).filter((method) => method !== 'constructor')
    : [];
  const lines = [
    ...members(value).map(([member, inner]) => `- ${describe(member, inner)}`),
    ...methods.map((method) => `- method ${code(method)}`),
  ];
  return [`## ${name}`, '', describe(name, value), ...(lines.length === 0 ? [] : ['', ...lines]), ''].join('\n');
}

const manifest = readManifest();
const entry = entryOf(manifest);
const sections = Object.entries(await importEntry(entry)).map(section);
mkdirSync('docs', { recursive: true });
writeFileSync(
  'docs/API.md',
  `# Exports of ${manifest.name}\n\nOf ${code(entry)}, version ${manifest.version}.\n\n${sections.join('\n')}`,
);
