import { defineScript } from './script.ts';

/**
 * Arguments: expected stream and version, `c` (completed) or `b` (buried), number of deliveries, each as queue, id, token; of a buried one
 * the id of its notice and its error as JSON; items.
 */
export const endScript = defineScript(
  'end',
  `
local function takeLeases()
  local leases, ids = {}, {}
  for index = 1, takeNumber() do
    leases[index] = { queue = take(), id = take(), token = take() }
    ids[index] = leases[index].id
  end
  return leases, ids
end

-- the records of the leases, and how many have ended; or nil and the number of the lease that is not held
local function takeEnds()
  local leases, ids = takeLeases()
  local positions = readMany('HMGET', prefix .. 'ids', ids)
  local wanted, ended = {}, 0
  for index, lease in ipairs(leases) do
    if not positions[index] then return nil, index end
    wanted[lease.queue] = wanted[lease.queue] or {}
    push(wanted[lease.queue], positions[index])
  end
  local found = {}
  for queue, list in pairs(wanted) do found[queue] = recordsOf(queue, list) end
  local taken = {}
  for index, lease in ipairs(leases) do
    local place = (taken[lease.queue] or 0) + 1
    taken[lease.queue] = place
    lease.record = found[lease.queue][place]
    if not isHeld(lease.record, lease.token) then return nil, index end
    if isEnded(lease.record) then ended = ended + 1 end
  end
  return leases, ended
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
    one.record.receipt = index == 1 and receipt or '@' .. first.queue .. ' ' .. first.record.position
    changed[one.queue] = changed[one.queue] or {}
    push(changed[one.queue], one.record)
  end
  for queue, list in pairs(changed) do
    lift(queue, list)
    for _, record in ipairs(list) do record.state, record.due = state, 0 end
    keep(queue, list)
  end
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
