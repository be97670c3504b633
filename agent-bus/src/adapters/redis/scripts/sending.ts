import { defineSendingScript } from './script.ts';

/** Arguments: expected stream (empty for none), its version, items. */
export const sendScript = defineSendingScript(
  'send',
  `
local function step()
  local stream, version = take(), take()
  local items = takeItems()
  local known = knownOf(items)
  local refused = conflict(stream, version)
  if refused and not isRepetition(items, known) then return refused end
  local plan, id = planAppend(items, known)
  if not plan then return { 'id', id } end
  applyAppend(plan)
  ringBells()
  return { 'done', text(plan.last), plan.reply }
end
`,
);
