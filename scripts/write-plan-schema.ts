/** Writes docs/plan.schema.json from the schema in the code: `node --conditions=development scripts/write-plan-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { planJsonSchema } from '../orchestrator/src/plans/plan-file-schema.ts';

writeFileSync(new URL('../docs/plan.schema.json', import.meta.url), `${JSON.stringify(planJsonSchema(), null, 2)}\n`);
