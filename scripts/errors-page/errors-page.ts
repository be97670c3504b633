import type { DocumentedError } from './catalogues.ts';

const retryText = {
  now: 'try again at once',
  later: 'try again after a while',
  never: 'no, until the cause is mended',
} as const satisfies Record<DocumentedError['retry'], string>;

const introduction = `# Errors

Every expected failure has a code that does not change, a message that says what happened, and a remedy. On the command
line the remedy follows the message; with \`--json\` and in the HTTP API they are the fields \`code\`, \`message\`, \`cause\`,
\`remedy\` and \`retry\`. Words in braces are filled in when the error arises.

This page is written from the catalogues by \`node scripts/write-errors-page.mjs\`; a test compares the two.
`;

/** The area a catalogue speaks for: its path without \`src\` and the file name. */
function areaOf(file: string): string {
  return file
    .split('/')
    .slice(0, -1)
    .filter((part) => part !== 'src')
    .join('/');
}

/** Markdown must show the text as it is: no markup from what stands in a message. */
function plain(text: string): string {
  return text.replace(/[\\`*<>[\]|]/g, '\\$&');
}

function section({ code, message, remedy, retry }: DocumentedError): string {
  return `### ${code}\n\n${plain(message)}\n\n- Remedy: ${plain(remedy)}\n- Retry: ${retryText[retry]}\n`;
}

/** The whole text of docs/errors.md: one section per area, one sub-section per code. */
export function renderErrorsPage(errors: readonly DocumentedError[]): string {
  const areas = Map.groupBy(errors, ({ file }) => areaOf(file));
  const parts = [...areas].map(([area, entries]) => `## ${area}\n\n${entries.map(section).join('\n')}`);
  return [introduction, ...parts].join('\n');
}
