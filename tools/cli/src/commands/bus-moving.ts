import path from 'node:path';
import type { Company } from '@agentcompany/orchestrator';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanLine, counted } from '../terminal/clean-text.ts';

/** `bus export`. */
export function addExport(bus: Command, session: Session): void {
  const command = bus
    .command('export')
    .description(
      'Writes the whole message store, as it is at one moment, one JSON document a line. Any adapter imports it.',
    )
    .argument('[file]', 'where to; gzip where the name ends in .gz; `-` or none is standard output')
    .action(
      action(session, async (context, [file = '-']) =>
        context.withCompany({}, (company) =>
          file === '-' ? exportHere(context, company) : exportTo(context, company, path.resolve(context.io.cwd, file)),
        ),
      ),
    );
  examples(
    command,
    'agentcompany bus export backup.ndjson.gz',
    'agentcompany bus export | jq -c "select(.kind == \\"entry\\") | .envelope"',
  );
}

async function exportHere(context: Context, company: Company): Promise<number> {
  for await (const record of company.bus.exportRecords()) {
    if (!record.ok) return context.fail(record.error);
    context.document(record.value);
  }
  return 0;
}

async function exportTo(context: Context, company: Company, file: string): Promise<number> {
  const written = await company.bus.exportTo(file);
  if (!written.ok) return context.fail(written.error);
  const { records, bytes } = written.value;
  if (context.json) context.document({ version: 1, file, records, bytes });
  else context.data(`${counted(records, 'record')}, ${counted(bytes, 'byte')} in ${cleanLine(file)}`);
  return 0;
}

/** `bus import`. */
export function addImport(bus: Command, session: Session): void {
  const command = bus
    .command('import')
    .description(
      'Fills an empty message store from an export of any adapter, whole or not at all, and makes the read model from it. No engine may be at work.',
    )
    .argument('<file>', 'what `agentcompany bus export` wrote')
    .action(
      action(session, async (context, [file = '']) =>
        context.withCompany({}, async (company) => {
          const imported = await company.bus.importFrom(path.resolve(context.io.cwd, file));
          if (!imported.ok) return context.fail(imported.error);
          const { entries, runs } = imported.value;
          if (context.json) context.document({ version: 1, entries, runs });
          else context.data(`${counted(entries, 'envelope')} of ${counted(runs, 'run')} imported`);
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany bus import backup.ndjson.gz');
}
