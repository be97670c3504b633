import { appendFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema, type CallToolResult } from '@modelcontextprotocol/sdk/types.js';

/**
 * A server for tests, with the library's own server: `node --conditions=development example-server.ts START-FILE [refuse]`. Each start
 * adds a line to the file: pid, and that of a process it leaves running.
 */
const [startFile = '', mode = ''] = process.argv.slice(2);

const text = (words: string, isError = false): CallToolResult => ({
  content: [{ type: 'text', text: words }],
  isError,
});

const tools: Readonly<
  Record<string, (input: Readonly<Record<string, unknown>>) => CallToolResult | Promise<CallToolResult>>
> = {
  echo: (input) => text(JSON.stringify(input)),
  environment: () => text(JSON.stringify(process.env)),
  fail: () => text('the shop is closed', true),
  big: () => text('x'.repeat(200_000)),
  picture: () => ({
    content: [
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'text', text: 'a picture' },
    ],
  }),
  slow: () => new Promise(() => undefined),
  die: () => {
    process.stderr.write('out of order\n');
    process.exit(3);
  },
  secret: () => text('not for agents'),
};

if (mode === 'refuse') {
  process.stderr.write('no key\n');
  process.exit(1);
}
const left = spawn('sleep', ['600'], { stdio: 'ignore' });
appendFileSync(startFile, `${process.pid} ${left.pid}\n`);

const server = new Server({ name: 'example', version: '1' }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: Object.keys(tools).map((name) => ({
    name,
    description: `Does ${name}.`,
    inputSchema: { type: 'object' as const },
  })),
}));
server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
  const tool = tools[params.name];
  return tool === undefined ? text('unknown', true) : tool(params.arguments ?? {});
});
await server.connect(new StdioServerTransport());
