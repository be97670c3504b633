import { defineScript } from './script.ts';

/**
 * Arguments: expected stream and version, `c` (completed) or `b` (buried), number of deliveries, each as queue, id, token; of a buried one
 * the id of its notice and its error as JSON; items.
 */
export const endScript = defineScript(
  'end',
  `
local function takeEnds()
  local ends, ended = {}, 0
  for index = 1, takeNumber() do
    local queue, id, token = take(), take(), take()
    local record = recordOf(queue, id)
    if not isHeld(record, token) then return nil, index end
    if isEnded(record) then ended = ended + 1 end
    ends[index] = { queue = queue, record = record }
  end
  return ends, ended
end

-- the receipt of several deliveries stands with the first of them
local function firstEntries(first)
  local queue, position = string.match(first.record.receipt, '^@(%S+) (%d+)$')
  local record = queue and recordsOf(queue, { position })[1] or first.record
  local reply = {}
  for entry in string.gmatch(record.receipt, '%d+') do
    local found = entryAt(entry)
    if found then pushEntry(reply, found) end
  end
  return { 'before', redis.call('HGET', facts, 'last'), reply }
end

local function receiptOf(plan)
  local seen, positions = {}, {}
  for index = 1, #plan.reply, 3 do
    local position = plan.reply[index]
    if not seen[position] then push(positions, position) end
    seen[position] = true
  end
  return table.concat(positions, ' ')
end

local function endAll(ends, state, receipt)
  local first = ends[1]
  local changed = {}
  for index, one in ipairs(ends) do
    lift(one.queue, one.record)
    one.record.state, one.record.due = state, 0
    one.record.receipt = index == 1 and receipt or '@' .. first.queue .. ' ' .. first.record.position
    changed[one.queue] = changed[one.queue] or {}
    push(changed[one.queue], one.record)
  end
  for queue, list in pairs(changed) do keep(queue, list) end
end

local function bury(first, notice, problem)
  local record = first.record
  local value = table.concat({ first.queue, record.position, text(record.count), text(now), problem }, '|')
  writeField(prefix .. 'dead', notice, value, nil)
end

local function step()
  local stream, version, state = take(), take(), take()
  local ends, ended = takeEnds()
  if not ends then return { 'stale', ended } end
  local notice, problem
  if state == 'b' then notice, problem = take(), take() end
  if #ends > 0 and ended == #ends then return firstEntries(ends[1]) end
  for index, one in ipairs(ends) do
    if isEnded(one.record) then return { 'stale', index } end
  end
  local refused = conflict(stream, version)
  if refused then return refused end
  local items = takeItems()
  local plan, id = planAppend(items, knownOf(items))
  if not plan then return { 'id', id } end
  applyAppend(plan)
  endAll(ends, state, receiptOf(plan))
  if notice then bury(ends[1], notice, problem) end
  ringBells()
  return { 'done', text(plan.last), plan.reply }
end
`,
);
